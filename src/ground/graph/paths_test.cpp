#include "ground/graph/paths.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "support/graphs.h"

namespace ondol::ground::graph {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

// All distances by the definition (Floyd and Warshall).
std::vector<double> all_distances(int64_t nodes, const std::vector<Edge>& edges, bool is_directed,
                                  PathLength length) {
  const auto n = static_cast<size_t>(nodes);
  const std::vector<double> weight = testing::dense(nodes, edges, is_directed);
  std::vector<double> distance(n * n, kFar);
  for (size_t i = 0; i < n * n; ++i) {
    if (weight[i] == 0) continue;
    distance[i] = length == PathLength::kHops     ? 1.0
                  : length == PathLength::kWeight ? weight[i]
                                                  : 1.0 / weight[i];
  }
  for (size_t i = 0; i < n; ++i) distance[i * n + i] = 0;
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        distance[i * n + j] =
            std::min(distance[i * n + j], distance[i * n + k] + distance[k * n + j]);
      }
    }
  }
  return distance;
}

TEST(Paths, ShortestPathsEqualAllPairs) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const int64_t nodes = 14;
    const auto edges = testing::random_edges(nodes, 16, seed);
    const bool is_directed = seed % 2 == 0;
    const CsrGraph graph = is_directed ? directed(nodes, edges) : undirected(nodes, edges);
    for (const PathLength length :
         {PathLength::kHops, PathLength::kWeight, PathLength::kInverseWeight}) {
      const auto distance = all_distances(nodes, edges, is_directed, length);
      for (int32_t from = 0; from < nodes; ++from) {
        for (int32_t to = 0; to < nodes; ++to) {
          const double expected = distance[static_cast<size_t>(from * nodes + to)];
          const auto path = shortest_path(graph, from, to, length);
          ASSERT_EQ(path.has_value(), expected < kFar);
          if (!path) continue;
          EXPECT_NEAR(path->length, expected, 1e-12);
          ASSERT_EQ(path->arcs.size() + 1, path->nodes.size());
          EXPECT_EQ(path->nodes.front(), from);
          EXPECT_EQ(path->nodes.back(), to);
          for (size_t i = 0; i < path->arcs.size(); ++i) {
            EXPECT_EQ(graph.find_arc(path->nodes[i], path->nodes[i + 1]), path->arcs[i]);
          }
        }
      }
    }
  }
}

TEST(Paths, WeightsDecideBetweenHopsAndStrength) {
  // 0-3 directly, weakly; 0-1-2-3 strongly.
  const std::vector<Edge> edges = {{0, 3, 0.1}, {0, 1, 1}, {1, 2, 1}, {2, 3, 1}};
  const CsrGraph graph = undirected(4, edges);
  EXPECT_EQ(shortest_path(graph, 0, 3)->nodes, (std::vector<int32_t>{0, 3}));
  EXPECT_EQ(shortest_path(graph, 0, 3, PathLength::kWeight)->nodes, (std::vector<int32_t>{0, 3}));
  EXPECT_EQ(shortest_path(graph, 0, 3, PathLength::kInverseWeight)->nodes,
            (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(shortest_path(graph, 2, 2)->nodes, std::vector<int32_t>{2});
  EXPECT_EQ(shortest_path(graph, 2, 2)->length, 0);
}

TEST(Paths, NeighbourhoodEqualsDistances) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const int64_t nodes = 30;
    const auto edges = testing::random_edges(nodes, 30, seed);
    const CsrGraph graph = seed % 2 == 0 ? directed(nodes, edges) : undirected(nodes, edges);
    const auto distance = all_distances(nodes, edges, seed % 2 == 0, PathLength::kHops);
    const std::vector<int32_t> seeds = {4, 9, 4};
    for (int hops = 0; hops <= 3; ++hops) {
      const Neighbourhood found = neighbourhood(graph, seeds, {.hops = hops});
      std::set<int32_t> expected;
      for (int32_t node = 0; node < nodes; ++node) {
        const double near = std::min(distance[static_cast<size_t>(4 * nodes + node)],
                                     distance[static_cast<size_t>(9 * nodes + node)]);
        if (near <= hops) expected.insert(node);
      }
      EXPECT_FALSE(found.cut);
      EXPECT_EQ(found.nodes[0].node, 4);
      EXPECT_EQ(found.nodes[1].node, 9);
      int last = 0;
      std::set<int32_t> nodes_found;
      for (const HopNode& entry : found.nodes) {
        EXPECT_GE(entry.hops, last);
        last = entry.hops;
        EXPECT_EQ(entry.hops, std::min(distance[static_cast<size_t>(4 * nodes + entry.node)],
                                       distance[static_cast<size_t>(9 * nodes + entry.node)]));
        EXPECT_TRUE(nodes_found.insert(entry.node).second) << "twice: " << entry.node;
        if (entry.hops > 0) {
          EXPECT_EQ(graph.target(entry.arc), entry.node);
        } else {
          EXPECT_EQ(entry.arc, -1);
        }
      }
      EXPECT_EQ(nodes_found, expected);
    }
  }
}

