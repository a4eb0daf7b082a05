#include "app/opened_corpus.h"

#include <algorithm>

#include "app/graph_tiers.h"
#include "app/knowledge.h"
#include "app/search.h"

namespace ondol::app {

OpenedCorpus::OpenedCorpus(const Workspace& workspace, std::span<const std::string> kinds)
    : asked_(!kinds.empty()) {
  if (std::any_of(kinds.begin(), kinds.end(), retriever_needs_knowledge)) {
    knowledge_ = need_workspace_knowledge(workspace);
  }
  // An unknown kind is refused where retrievers are made, which opens the store before.
  if (!std::all_of(kinds.begin(), kinds.end(), retriever_needs_knowledge)) {
    store_ = workspace.open_store(store::OpenMode::kReadAndKeep);
    functional_ = functional_relations(workspace);
  }
}

ground::Corpus* OpenedCorpus::corpus(const std::string& collection, Embedder* embedder,
                                     Session& session, const RecipeBook& book) {
  if (!asked_ || corpus_) return corpus_.get();
  ground::CorpusSources sources{
      .embedder = embedder, .knowledge = knowledge_.get(), .functional = functional_};
  models_ = std::make_unique<Models>();
  if (store_) {
    sources.store = store_.get();
    sources.collection = store_->open_collection(collection);
    models_->outputs = std::make_unique<ground::StoredOutputs>(*store_, sources.collection);
  }
  const auto role = [models = models_.get(), &session](const std::string& name) {
    return [models, &session, name]() -> CachedGenerator& {
      const std::lock_guard guard(models->mutex);
      auto& slot = models->cached[name];
      if (!slot) {
        slot = std::make_unique<CachedGenerator>(session.generator(name), models->outputs.get());
      }
      return *slot;
    };
  };
  sources.model = role(book.roles.summarise);
  sources.judge = role(book.roles.judge);
  sources.reranker = [models = models_.get(), &session](const std::string& name) -> Reranker& {
    const std::lock_guard guard(models->mutex);
    return session.reranker(name);
  };
  corpus_ = std::make_unique<ground::Corpus>(sources);
  return corpus_.get();
}

std::vector<CachedGenerator*> OpenedCorpus::asked() const {
  std::vector<CachedGenerator*> all;
  if (!models_) return all;
  const std::lock_guard guard(models_->mutex);
  for (const auto& [name, model] : models_->cached) all.push_back(model.get());
  return all;
}

std::vector<std::string> knowledge_kinds(std::span<const Recipe> recipes) {
  std::vector<std::string> kinds;
  for (const Recipe& recipe : recipes) {
    for (const KnowledgeConfig& knowledge : recipe.knowledge) {
      kinds.push_back(knowledge.retriever.kind);
    }
  }
  return kinds;
}

}  // namespace ondol::app
