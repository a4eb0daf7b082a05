#include "app/graph_view.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "app/graph_evidence.h"
#include "app/graph_layout.h"
#include "base/error.h"
#include "ground/communities.h"
#include "ground/graph/pagerank.h"
#include "ground/graph/paths.h"

namespace ondol::app {
namespace {

using ground::EntityGraph;
using ground::GraphEntity;
using ground::GraphPlace;

constexpr int64_t kNodesMax = 500;
constexpr double kAlpha = 0.85;
constexpr size_t kNamesOfCommunity = 3;
constexpr size_t kPairsTried = 20;  // of mentions, when looking for sentences with both
constexpr double kRadiusMin = 5, kRadiusMore = 13;

// What ties two entities; the key is (lower, higher).
struct Tie {
  std::vector<int32_t> facts;
  double weight = 0;
  int64_t passages = 0;

  double strength(const EntityGraph& graph) const {
    double sum = weight;
    for (const int32_t f : facts) {
      sum += static_cast<double>(graph.facts()[static_cast<size_t>(f)].proof.size());
    }
    return sum;
  }
};
using Ties = std::map<std::pair<int32_t, int32_t>, Tie>;

Ties ties_of(const EntityGraph& graph) {
  Ties ties;
  for (size_t f = 0; f < graph.facts().size(); ++f) {
    const ground::GraphFact& fact = graph.facts()[f];
    ties[std::minmax(fact.subject, fact.object)].facts.push_back(static_cast<int32_t>(f));
  }
  for (const ground::CoOccurrence& pair : graph.co_occurrences()) {
    Tie& tie = ties[{pair.first, pair.second}];
    tie.weight = pair.weight;
    tie.passages = pair.passages;
  }
  return ties;
}

// Entities within `hops` links of one, by personalised PageRank from it.
std::vector<ground::graph::NodeWeight> around(const EntityGraph& graph, const Ties& ties,
                                              int32_t seed, const GraphViewOptions& options) {
  std::vector<ground::graph::Edge> edges;
  for (const auto& [pair, tie] : ties) {
    const auto blocked = [&](int32_t e) {
      return e != seed && graph.entities()[static_cast<size_t>(e)].hub;
    };
    if (blocked(pair.first) || blocked(pair.second)) continue;
    edges.push_back({pair.first, pair.second, std::max(tie.strength(graph), 1e-6)});
  }
  const auto walk = ground::graph::undirected(static_cast<int64_t>(graph.entities().size()), edges);
  const int32_t seeds[] = {seed};
  const auto near = ground::graph::neighbourhood(
      walk, seeds, {.hops = static_cast<int>(options.hops), .fan_out = kNodesMax});
  const ground::graph::NodeWeight restart[] = {{seed, 1.0}};
  ground::graph::PushWorkspace workspace;
  std::map<int32_t, double> score;
  for (const auto& node :
       ground::graph::personalised_pagerank_push(walk, restart, {.alpha = kAlpha}, workspace)) {
    score[node.node] = node.weight;
  }
  score[seed] = 1;  // comes first, whatever flows back to it
  std::vector<ground::graph::NodeWeight> found;
  for (const auto& node : near.nodes) found.push_back({node.node, score[node.node]});
  return ground::graph::best_of(std::span<const ground::graph::NodeWeight>(found),
                                static_cast<size_t>(options.nodes_max));
}

class Viewer {
 public:
  Viewer(GraphDesk& desk, const GraphViewOptions& options)
      : desk_(desk),
        graph_(desk.graph()),
        options_(options),
        ties_(ties_of(graph_)),
        communities_(ground::find_communities(graph_, {.seed = options.seed})),
        book_(desk) {}

  GraphView view() {
    choose_nodes();
    choose_edges();
    colour();
    place();
    for (ViewNode& node : out_.nodes) tell(node);
    for (ViewEdge& edge : out_.edges) tell(edge);
    out_.documents = book_.documents();
    out_.quotes = book_.quotes();
    return std::move(out_);
  }

 private:
  const GraphEntity& entity(const ViewNode& node) const {
    return graph_.entities()[static_cast<size_t>(node.entity)];
  }
  const GraphEntity& entity_of(int32_t node) const {
    return entity(out_.nodes[static_cast<size_t>(node)]);
  }

