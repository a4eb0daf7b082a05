// What one picture of the graph shows: entities, the links between them, and the sentences that
// prove both, chosen and placed so that a page can draw it at once.
//
//   GraphView view = graph_view(desk, {.name = "Marlow Review"});
//   view.nodes[0].x, view.quotes[view.nodes[0].evidence[0].quote].text
//
// Without a name: the most central entities (PageRank). With one: what lies within `hops` links of
// it, the nearest by personalised PageRank first. Entities that name too much (hubs) are not walked
// through. Same graph, same options: the same view. Throws what GraphDesk::entity throws.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "app/graph.h"

namespace ondol::app {

struct GraphViewOptions {
  std::string name;         // empty: the whole graph
  std::string type;         // tells namesakes apart
  int64_t nodes_max = 500;  // 1 to 500
  int64_t edges_max = 2000;
  int64_t hops = 2;   // with a name
  int32_t level = 0;  // of the communities that colour the entities
  uint64_t seed = 1;  // of communities and layout
  size_t proofs = 6;  // sentences shown of an entity or a link
};

// Words of a document, whole sentences where they are not too long.
struct ViewQuote {
  int32_t document = 0;
  std::string heading;
  std::string text;       // exactly as the document has it
  bool title = false;     // it is the document's title
  bool cut_from = false;  // the sentence begins earlier
  bool cut_to = false;    // and ends later
  int64_t char_from = 0;  // code points of the document's text
  int64_t char_to = 0;
};

// A quote with the names marked: code points of the quote's text, ascending.
struct ViewEvidence {
  int32_t quote = 0;
  std::vector<std::pair<int64_t, int64_t>> marks;
};

struct ViewNode {
  int32_t entity = 0;     // of the graph
  int32_t community = 0;  // of the view
  double rank = 0;        // what the nodes are ordered by
  double x = 0, y = 0, radius = 0;
  std::vector<int32_t> documents;  // that name it, ascending
  std::vector<ViewEvidence> evidence;
};

struct ViewFact {
  int32_t fact = 0;  // of the graph
  std::vector<ViewEvidence> evidence;
};

// All that ties two entities.
struct ViewEdge {
  int32_t first = 0, second = 0;  // nodes of the view, first < second
  std::vector<ViewFact> facts;
  double weight = 0;     // of naming them in one sentence; 0: never
  int64_t passages = 0;  // that do
  std::vector<ViewEvidence> together;
  std::vector<int32_t> documents;  // that prove any of it, ascending
};

struct ViewCommunity {
  int64_t size = 0;  // nodes of the view
  std::string name;  // its most central entities
};

struct GraphView {
  std::vector<ViewNode> nodes;  // the first in rank first
  std::vector<ViewEdge> edges;
  std::vector<ViewCommunity> communities;  // the largest first
  std::vector<std::string> documents;
  std::vector<ViewQuote> quotes;
  int32_t seed = -1;         // the node asked for, or -1
  int64_t entities = 0;      // in the graph
  int64_t edges_hidden = 0;  // between the nodes shown, left out for clarity
};

GraphView graph_view(GraphDesk& desk, const GraphViewOptions& options = {});

}  // namespace ondol::app
