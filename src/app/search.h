// Passages of a workspace for a question, without an answer.
//
//   std::vector<Evidence> found = search_workspace(workspace, session, {.query = {.text =
//   "fare"}});
//
// Best first, at most k. Throws Error(kNotFound) when nothing is ingested yet.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/session.h"
#include "app/workspace.h"
#include "ground/retriever.h"
#include "infer/slots.h"

namespace ondol::app {

struct SearchRequest {
  Query query;
  std::string mode;  // a retriever's kind; empty: hybrid, or bm25 in a workspace without embedder
  int64_t k = 5;
  ground::RetrieverConfig how;                        // all but the kind, as a recipe has it
  std::function<void(const std::string&)> on_notice;  // Retriever::take_notices(); empty: nobody
};

std::vector<Evidence> search_workspace(const Workspace& workspace, Session& session,
                                       const SearchRequest& request);

// Whether a retriever of this kind works with the workspace's embedder, where it has one: it
// searches vectors, or compares facts with the question. An unknown kind does not.
bool retriever_uses_embedder(const std::string& kind);
// Whether it follows the property graph of the documents.
bool retriever_needs_graph(const std::string& kind);
// Whether it searches the external knowledge graph in place of the documents.
bool retriever_needs_knowledge(const std::string& kind);
// The kinds that search_workspace knows.
std::vector<std::string> search_modes();

}  // namespace ondol::app
