// The graph as Leiden sees it: nodes that stand for sets of nodes. Internal to this folder.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "ground/graph/csr.h"

namespace ondol::ground::graph {

template <class Integer>
constexpr size_t at(Integer index) {
  return static_cast<size_t>(index);
}

// Rows without self-loops: what lies inside a node moves with it, so only its degree knows of it.
struct Network {
  std::vector<int64_t> offsets;  // [nodes + 1]
  std::vector<int32_t> targets;
  std::vector<double> weights;
  std::vector<double> degree;  // [nodes], self-loops twice
  double total_degree = 0;     // 2m
  double mean_weight = 0;      // of an edge of the graph; 0 without edges

  int32_t nodes() const { return static_cast<int32_t>(degree.size()); }
  int64_t begin(int32_t node) const { return offsets[at(node)]; }
  int64_t end(int32_t node) const { return offsets[at(node) + 1]; }
};

Network network_of(const CsrGraph& graph);

// A node for each of the `parts` numbers in part_of.
Network aggregate(const Network& network, std::span<const int32_t> part_of, int32_t parts);

// Gives the numbers 0, 1, ... in the order of their first appearance; returns how many there are.
// All below 2 x size.
int32_t renumber(std::vector<int32_t>& numbers);

// Nodes by number, stable: those of number i are nodes[begin[i], begin[i + 1]).
struct Groups {
  std::vector<int64_t> begin;
  std::vector<int32_t> nodes;
};
Groups group_by(std::span<const int32_t> number_of, int32_t numbers,
                std::span<const int32_t> order);

// 0 .. count - 1 in random order (Fisher and Yates).
std::vector<int32_t> random_order(int32_t count, Rng& rng);

// The communities, each split into its connected components; numbered in the order of nodes.
std::vector<int32_t> connected_parts(const Network& network, std::span<const int32_t> community);

// Nodes of community -1 and nodes without degree get one each; all are renumbered.
void alone_where_needed(const Network& network, std::vector<int32_t>& community);

}  // namespace ondol::ground::graph
