// What a recipe's context providers search, opened: the workspace's store and its external
// knowledge graph, as far as they are there.
//
//   OpenedCorpus opened(workspace, {"hybrid", "kg"});        // fast, says what is missing
//   ground::Corpus* corpus = opened.corpus(kDocumentsCollection, embedder, model);
//
// What `model` makes (the workspace's summarise role) is asked for when a search first asks a
// model; its answers are kept in the store. What `reranker` makes, when a recipe's `rerank` names a
// model.
// Throws Error(kNotFound) when a kind searches documents and nothing is ingested, or needs the
// knowledge graph and none is imported. Without kinds there is no corpus. Keep it as long as the
// corpus is used.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "app/workspace.h"
#include "ground/retriever.h"
#include "ground/stored_outputs.h"

namespace ondol::app {

class OpenedCorpus {
 public:
  OpenedCorpus() = default;
  OpenedCorpus(const Workspace& workspace, std::span<const std::string> kinds);
  // Null when there were no kinds. Makes it at the first call.
  ground::Corpus* corpus(const std::string& collection, Embedder* embedder,
                         std::function<Generator&()> model,
                         std::function<Reranker&(const std::string&)> reranker = {});
  // What searches asked so far; null: nothing.
  CachedGenerator* model() const { return model_ ? model_->cached.get() : nullptr; }

 private:
  struct AskedModel {
    std::once_flag made;
    std::unique_ptr<ground::StoredOutputs> outputs;
    std::unique_ptr<CachedGenerator> cached;
  };
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::KnowledgeGraph> knowledge_;
  std::unique_ptr<AskedModel> model_;
  std::unique_ptr<std::mutex> loading_;  // of rerankers, one at a time
  std::unique_ptr<ground::Corpus> corpus_;
  bool asked_ = false;
};

// The kinds of the recipes' providers.
std::vector<std::string> knowledge_kinds(std::span<const Recipe> recipes);

}  // namespace ondol::app