  void choose_nodes();
  void choose_edges();
  void colour();
  void place();
  void tell(ViewNode& node);
  void tell(ViewEdge& edge);
  void find_together(ViewEdge& edge);

  GraphDesk& desk_;
  const EntityGraph& graph_;
  const GraphViewOptions& options_;
  Ties ties_;
  ground::Communities communities_;
  QuoteBook book_;
  GraphView out_;
};

void Viewer::choose_nodes() {
  out_.entities = static_cast<int64_t>(graph_.entities().size());
  std::vector<ground::graph::NodeWeight> chosen;
  if (options_.name.empty()) {
    chosen = ground::graph::best_of(std::span<const double>(communities_.page_rank),
                                    static_cast<size_t>(options_.nodes_max));
  } else {
    chosen = around(graph_, ties_, desk_.entity(options_.name, options_.type), options_);
    out_.seed = 0;
  }
  for (const auto& node : chosen) {
    out_.nodes.push_back({.entity = node.node, .rank = node.weight});
  }
}

// Every node keeps its strongest link; beyond that, links with facts come first, then those that
// the most passages show.
void Viewer::choose_edges() {
  std::map<int32_t, int32_t> node_of;
  for (size_t n = 0; n < out_.nodes.size(); ++n) {
    node_of[out_.nodes[n].entity] = static_cast<int32_t>(n);
  }
  struct Candidate {
    ViewEdge edge;
    bool strongest = false;
    double strength = 0;
  };
  std::vector<Candidate> all;
  for (const auto& [pair, tie] : ties_) {
    const auto a = node_of.find(pair.first), b = node_of.find(pair.second);
    if (a == node_of.end() || b == node_of.end()) continue;
    ViewEdge edge{.first = std::min(a->second, b->second),
                  .second = std::max(a->second, b->second),
                  .weight = tie.weight,
                  .passages = tie.passages};
    for (const int32_t fact : tie.facts) edge.facts.push_back({fact, {}});
    all.push_back({std::move(edge), false, tie.strength(graph_)});
  }
  std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.edge.facts.size(), a.edge.passages, a.strength) >
           std::tuple(b.edge.facts.size(), b.edge.passages, b.strength);
  });
  std::set<int32_t> has_one;
  for (Candidate& c : all) {
    const bool first = has_one.insert(c.edge.first).second;
    c.strongest = has_one.insert(c.edge.second).second || first;
  }
  std::stable_partition(all.begin(), all.end(), [](const Candidate& c) { return c.strongest; });
  const size_t shown = std::min(all.size(), static_cast<size_t>(options_.edges_max));
  out_.edges_hidden = static_cast<int64_t>(all.size() - shown);
  for (size_t i = 0; i < shown; ++i) out_.edges.push_back(std::move(all[i].edge));
}

void Viewer::colour() {
  const std::vector<int32_t> community = communities_.tree.at_level(options_.level);
  std::map<int32_t, std::vector<size_t>> members;
  for (size_t n = 0; n < out_.nodes.size(); ++n) {
    members[community[static_cast<size_t>(out_.nodes[n].entity)]].push_back(n);
  }
  std::vector<std::vector<size_t>> by_size;
  for (auto& [id, its] : members) by_size.push_back(std::move(its));
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const std::vector<size_t>& its : by_size) {
    ViewCommunity told{.size = static_cast<int64_t>(its.size())};
    for (size_t i = 0; i < its.size(); ++i) {
      ViewNode& node = out_.nodes[its[i]];
      node.community = static_cast<int32_t>(out_.communities.size());
      if (i < kNamesOfCommunity) told.name += (i == 0 ? "" : ", ") + entity(node).label;
    }
    out_.communities.push_back(std::move(told));
  }
}

void Viewer::place() {
  LayoutInput input{.seed = options_.seed};
  double highest = 0;
  const auto rank = [&](const ViewNode& node) {
    return communities_.page_rank[static_cast<size_t>(node.entity)];
  };
  for (const ViewNode& node : out_.nodes) highest = std::max(highest, rank(node));
  for (ViewNode& node : out_.nodes) {
    node.radius = kRadiusMin + kRadiusMore * std::sqrt(rank(node) / std::max(highest, 1e-12));
    input.groups.push_back(node.community);
    input.radii.push_back(node.radius);
  }
  for (const ViewEdge& edge : out_.edges) {
    input.links.push_back({edge.first, edge.second, edge.facts.empty() ? edge.weight : 1.0});
  }
  const std::vector<Place> places = lay_out(input);
  for (size_t n = 0; n < places.size(); ++n) {
    out_.nodes[n].x = places[n].x;
    out_.nodes[n].y = places[n].y;
  }
}

