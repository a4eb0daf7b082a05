// Graphs for the tests of ground/graph. Only for test sources.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/files.h"
#include "base/rng.h"
#include "ground/graph/csr.h"
#include "ground/graph/paths.h"
#include "support/paths.h"

namespace ondol::ground::graph::testing {

// Random edges; some parallel, some self-loops, and the last node keeps none.
inline std::vector<Edge> random_edges(int64_t nodes, int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<Edge> edges;
  const auto id = [&] { return static_cast<int32_t>(rng.below(static_cast<uint64_t>(nodes - 1))); };
  for (int64_t i = 0; i < count; ++i) {
    const int32_t from = id();
    const int32_t to = id();
    edges.push_back({from, to, std::ldexp(1.0 + static_cast<double>(rng.below(8)), -2)});
  }
  return edges;
}

// Unweighted edges a line or chain: 0-1, 1-2, ...
inline std::vector<Edge> chain(int32_t nodes) {
  std::vector<Edge> edges;
  for (int32_t node = 0; node + 1 < nodes; ++node) edges.push_back({node, node + 1});
  return edges;
}

// The adjacency matrix by its definition: row major, self-loops once.
inline std::vector<double> dense(int64_t nodes, const std::vector<Edge>& edges, bool directed) {
  std::vector<double> matrix(static_cast<size_t>(nodes * nodes), 0.0);
  for (const Edge& edge : edges) {
    matrix[static_cast<size_t>(edge.from * nodes + edge.to)] += edge.weight;
    if (!directed && edge.from != edge.to) {
      matrix[static_cast<size_t>(edge.to * nodes + edge.from)] += edge.weight;
    }
  }
  return matrix;
}

// How many pieces communities have in all, when each is cut to the edges inside it: as many as
// there are communities when each is connected.
inline int64_t pieces(const CsrGraph& graph, const std::vector<int32_t>& community) {
  std::vector<Edge> inside;
  for (int32_t node = 0; node < graph.nodes(); ++node) {
    for (const int32_t target : graph.neighbours(node)) {
      if (community[static_cast<size_t>(target)] == community[static_cast<size_t>(node)]) {
        inside.push_back({node, target});
      }
    }
  }
  return static_cast<int64_t>(connected_components(undirected(graph.nodes(), inside)).sizes.size());
}

// What networkx and igraph say (tools/golden/make_graph_golden.py).
inline const nlohmann::json& golden() {
  static const nlohmann::json file =
      nlohmann::json::parse(read_file(ondol::testing::golden_dir() / "graph.json"));
  return file;
}

inline std::vector<Edge> edges_of(const nlohmann::json& rows) {
  std::vector<Edge> edges;
  for (const nlohmann::json& row : rows) {
    edges.push_back({row.at(0), row.at(1), row.size() > 2 ? row.at(2).get<double>() : 1.0});
  }
  return edges;
}

inline CsrGraph graph_of(const nlohmann::json& row) {
  const std::vector<Edge> edges = edges_of(row.at("edges"));
  const int64_t nodes = row.at("nodes");
  return row.at("directed").get<bool>() ? directed(nodes, edges) : undirected(nodes, edges);
}

}  // namespace ondol::ground::graph::testing
