// Walks over a graph: neighbourhoods, shortest paths, connected components.
//
// All results are fixed by the graph and the arguments: where several answers are equally good, the
// one through smaller node ids is taken as said below. Errors: Error(kInvalidArgument) for a node
// the graph does not have or a limit below its least value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ground/graph/csr.h"

namespace ondol::ground::graph {

struct HopOptions {
  int hops = 2;                // 0: the seeds alone
  int64_t fan_out = 50;        // arcs followed from a node at most: the heaviest, ties by target
  int64_t nodes_max = 10'000;  // of the answer, seeds included
};

struct HopNode {
  int32_t node = 0;
  int hops = 0;      // steps from the nearest seed
  int64_t arc = -1;  // the arc by which it was reached; -1 for a seed
};

struct Neighbourhood {
  std::vector<HopNode> nodes;  // seeds in the order given (once each), then by hops
  bool cut = false;            // a limit left arcs or nodes aside
};

// Breadth first. Within a hop, nodes come in the order of those they were reached from, then the
// heaviest arc first. Directed graphs: along the arcs.
Neighbourhood neighbourhood(const CsrGraph& graph, std::span<const int32_t> seeds,
                            const HopOptions& options = {});

enum class PathLength {
  kHops,           // every arc is 1
  kWeight,         // an arc's weight is its length
  kInverseWeight,  // 1 / weight: where weights say how strongly two nodes belong together
};

struct Path {
  std::vector<int32_t> nodes;  // from the first to the last
  std::vector<int64_t> arcs;   // one fewer
  double length = 0;
};

// The shortest path, by breadth-first search or Dijkstra's algorithm; nothing when there is none.
// From a node to itself: the node alone. Of equally short paths, each node keeps the predecessor
// that was settled first; nodes at equal distance are settled by ascending id (kHops: in the order
// they were found).
std::optional<Path> shortest_path(const CsrGraph& graph, int32_t from, int32_t to,
                                  PathLength length = PathLength::kHops);

struct Components {
  std::vector<int32_t> component;  // of every node; numbered in the order of their first nodes
  std::vector<int64_t> sizes;
};

// Directed graphs: weakly connected, without regard to direction.
Components connected_components(const CsrGraph& graph);

}  // namespace ondol::ground::graph
