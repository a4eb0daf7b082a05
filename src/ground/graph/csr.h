// A graph as it is read by the algorithms of this folder: compressed sparse rows, never changed
// after it is built.
//
//   const CsrGraph graph = undirected(nodes, edges);
//   for (int64_t arc = graph.arc_begin(v); arc < graph.arc_end(v); ++arc) use(graph.target(arc));
//
// An edge is what the caller gave; an arc is one entry of a row. An undirected edge is an arc in
// the rows of both its ends. Edges between the same two nodes (in a directed graph: in the same
// direction) become one arc, whose weight is their sum in the order given.
//
// A self-loop is one arc of its row in both kinds of graph, so a walk takes it with the weight it
// was given, and strength() counts it once: the adjacency matrix of networkx. Modularity counts an
// undirected self-loop twice in the degree of its node, as networkx and igraph do (leiden.h).
//
// Errors: Error(kInvalidArgument) for an end outside [0, nodes), a weight that is not finite and
// above zero (at least the least normal number, so that it can be divided by), or weights whose sum
// is not finite; Error(kResourceExhausted) above 2^31 - 1 nodes or edges. Values only: copies are
// deep, and reading from several threads is safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ondol::ground::graph {

struct Edge {
  int32_t from = 0;
  int32_t to = 0;
  double weight = 1.0;
};

// A node with a number: restart vectors, scores.
struct NodeWeight {
  int32_t node = 0;
  double weight = 0.0;
};

class CsrGraph {
 public:
  CsrGraph() : offsets_(1, 0), edge_offsets_(1, 0) {}

  int64_t nodes() const { return static_cast<int64_t>(strengths_.size()); }
  int64_t arcs() const { return static_cast<int64_t>(targets_.size()); }
  bool is_directed() const { return directed_; }

  // The arcs of a node are [arc_begin, arc_end), by ascending target.
  int64_t arc_begin(int32_t node) const { return offsets_[static_cast<size_t>(node)]; }
  int64_t arc_end(int32_t node) const { return offsets_[static_cast<size_t>(node) + 1]; }
  int64_t degree(int32_t node) const { return arc_end(node) - arc_begin(node); }
  int32_t target(int64_t arc) const { return targets_[static_cast<size_t>(arc)]; }
  double weight(int64_t arc) const { return weights_[static_cast<size_t>(arc)]; }

  // The same as spans; targets() and offsets() are the whole arrays.
  std::span<const int32_t> neighbours(int32_t node) const {
    return targets().subspan(static_cast<size_t>(arc_begin(node)),
                             static_cast<size_t>(degree(node)));
  }
  std::span<const int64_t> offsets() const { return offsets_; }
  std::span<const int32_t> targets() const { return targets_; }
  std::span<const double> weights() const { return weights_; }

  // The sum of the weights of a node's arcs (directed: of those that leave it).
  double strength(int32_t node) const { return strengths_[static_cast<size_t>(node)]; }
  std::span<const double> strengths() const { return strengths_; }
  double total_strength() const { return total_strength_; }
  // The mean weight of an arc; 0 without arcs.
  double mean_weight() const { return arcs() == 0 ? 0.0 : total_strength_ / double(arcs()); }

  // The arc from one node to another, or -1. Logarithmic in the degree.
  int64_t find_arc(int32_t from, int32_t to) const;
  // The weight of a node's self-loop; 0 without.
  double loop_weight(int32_t node) const;

  // Which of the caller's edges an arc is made of (indices into the span given), ascending.
  std::span<const int32_t> edges_of(int64_t arc) const {
    const auto begin = static_cast<size_t>(edge_offsets_[static_cast<size_t>(arc)]);
    const auto end = static_cast<size_t>(edge_offsets_[static_cast<size_t>(arc) + 1]);
    return std::span<const int32_t>(edges_).subspan(begin, end - begin);
  }

 private:
  friend class CsrBuilder;

  bool directed_ = false;
  double total_strength_ = 0.0;
  std::vector<int64_t> offsets_;       // [nodes + 1]
  std::vector<int32_t> targets_;       // [arcs]
  std::vector<double> weights_;        // [arcs]
  std::vector<double> strengths_;      // [nodes]
  std::vector<int64_t> edge_offsets_;  // [arcs + 1], into edges_
  std::vector<int32_t> edges_;
};

// Linear in nodes and edges: two counting sorts.
CsrGraph undirected(int64_t nodes, std::span<const Edge> edges);
CsrGraph directed(int64_t nodes, std::span<const Edge> edges);

// Throws Error(kInvalidArgument) for a node that the graph does not have; `where` begins the
// message.
void require_node(const CsrGraph& graph, int64_t node, const char* where);

}  // namespace ondol::ground::graph
