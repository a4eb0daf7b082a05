#include "ground/graph/leiden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "ground/graph/hierarchy.h"
#include "support/graphs.h"

namespace ondol::ground::graph {
namespace {

// Modularity by its definition over all pairs of nodes: sum of A_ij - resolution k_i k_j / 2m.
double by_pairs(int64_t nodes, const std::vector<Edge>& edges,
                const std::vector<int32_t>& community, double resolution) {
  const auto n = static_cast<size_t>(nodes);
  std::vector<double> matrix = testing::dense(nodes, edges, false);
  for (size_t i = 0; i < n; ++i) matrix[i * n + i] *= 2;
  std::vector<double> degree(n, 0.0);
  double total = 0;
  for (size_t i = 0; i < n * n; ++i) {
    degree[i / n] += matrix[i];
    total += matrix[i];
  }
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      if (community[i] != community[j]) continue;
      sum += matrix[i * n + j] - resolution * degree[i] * degree[j] / total;
    }
  }
  return sum / total;
}

// The best of all partitions, by trying each (restricted growth strings).
double best_of_all(int64_t nodes, const std::vector<Edge>& edges) {
  std::vector<int32_t> community(static_cast<size_t>(nodes), 0);
  double best = -1;
  const auto extend = [&](const auto& self, size_t node, int32_t used) -> void {
    if (node == community.size()) {
      best = std::max(best, by_pairs(nodes, edges, community, 1.0));
      return;
    }
    for (int32_t id = 0; id <= used; ++id) {
      community[node] = id;
      self(self, node + 1, std::max(used, id + 1));
    }
  };
  extend(extend, 0, 0);
  return best;
}

// Each community's own subgraph is connected, and numbers are those of first appearance.
void expect_sound(const CsrGraph& graph, const Partition& found) {
  ASSERT_EQ(static_cast<int64_t>(found.community.size()), graph.nodes());
  int32_t next = 0;
  for (int32_t node = 0; node < graph.nodes(); ++node) {
    const int32_t own = found.community[static_cast<size_t>(node)];
    ASSERT_LE(own, next);
    next = std::max(next, own + 1);
    if (graph.degree(node) == 0) {
      EXPECT_EQ(std::count(found.community.begin(), found.community.end(), own), 1);
    }
  }
  EXPECT_EQ(found.count, next);
  EXPECT_EQ(testing::pieces(graph, found.community), found.count);
}

// Cliques of `size`, each joined to the next of its group by one edge; groups by weaker ones.
std::vector<Edge> cliques(int32_t count, int32_t size) {
  std::vector<Edge> edges;
  for (int32_t clique = 0; clique < count; ++clique) {
    for (int32_t a = 0; a < size; ++a) {
      for (int32_t b = a + 1; b < size; ++b)
        edges.push_back({clique * size + a, clique * size + b});
    }
    if (clique > 0) edges.push_back({(clique - 1) * size, clique * size});
  }
  return edges;
}

TEST(Leiden, ModularityEqualsIgraph) {
  for (const auto& row : testing::golden().at("modularity")) {
    const CsrGraph graph = testing::graph_of(testing::golden().at("graphs").at(row.at("graph")));
    const std::vector<int32_t> community = row.at("community");
    EXPECT_NEAR(modularity(graph, community, row.at("resolution")), row.at("modularity"), 1e-12);
  }
}

TEST(Leiden, FindsTheBestOfAllPartitionsOfSmallGraphs) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const int64_t nodes = 8;
    const auto edges = testing::random_edges(nodes, 12, seed);
    const CsrGraph graph = undirected(nodes, edges);
    const double best = best_of_all(nodes, edges);
    double reached = -1;
    for (uint64_t draw = 1; draw <= 10; ++draw) {
      const Partition found = leiden(graph, {.seed = draw});
      EXPECT_NEAR(found.modularity, by_pairs(nodes, edges, found.community, 1.0), 1e-12);
      EXPECT_LE(found.modularity, best + 1e-12);
      reached = std::max(reached, found.modularity);
      expect_sound(graph, found);
    }
    EXPECT_NEAR(reached, best, 1e-12) << "graph " << seed;
  }
}

TEST(Leiden, FindsCliquesAndTheBestKnownOfKarate) {
  const CsrGraph graph = undirected(30, cliques(6, 5));
  const Partition found = leiden(graph);
  EXPECT_EQ(found.count, 6);
  for (size_t node = 0; node < 30; ++node) {
    EXPECT_EQ(found.community[node], static_cast<int32_t>(node / 5));
  }
  const CsrGraph karate = testing::graph_of(testing::golden().at("graphs").at("karate"));
  double best = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    best = std::max(best, leiden(karate, {.seed = seed}).modularity);
  }
  EXPECT_NEAR(best, 0.4197896, 1e-6);
  EXPECT_NEAR(best, testing::golden().at("leiden").at("karate").at("until_stable").at("max"), 1e-9);
}

