#include "app/search.h"

#include "app/opened_corpus.h"
#include "ground/retriever.h"

namespace ondol::app {

namespace {

const ground::RetrieverInfo* find_kind(const std::string& kind) {
  for (const ground::RetrieverInfo& info : ground::retriever_registry()) {
    if (info.kind == kind) return &info;
  }
  return nullptr;
}

}  // namespace

bool retriever_uses_embedder(const std::string& kind) {
  const ground::RetrieverInfo* info = find_kind(kind);
  return info != nullptr && info->embedder != ground::EmbedderUse::kNone;
}

bool retriever_needs_graph(const std::string& kind) {
  const ground::RetrieverInfo* info = find_kind(kind);
  return info != nullptr && info->needs_graph;
}

bool retriever_needs_knowledge(const std::string& kind) {
  const ground::RetrieverInfo* info = find_kind(kind);
  return info != nullptr && info->needs_knowledge;
}

std::vector<std::string> search_modes() {
  std::vector<std::string> kinds;
  for (const ground::RetrieverInfo& info : ground::retriever_registry()) {
    kinds.emplace_back(info.kind);
  }
  return kinds;
}

std::vector<Evidence> search_workspace(const Workspace& workspace, Session& session,
                                       const SearchRequest& request) {
  session.add_endpoints(workspace.book().endpoints);
  const std::string& embedder_name = workspace.book().embedder;
  std::string mode = request.mode;
  if (mode.empty()) mode = embedder_name.empty() ? "bm25" : "hybrid";
  // The store first: "nothing is ingested" should not wait for a model to load.
  OpenedCorpus opened(workspace, std::span(&mode, 1));
  const bool vectors = retriever_uses_embedder(mode) && !embedder_name.empty();
  Embedder* embedder = vectors ? &session.embedder(embedder_name) : nullptr;
  ground::Corpus& corpus =
      *opened.corpus(kDocumentsCollection, embedder, session, workspace.book());
  ground::RetrieverConfig how = request.how;
  how.kind = mode;
  const auto retriever = ground::make_retriever(how, corpus);
  std::vector<Evidence> found = retriever->retrieve(request.query, static_cast<size_t>(request.k));
  for (const std::string& notice : retriever->take_notices()) {
    if (request.on_notice) request.on_notice(notice);
  }
  return found;
}

}  // namespace ondol::app
