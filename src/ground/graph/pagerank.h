// PageRank (Page, Brin, Motwani, Winograd 1999) and personalised PageRank.
//
// The convention, once: `alpha` is the probability of following an edge, so 1 - alpha is that of
// starting again (as in networkx and igraph; Andersen, Chung and Lang call the latter alpha). An
// edge is chosen with its weight's share of the node's strength. A node without edges (directed:
// none that leave it) starts again with certainty, as networkx's default does. Scores sum to 1.
//
//   PushWorkspace workspace;                            // one a thread, kept between queries
//   const auto scores = personalised_pagerank_push(graph, seeds, {.alpha = 0.5}, workspace);
//   for (const NodeWeight& node : best_of(scores, 20)) ...
//
// A restart vector is sparse: weights finite and not below zero, repeated nodes are added, any
// scale (it is divided by its sum). Errors: Error(kInvalidArgument) for one that is empty or all
// zero, a node the graph does not have, alpha outside [0, 1), epsilon or tolerance out of range;
// Error(kResourceExhausted) when a power iteration does not converge. Results never depend on
// anything but the arguments; ties are never broken by address or time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ground/graph/csr.h"

namespace ondol::ground::graph {

struct PowerOptions {
  double alpha = 0.85;
  // Ends when the scores of two rounds differ by less than this in sum (L1). networkx's `tol` is
  // this divided by the number of nodes.
  double tolerance = 1e-10;
  int rounds_max = 1000;
};

// The score of every node, in order of nodes; restarts are uniform. Empty for an empty graph.
std::vector<double> pagerank(const CsrGraph& graph, const PowerOptions& options = {});

// The same with restarts at given nodes only.
std::vector<double> personalised_pagerank(const CsrGraph& graph,
                                          std::span<const NodeWeight> restart,
                                          const PowerOptions& options = {});

struct PushOptions {
  double alpha = 0.85;
  // A node is pushed while its residual is at least epsilon x its strength / the graph's mean
  // weight (without weights: x its degree). In an undirected graph every score is then within
  // epsilon x degree of the exact one. From 1e-12 to 1.
  double epsilon = 1e-7;
};

// What a query by push writes on: as large as the graph, allocated once, never cleared as a whole.
// Not to be used by two threads at a time; may go from one graph to another.
class PushWorkspace {
 public:
  PushWorkspace() = default;

 private:
  friend class ForwardPush;
  struct Slot {
    double residual = 0.0;
    double estimate = 0.0;
    double threshold = 0.0;
    uint32_t query = 0;  // the query that wrote this slot last; others read it as empty
    uint32_t waits = 0;  // 1: in the ring
  };
  std::vector<Slot> slots_;    // [nodes]
  std::vector<int32_t> ring_;  // the queue: a power of two above the number of nodes
  std::vector<int32_t> touched_;
  uint32_t query_ = 0;
};

// Personalised PageRank by forward push (Andersen, Chung, Lang, "Local graph partitioning using
// PageRank vectors", FOCS 2006), first in, first out; in undirected graphs over-relaxed (LocalSOR
// of Bai, Zhou, Yang, Xiao, "Faster local solvers for graph diffusion equations", NeurIPS 2024),
// which was measured to take about a third of the work at alpha 0.85. Returns the nodes whose score
// is above 0, by ascending node. Work grows with 1 / epsilon and how far alpha lets mass go, not
// with the size of the graph.
std::vector<NodeWeight> personalised_pagerank_push(const CsrGraph& graph,
                                                   std::span<const NodeWeight> restart,
                                                   const PushOptions& options,
                                                   PushWorkspace& workspace);

// The k highest, best first; ties by ascending node. The second form takes dense scores.
std::vector<NodeWeight> best_of(std::span<const NodeWeight> scores, size_t k);
std::vector<NodeWeight> best_of(std::span<const double> scores, size_t k);

}  // namespace ondol::ground::graph