TEST(Leiden, CommunitiesAreConnectedWhateverTheOptions) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const int64_t nodes = 300;
    const CsrGraph graph = undirected(nodes, testing::random_edges(nodes, 420, seed));
    for (const double resolution : {0.05, 1.0, 20.0}) {
      for (const double theta : {1e-9, 0.01, 1e9}) {
        for (const int iterations : {0, 1, 3}) {
          const LeidenOptions options{resolution, theta, seed, iterations};
          const Partition found = leiden(graph, options);
          expect_sound(graph, found);
          EXPECT_NEAR(found.modularity, modularity(graph, found.community, resolution), 1e-12);
          if (iterations > 0) {
            EXPECT_EQ(found.iterations, iterations);
          }
        }
      }
    }
  }
}

TEST(Leiden, KeepsComponentsAndIsolatedNodes) {
  // Two triangles that know nothing of each other, a pair, two nodes without edges, a lone loop.
  const std::vector<Edge> edges = {{0, 1}, {1, 2}, {2, 0}, {4, 5},
                                   {5, 6}, {6, 4}, {8, 9}, {10, 10}};
  const Partition found = leiden(undirected(11, edges));
  EXPECT_EQ(found.community, (std::vector<int32_t>{0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 5}));
  EXPECT_EQ(leiden(CsrGraph()).count, 0);
  EXPECT_EQ(leiden(undirected(3, {})).community, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(leiden(undirected(3, {})).modularity, 0.0);
  const std::vector<Edge> loop = {{0, 0, 3}};
  EXPECT_EQ(leiden(undirected(1, loop)).count, 1);
}

TEST(Leiden, TheSameSeedGivesTheSameAtAnyScale) {
  const int64_t nodes = 500;
  auto edges = testing::random_edges(nodes, 1500, 11);
  const CsrGraph graph = undirected(nodes, edges);
  const Partition first = leiden(graph, {.seed = 9});
  EXPECT_EQ(first.community, leiden(graph, {.seed = 9}).community);
  for (Edge& edge : edges) edge.weight *= 4096;  // a power of two: the same bits
  const Partition scaled = leiden(undirected(nodes, edges), {.seed = 9});
  EXPECT_EQ(first.community, scaled.community);
  EXPECT_EQ(first.modularity, scaled.modularity);
  // Another seed takes another way, or the seed would do nothing.
  bool differs = false;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    differs = differs || leiden(graph, {.seed = seed}).community != first.community;
  }
  EXPECT_TRUE(differs);
}

TEST(Leiden, WarmStartKeepsWhatIsGoodAndMendsWhatIsNot) {
  const int64_t nodes = 400;
  const CsrGraph graph = undirected(nodes, testing::random_edges(nodes, 1000, 5));
  const Partition cold = leiden(graph);
  const Partition warm = leiden(graph, {.iterations = 1}, cold.community);
  EXPECT_GE(warm.modularity, cold.modularity - 1e-12);
  expect_sound(graph, warm);
  // New nodes begin alone, numbers need not be dense, nodes of two components may share one.
  std::vector<int32_t> start = cold.community;
  for (size_t i = 0; i < start.size(); ++i) start[i] = i % 7 == 0 ? -1 : 799 - start[i];
  expect_sound(graph, leiden(graph, {}, start));
  const std::vector<int32_t> together(400, 3);
  expect_sound(graph, leiden(graph, {.iterations = 1}, together));
  const std::vector<Edge> pairs = {{0, 1}, {2, 3}};
  const std::vector<int32_t> one(5, 0);
  EXPECT_EQ(leiden(undirected(5, pairs), {}, one).community, (std::vector<int32_t>{0, 0, 1, 1, 2}));
}

TEST(Leiden, ResolutionDecidesTheSize) {
  const CsrGraph graph = undirected(60, cliques(12, 5));
  EXPECT_LT(leiden(graph, {.resolution = 0.05}).count, leiden(graph).count);
  EXPECT_EQ(leiden(graph, {.resolution = 1000}).count, 60);
}

