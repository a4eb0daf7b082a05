// What a recipe's context providers search, opened: the workspace's store and its external
// knowledge graph, as far as they are there.
//
//   OpenedCorpus opened(workspace, {"hybrid", "kg"});        // fast, says what is missing
//   ground::Corpus* corpus = opened.corpus(kDocumentsCollection, embedder);
//
// Throws Error(kNotFound) when a kind searches documents and nothing is ingested, or needs the
// knowledge graph and none is imported. Without kinds there is no corpus. Keep it as long as the
// corpus is used.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/workspace.h"
#include "ground/retriever.h"

namespace ondol::app {

class OpenedCorpus {
 public:
  OpenedCorpus() = default;
  OpenedCorpus(const Workspace& workspace, std::span<const std::string> kinds);
  // Null when there were no kinds. Makes it at the first call.
  ground::Corpus* corpus(const std::string& collection, Embedder* embedder);

 private:
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::KnowledgeGraph> knowledge_;
  std::unique_ptr<ground::Corpus> corpus_;
  bool asked_ = false;
};

// The kinds of the recipes' providers.
std::vector<std::string> knowledge_kinds(std::span<const Recipe> recipes);

}  // namespace ondol::app
