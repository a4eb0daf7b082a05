// Communities by the Leiden algorithm (Traag, Waltman, van Eck, "From Louvain to Leiden:
// guaranteeing well-connected communities", Scientific Reports 9, 2019), for modularity with a
// resolution (Reichardt and Bornholdt 2006):
//
//   Q = 1 / 2m x sum over communities c of (in_c - resolution x k_c^2 / 2m)
//
// in_c is twice the weight inside c, k_c the sum of its nodes' degrees, 2m that of all. A self-loop
// counts twice in in_c and in the degree, as in networkx and igraph.
//
// Undirected graphs only. Every node has a community; nodes without edges are alone, and a
// community never reaches over components: each one's own subgraph is connected. The result is a
// pure function of the arguments (random numbers are those of `seed`).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ground/graph/csr.h"

namespace ondol::ground::graph {

struct LeidenOptions {
  double resolution = 1.0;  // above 0; higher: smaller communities
  // The randomness of refinement: a node merges with probability proportional to exp(gain / theta),
  // gain in units of the graph's mean edge weight. Above 0; igraph calls it beta.
  double theta = 0.01;
  uint64_t seed = 1;
  // Rounds of the whole algorithm, each starting from the last one's communities. 0: until a round
  // brings less than 1e-6 of modularity (at most 100).
  int iterations = 0;
};

struct Partition {
  std::vector<int32_t> community;  // of every node; numbered in the order of their first nodes
  int32_t count = 0;
  double modularity = 0.0;
  int iterations = 0;  // rounds that were made
};

// `start`, if not empty, holds a community for every node, -1 for one that begins alone: a warm
// start. Any numbers below 2 x nodes do. Throws Error(kInvalidArgument) for a directed graph,
// options out of range or a start that does not fit the graph.
Partition leiden(const CsrGraph& graph, const LeidenOptions& options = {},
                 std::span<const int32_t> start = {});

// Of any partition: a number from 0 to below 2 x nodes for every node. 0 for a graph without edges.
double modularity(const CsrGraph& graph, std::span<const int32_t> community,
                  double resolution = 1.0);

}  // namespace ondol::ground::graph