TEST(Leiden, RefusesWhatHasNoMeaning) {
  const CsrGraph graph = undirected(3, testing::chain(3));
  EXPECT_THROW(leiden(directed(3, testing::chain(3))), Error);
  const double bad[] = {0.0, -1.0, std::nan(""), HUGE_VAL};
  for (const double value : bad) {
    EXPECT_THROW(leiden(graph, {.resolution = value}), Error);
    EXPECT_THROW(leiden(graph, {.theta = value}), Error);
  }
  EXPECT_THROW(leiden(graph, {.iterations = -1}), Error);
  const std::vector<std::vector<int32_t>> starts = {
      {0, 1}, {0, 1, 6}, {0, 1, -2}, {0, 0, std::numeric_limits<int32_t>::max()}, {0, 0, 0, 0}};
  for (const auto& start : starts) {
    EXPECT_THROW(leiden(graph, {}, start), Error);
    EXPECT_THROW(modularity(graph, start), Error);
  }
  const std::vector<int32_t> unknown = {0, 1, -1};
  EXPECT_THROW(modularity(graph, unknown), Error);
  EXPECT_THROW(hierarchical_leiden(graph, {.size_max = 0}), Error);
  EXPECT_THROW(hierarchical_leiden(graph).at_level(-1), Error);
  EXPECT_EQ(hierarchical_leiden(CsrGraph()).size(), 0);
  EXPECT_EQ(hierarchical_leiden(CsrGraph()).levels(), 0);
}

// Levels are partitions that nest, each community is connected, and only those stay large that
// Leiden keeps whole.
void expect_nested(const CsrGraph& graph, const CommunityTree& tree, int64_t size_max) {
  std::vector<int32_t> sorted = tree.order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) ASSERT_EQ(sorted[i], static_cast<int32_t>(i));
  for (int32_t level = 0; level < tree.levels(); ++level) {
    const auto here = tree.at_level(level);
    const auto above = tree.at_level(std::max(0, level - 1));
    for (size_t node = 0; node < here.size(); ++node) {
      const Community& own = tree.communities.at(static_cast<size_t>(here[node]));
      EXPECT_TRUE(here[node] == above[node] || own.parent == above[node]);
      EXPECT_LE(own.level, level);
    }
  }
  for (int32_t id = 0; id < tree.size(); ++id) {
    const Community& own = tree.communities[static_cast<size_t>(id)];
    const auto members = tree.members(id);
    const std::set<int32_t> inside(members.begin(), members.end());
    ASSERT_FALSE(inside.empty());
    // Reach all members from the first one without leaving the community.
    std::vector<int32_t> queue = {members[0]};
    std::set<int32_t> reached = {members[0]};
    for (size_t next = 0; next < queue.size(); ++next) {
      for (const int32_t target : graph.neighbours(queue[next])) {
        if (inside.contains(target) && reached.insert(target).second) queue.push_back(target);
      }
    }
    EXPECT_EQ(reached, inside);
    int64_t in_children = 0;
    for (int32_t child = own.children_begin; child < own.children_end; ++child) {
      const Community& part = tree.communities[static_cast<size_t>(child)];
      EXPECT_EQ(part.parent, id);
      EXPECT_EQ(part.level, own.level + 1);
      EXPECT_EQ(part.begin, own.begin + in_children);
      in_children += part.end - part.begin;
    }
    if (own.children_begin < own.children_end) {
      EXPECT_EQ(in_children, own.end - own.begin);
      EXPECT_GT(own.end - own.begin, size_max);
    }
  }
}

TEST(Leiden, LevelsNest) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const int64_t nodes = 600;
    const CsrGraph graph = undirected(nodes, testing::random_edges(nodes, 1200, seed));
    for (const int64_t size_max : {1, 10, 50}) {
      const CommunityTree tree =
          hierarchical_leiden(graph, {.leiden = {.seed = seed}, .size_max = size_max});
      expect_nested(graph, tree, size_max);
      EXPECT_EQ(hierarchical_leiden(graph, {.leiden = {.seed = seed}, .size_max = size_max}).order,
                tree.order);
    }
  }
}

TEST(Leiden, HierarchyFindsGroupsOfCliques) {
  // 4 groups of 4 cliques of 6: dense inside a clique, some edges in a group, few between groups.
  std::vector<Edge> edges = cliques(16, 6);
  Rng rng(3);
  for (int32_t group = 0; group < 4; ++group) {
    for (int i = 0; i < 45; ++i) {
      edges.push_back({group * 24 + static_cast<int32_t>(rng.below(24)),
                       group * 24 + static_cast<int32_t>(rng.below(24))});
    }
  }
  const CsrGraph graph = undirected(96, edges);
  const CommunityTree tree = hierarchical_leiden(graph, {.leiden = {.resolution = 0.4}});
  expect_nested(graph, tree, 10);
  const auto coarse = tree.at_level(0);
  EXPECT_EQ(std::set<int32_t>(coarse.begin(), coarse.end()).size(), 4u);
  for (int32_t node = 0; node < 96; ++node) {
    EXPECT_EQ(coarse[static_cast<size_t>(node)], coarse[static_cast<size_t>(node / 24 * 24)]);
  }
  EXPECT_GE(tree.levels(), 2);
}

}  // namespace
}  // namespace ondol::ground::graph