std::vector<int32_t> ids(const Neighbourhood& found) {
  std::vector<int32_t> nodes;
  for (const HopNode& entry : found.nodes) nodes.push_back(entry.node);
  return nodes;
}

TEST(Paths, NeighbourhoodLimitsTakeTheHeaviestFirst) {
  const std::vector<Edge> edges = {{0, 1, 1}, {0, 2, 5}, {0, 3, 5}, {0, 4, 2}, {2, 5, 1}};
  const CsrGraph graph = undirected(6, edges);
  const std::vector<int32_t> seeds = {0};
  EXPECT_EQ(ids(neighbourhood(graph, seeds)), (std::vector<int32_t>{0, 2, 3, 4, 1, 5}));
  const Neighbourhood narrow = neighbourhood(graph, seeds, {.hops = 1, .fan_out = 2});
  EXPECT_EQ(ids(narrow), (std::vector<int32_t>{0, 2, 3}));
  EXPECT_TRUE(narrow.cut);
  const Neighbourhood few = neighbourhood(graph, seeds, {.nodes_max = 4});
  EXPECT_EQ(ids(few), (std::vector<int32_t>{0, 2, 3, 4}));
  EXPECT_TRUE(few.cut);
  EXPECT_FALSE(neighbourhood(graph, seeds, {.nodes_max = 6}).cut);
  EXPECT_TRUE(neighbourhood(graph, {}).nodes.empty());
}

TEST(Paths, ComponentsEqualReachability) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const int64_t nodes = 40;
    const auto edges = testing::random_edges(nodes, 25, seed);
    // Direction does not matter: weak components of the directed graph are the same.
    const auto distance = all_distances(nodes, edges, false, PathLength::kHops);
    for (const bool is_directed : {false, true}) {
      const Components found =
          connected_components(is_directed ? directed(nodes, edges) : undirected(nodes, edges));
      int64_t total = 0;
      int32_t next = 0;
      for (int32_t a = 0; a < nodes; ++a) {
        const int32_t mine = found.component[static_cast<size_t>(a)];
        EXPECT_LE(mine, next);  // numbered in the order of their first nodes
        next = std::max(next, mine + 1);
        int64_t size = 0;
        for (int32_t b = 0; b < nodes; ++b) {
          const bool same = found.component[static_cast<size_t>(b)] == mine;
          EXPECT_EQ(same, distance[static_cast<size_t>(a * nodes + b)] < kFar);
          size += same;
        }
        EXPECT_EQ(found.sizes[static_cast<size_t>(mine)], size);
      }
      for (const int64_t size : found.sizes) total += size;
      EXPECT_EQ(total, nodes);
    }
  }
  EXPECT_TRUE(connected_components(CsrGraph()).sizes.empty());
}

TEST(Paths, RefusesNodesAndLimitsThatAreNone) {
  const CsrGraph graph = undirected(3, testing::chain(3));
  EXPECT_THROW(shortest_path(graph, 0, 3), Error);
  EXPECT_THROW(shortest_path(graph, -1, 0), Error);
  EXPECT_THROW(shortest_path(CsrGraph(), 0, 0), Error);
  const std::vector<int32_t> outside = {0, 3};
  const std::vector<int32_t> inside = {0};
  EXPECT_THROW(neighbourhood(graph, outside), Error);
  EXPECT_THROW(neighbourhood(graph, inside, {.hops = -1}), Error);
  EXPECT_THROW(neighbourhood(graph, inside, {.fan_out = 0}), Error);
  EXPECT_THROW(neighbourhood(graph, inside, {.nodes_max = 0}), Error);
}

}  // namespace
}  // namespace ondol::ground::graph
