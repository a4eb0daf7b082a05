// Against networkx (goldens), against the linear system solved directly, and against itself.
#include "ground/graph/pagerank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "support/graphs.h"

namespace ondol::ground::graph {
namespace {

// The definition as a linear system, solved by Gauss-Jordan elimination with pivots:
// x = alpha (P^T + restart d^T) x + (1 - alpha) restart, d marking nodes without edges.
std::vector<double> solve(int64_t nodes, const std::vector<Edge>& edges, bool is_directed,
                          const std::vector<double>& restart, double alpha) {
  const auto n = static_cast<size_t>(nodes);
  const std::vector<double> weight = testing::dense(nodes, edges, is_directed);
  std::vector<std::vector<double>> rows(n, std::vector<double>(n + 1, 0.0));
  for (size_t from = 0; from < n; ++from) {
    double strength = 0;
    for (size_t to = 0; to < n; ++to) strength += weight[from * n + to];
    for (size_t to = 0; to < n; ++to) {
      const double follow = strength > 0 ? weight[from * n + to] / strength : restart[to];
      rows[to][from] = (to == from ? 1.0 : 0.0) - alpha * follow;
    }
  }
  for (size_t i = 0; i < n; ++i) rows[i][n] = (1 - alpha) * restart[i];
  for (size_t column = 0; column < n; ++column) {
    size_t pivot = column;
    for (size_t row = column; row < n; ++row) {
      if (std::abs(rows[row][column]) > std::abs(rows[pivot][column])) pivot = row;
    }
    std::swap(rows[column], rows[pivot]);
    for (size_t row = 0; row < n; ++row) {
      if (row == column) continue;
      const double factor = rows[row][column] / rows[column][column];
      for (size_t i = column; i <= n; ++i) rows[row][i] -= factor * rows[column][i];
    }
  }
  std::vector<double> solution(n);
  for (size_t i = 0; i < n; ++i) solution[i] = rows[i][n] / rows[i][i];
  return solution;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(PageRank, EqualsNetworkx) {
  for (const auto& row : testing::golden().at("pagerank")) {
    const CsrGraph graph = testing::graph_of(testing::golden().at("graphs").at(row.at("graph")));
    const PowerOptions options{.alpha = row.at("alpha"), .tolerance = 1e-13};
    std::vector<NodeWeight> restart;
    for (const auto& [node, weight] : row.at("restart").items()) {
      restart.push_back({std::stoi(node), weight.get<double>()});
    }
    const auto scores =
        restart.empty() ? pagerank(graph, options) : personalised_pagerank(graph, restart, options);
    const std::vector<double> expected = row.at("scores");
    ASSERT_EQ(scores.size(), expected.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      EXPECT_NEAR(scores[i], expected[i], 1e-8) << row.at("graph") << " node " << i;
    }
  }
}

TEST(PageRank, EqualsTheLinearSystem) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const int64_t nodes = 12;
    const auto edges = testing::random_edges(nodes, 5 * static_cast<int64_t>(seed), seed);
    const bool is_directed = seed % 2 == 0;
    const CsrGraph graph = is_directed ? directed(nodes, edges) : undirected(nodes, edges);
    for (const double alpha : {0.0, 0.5, 0.85, 0.99}) {
      const std::vector<NodeWeight> seeds = {{1, 2}, {3, 0}, {11, 1}, {1, 1}};
      std::vector<double> restart(nodes, 0.0);
      restart[1] = 0.75;
      restart[11] = 0.25;  // has no edges
      const auto expected = solve(nodes, edges, is_directed, restart, alpha);
      const auto scores = personalised_pagerank(graph, seeds, {.alpha = alpha, .tolerance = 1e-14});
      PushWorkspace workspace;
      const auto pushed =
          personalised_pagerank_push(graph, seeds, {.alpha = alpha, .epsilon = 1e-12}, workspace);
      std::vector<double> sparse(nodes, 0.0);
      for (const NodeWeight& node : pushed) sparse[static_cast<size_t>(node.node)] = node.weight;
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(scores[i], expected[i], 1e-10) << seed << " " << alpha << " " << i;
        EXPECT_NEAR(sparse[i], expected[i], 1e-8) << seed << " " << alpha << " " << i;
      }
      EXPECT_NEAR(sum_of(scores), 1.0, 1e-12);
    }
  }
}

