#include "app/opened_corpus.h"

#include <algorithm>

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
  }
}

ground::Corpus* OpenedCorpus::corpus(const std::string& collection, Embedder* embedder,
                                     std::function<Generator&()> model,
                                     std::function<Reranker&(const std::string&)> reranker) {
  if (asked_ && !corpus_) {
    ground::CorpusSources sources{.embedder = embedder, .knowledge = knowledge_.get()};
    if (store_) {
      sources.store = store_.get();
      sources.collection = store_->open_collection(collection);
    }
    model_ = std::make_unique<AskedModel>();
    sources.model = [asked = model_.get(), store = store_.get(), shelf = sources.collection,
                     make = std::move(model)]() -> CachedGenerator& {
      std::call_once(asked->made, [&] {
        if (store != nullptr) {
          asked->outputs = std::make_unique<ground::StoredOutputs>(*store, shelf);
        }
        asked->cached = std::make_unique<CachedGenerator>(make(), asked->outputs.get());
      });
      return *asked->cached;
    };
    if (reranker) {
      loading_ = std::make_unique<std::mutex>();
      sources.reranker = [mutex = loading_.get(),
                          make = std::move(reranker)](const std::string& name) -> Reranker& {
        const std::lock_guard guard(*mutex);
        return make(name);
      };
    }
    corpus_ = std::make_unique<ground::Corpus>(sources);
  }
  return corpus_.get();
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
