// What a recipe's context providers search, opened: the workspace's store and its external
// knowledge graph, as far as they are there.
//
//   OpenedCorpus opened(workspace, {"hybrid", "kg"});        // fast, says what is missing
//   ground::Corpus* corpus = opened.corpus(kDocumentsCollection, embedder, session, book);
//
// The models of the book's roles summarise and judge, and rerankers, are loaded when a search first
// asks for one; what the roles answer is kept in the store. Throws Error(kNotFound) when a kind
// searches documents and nothing is ingested, or needs the knowledge graph and none is imported.
// Without kinds there is no corpus. Keep it as long as the corpus is used.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "app/session.h"
#include "app/workspace.h"
#include "ground/retriever.h"
#include "ground/stored_outputs.h"

namespace ondol::app {

class OpenedCorpus {
 public:
  OpenedCorpus() = default;
  OpenedCorpus(const Workspace& workspace, std::span<const std::string> kinds);
  // Null when there were no kinds. Makes it at the first call.
  // The session outlives the corpus.
  ground::Corpus* corpus(const std::string& collection, Embedder* embedder, Session& session,
                         const RecipeBook& book);
  // The models that searches asked so far.
  std::vector<CachedGenerator*> asked() const;

 private:
  // What searches ask, by the model's name; one is loaded at a time.
  struct Models {
    std::mutex mutex;
    std::unique_ptr<ground::StoredOutputs> outputs;  // null: no documents, nothing is kept
    std::map<std::string, std::unique_ptr<CachedGenerator>> cached;
  };
  std::set<std::string> functional_;  // relations
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::KnowledgeGraph> knowledge_;
  std::unique_ptr<Models> models_;
  std::unique_ptr<ground::Corpus> corpus_;
  bool asked_ = false;
};

// The kinds of the recipes' providers.
std::vector<std::string> knowledge_kinds(std::span<const Recipe> recipes);

}  // namespace ondol::app