TEST(PageRank, PushStaysWithinItsBound) {
  const int64_t nodes = 400;
  const auto edges = testing::random_edges(nodes, 900, 7);
  const CsrGraph graph = undirected(nodes, edges);
  const std::vector<NodeWeight> seeds = {{5, 1}, {17, 3}, {399, 2}};  // the last has no edges
  PushWorkspace workspace;
  size_t touched_before = 0;
  for (const double epsilon : {1e-2, 1e-3, 1e-4, 1e-6}) {
    const auto exact = personalised_pagerank(graph, seeds, {.tolerance = 1e-14});
    const auto scores = personalised_pagerank_push(graph, seeds, {.epsilon = epsilon}, workspace);
    std::vector<double> sparse(nodes, 0.0);
    for (const NodeWeight& node : scores) sparse[static_cast<size_t>(node.node)] = node.weight;
    for (int32_t node = 0; node < nodes; ++node) {
      const auto i = static_cast<size_t>(node);
      const double degree = graph.strength(node) / graph.mean_weight();
      EXPECT_NEAR(sparse[i], exact[i], epsilon * degree + 1e-12) << epsilon;
    }
    EXPECT_GE(scores.size(), touched_before);  // a smaller epsilon goes farther
    touched_before = scores.size();
  }
  EXPECT_LT(personalised_pagerank_push(graph, seeds, {.epsilon = 1e-2}, workspace).size(), 60u);
}

TEST(PageRank, PushDoesNotDependOnTheScaleOfWeightsOrOnEarlierQueries) {
  const int64_t nodes = 300;
  auto edges = testing::random_edges(nodes, 700, 3);
  const CsrGraph graph = undirected(nodes, edges);
  for (Edge& edge : edges) edge.weight *= 1024;  // a power of two: the same bits
  const CsrGraph scaled = undirected(nodes, edges);
  const CsrGraph small = undirected(3, testing::chain(3));
  PushWorkspace fresh, used;
  const std::vector<NodeWeight> seeds = {{8, 1}};
  const std::vector<NodeWeight> others = {{2, 1}, {0, 4}};
  const auto first = personalised_pagerank_push(graph, seeds, {}, fresh);
  personalised_pagerank_push(small, others, {}, used);
  personalised_pagerank_push(graph, others, {.alpha = 0.3}, used);
  personalised_pagerank_push(small, others, {}, used);
  const auto second = personalised_pagerank_push(scaled, seeds, {}, used);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].node, second[i].node);
    EXPECT_EQ(first[i].weight, second[i].weight);
  }
}

TEST(PageRank, SmallestGraphs) {
  EXPECT_TRUE(pagerank(CsrGraph()).empty());
  const CsrGraph one = undirected(1, {});
  EXPECT_EQ(pagerank(one), std::vector<double>{1.0});
  const std::vector<NodeWeight> seed = {{0, 7}};
  PushWorkspace workspace;
  const auto pushed = personalised_pagerank_push(one, seed, {}, workspace);
  ASSERT_EQ(pushed.size(), 1u);
  EXPECT_NEAR(pushed[0].weight, 1.0, 1e-12);
  const std::vector<Edge> loop = {{0, 0, 2}};
  EXPECT_NEAR(pagerank(undirected(1, loop))[0], 1.0, 1e-12);
}

TEST(PageRank, RefusesWhatHasNoMeaning) {
  const CsrGraph graph = undirected(3, testing::chain(3));
  PushWorkspace workspace;
  const auto refused = [&](std::vector<NodeWeight> restart) {
    EXPECT_THROW(personalised_pagerank(graph, restart), Error);
    EXPECT_THROW(personalised_pagerank_push(graph, restart, {}, workspace), Error);
  };
  refused({});
  refused({{0, 0.0}, {1, 0.0}});
  refused({{3, 1.0}});
  refused({{-1, 1.0}});
  refused({{0, -1.0}, {1, 2.0}});
  refused({{0, std::nan("")}});
  refused({{0, HUGE_VAL}});
  refused({{0, 1e308}, {1, 1e308}});
  const std::vector<NodeWeight> seed = {{0, 1}};
  for (const double alpha : {-0.1, 1.0, 2.0, std::nan("")}) {
    EXPECT_THROW(pagerank(graph, {.alpha = alpha}), Error);
    EXPECT_THROW(personalised_pagerank_push(graph, seed, {.alpha = alpha}, workspace), Error);
  }
  for (const double epsilon : {0.0, 1e-13, -1.0, 1.5, std::nan("")}) {
    EXPECT_THROW(personalised_pagerank_push(graph, seed, {.epsilon = epsilon}, workspace), Error);
  }
  EXPECT_THROW(pagerank(graph, {.tolerance = 0}), Error);
  EXPECT_THROW(pagerank(undirected(4, testing::chain(3)), {.rounds_max = 1}), Error);
  try {
    personalised_pagerank(graph, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[pagerank] the sum of the restart weights; got 0 of 0 entries, expected a number "
                 "above 0; try at least one seed");
  }
}

TEST(PageRank, BestOfBreaksTiesByNode) {
  const std::vector<double> scores = {1, 3, 2, 3};
  const auto best = best_of(scores, 3);
  ASSERT_EQ(best.size(), 3u);
  EXPECT_EQ(best[0].node, 1);
  EXPECT_EQ(best[1].node, 3);
  EXPECT_EQ(best[2].node, 2);
  EXPECT_EQ(best_of(scores, 10).size(), 4u);
  EXPECT_TRUE(best_of(std::span<const NodeWeight>{}, 3).empty());
}

}  // namespace
}  // namespace ondol::ground::graph