// One mention a passage, those of different documents first.
void Viewer::tell(ViewNode& node) {
  std::map<int32_t, const GraphPlace*> of_passage;
  for (const GraphPlace& place : entity(node).mentions) {
    const GraphPlace*& kept = of_passage[place.passage];
    if (kept == nullptr || (kept->char_to == 0 && place.char_to > 0)) kept = &place;
  }
  std::set<int32_t> documents;
  std::vector<const GraphPlace*> first, rest;
  for (const auto& [passage, place] : of_passage) {
    const int32_t document = book_.document_of(passage);
    if (document < 0) continue;
    (documents.insert(document).second ? first : rest).push_back(place);
  }
  first.insert(first.end(), rest.begin(), rest.end());
  std::set<int32_t> used;
  for (const GraphPlace* place : first) {
    if (node.evidence.size() >= options_.proofs) break;
    if (auto found = book_.mention(*place); found && used.insert(found->quote).second) {
      node.evidence.push_back(std::move(*found));
    }
  }
  node.documents = {documents.begin(), documents.end()};
}

void Viewer::find_together(ViewEdge& edge) {
  const int32_t ends[] = {out_.nodes[static_cast<size_t>(edge.first)].entity,
                          out_.nodes[static_cast<size_t>(edge.second)].entity};
  std::multimap<int32_t, const GraphPlace*> second;
  for (const GraphPlace& place : entity_of(edge.second).mentions) {
    second.emplace(place.passage, &place);
  }
  std::set<int32_t> used, passages;
  size_t tried = 0;
  for (const GraphPlace& place : entity_of(edge.first).mentions) {
    const auto [from, to] = second.equal_range(place.passage);
    if (from == to || edge.together.size() >= options_.proofs) continue;
    if (passages.insert(place.passage).second && ++tried > kPairsTried) break;
    const int32_t sentence = book_.sentence_of(place);
    if (std::none_of(from, to, [&](const auto& other) {
          return book_.sentence_of(*other.second) == sentence;
        })) {
      continue;
    }
    if (auto found = book_.sentence(place, ends); found && used.insert(found->quote).second) {
      edge.together.push_back(std::move(*found));
    }
  }
}

void Viewer::tell(ViewEdge& edge) {
  std::set<int32_t> documents;
  for (ViewFact& told : edge.facts) {
    const ground::GraphFact& fact = graph_.facts()[static_cast<size_t>(told.fact)];
    const int32_t ends[] = {fact.subject, fact.object};
    for (const GraphPlace& place : fact.proof) {
      const int32_t document = book_.document_of(place.passage);
      if (document >= 0) documents.insert(document);
      if (told.evidence.size() >= options_.proofs) continue;
      if (auto found = book_.proof(place, ends)) told.evidence.push_back(std::move(*found));
    }
  }
  if (edge.passages > 0) find_together(edge);
  if (edge.facts.empty() && edge.together.empty()) {  // a row that gives a name without its place
    const GraphEntity& first = entity_of(edge.first);
    if (auto found = book_.mention(first.mentions.at(0)))
      edge.together.push_back(std::move(*found));
  }
  for (const ViewEvidence& evidence : edge.together) {
    documents.insert(book_.quotes()[static_cast<size_t>(evidence.quote)].document);
  }
  edge.documents = {documents.begin(), documents.end()};
}

}  // namespace

GraphView graph_view(GraphDesk& desk, const GraphViewOptions& options) {
  if (options.nodes_max < 1 || options.nodes_max > kNodesMax) {
    throw Error(ErrorCode::kInvalidArgument, "[graph view] nodes_max is " +
                                                 std::to_string(options.nodes_max) +
                                                 "; expected 1 to " + std::to_string(kNodesMax));
  }
  return Viewer(desk, options).view();
}

}  // namespace ondol::app
