#include "ground/graph/csr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "support/graphs.h"

namespace ondol::ground::graph {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string message_of(int64_t nodes, const std::vector<Edge>& edges) {
  try {
    undirected(nodes, edges);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "no error";
}

// Every entry, sum and edge index against the matrix and the list the graph was made of.
void expect_same(const CsrGraph& graph, int64_t nodes, const std::vector<Edge>& edges,
                 bool is_directed) {
  const std::vector<double> matrix = testing::dense(nodes, edges, is_directed);
  ASSERT_EQ(graph.nodes(), nodes);
  EXPECT_EQ(graph.is_directed(), is_directed);
  int64_t arcs = 0;
  for (int32_t row = 0; row < nodes; ++row) {
    double strength = 0;
    for (int32_t column = 0; column < nodes; ++column) {
      const double expected = matrix[static_cast<size_t>(row * nodes + column)];
      const int64_t arc = graph.find_arc(row, column);
      ASSERT_EQ(arc >= 0, expected > 0) << row << " " << column;
      strength += expected;
      if (arc < 0) continue;
      ++arcs;
      EXPECT_EQ(graph.weight(arc), expected);  // quarters: sums are exact
      double of_edges = 0;
      int32_t last = -1;
      for (const int32_t index : graph.edges_of(arc)) {
        const Edge& edge = edges[static_cast<size_t>(index)];
        EXPECT_GT(index, last);
        last = index;
        of_edges += edge.weight;
        const bool forth = edge.from == row && edge.to == column;
        const bool back = edge.from == column && edge.to == row;
        EXPECT_TRUE(forth || (back && !is_directed));
      }
      EXPECT_EQ(of_edges, expected);
    }
    EXPECT_EQ(graph.strength(row), strength);
    EXPECT_EQ(graph.loop_weight(row), matrix[static_cast<size_t>(row * nodes + row)]);
    const auto row_targets = graph.neighbours(row);
    EXPECT_TRUE(std::is_sorted(row_targets.begin(), row_targets.end()));
  }
  EXPECT_EQ(graph.arcs(), arcs);
}

TEST(Csr, EqualsTheMatrixOfRandomGraphs) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const int64_t nodes = 2 + static_cast<int64_t>(seed);
    const auto edges = testing::random_edges(nodes, static_cast<int64_t>(seed) * 7, seed);
    expect_same(undirected(nodes, edges), nodes, edges, false);
    expect_same(directed(nodes, edges), nodes, edges, true);
  }
}

TEST(Csr, SumsParallelEdgesAndKeepsTheirIndices) {
  const std::vector<Edge> edges = {{0, 1, 2}, {2, 2, 5}, {1, 0, 3}, {0, 1, 4}};
  const CsrGraph graph = undirected(3, edges);
  ASSERT_EQ(graph.arcs(), 3);
  const int64_t arc = graph.find_arc(1, 0);
  EXPECT_EQ(graph.weight(arc), 9);
  const auto of_arc = graph.edges_of(arc);
  EXPECT_EQ(std::vector<int32_t>(of_arc.begin(), of_arc.end()), (std::vector<int32_t>{0, 2, 3}));
  EXPECT_EQ(graph.strength(2), 5);
  EXPECT_EQ(graph.loop_weight(2), 5);
  EXPECT_EQ(graph.total_strength(), 23);
  const CsrGraph one_way = directed(3, edges);
  EXPECT_EQ(one_way.weight(one_way.find_arc(0, 1)), 6);
  EXPECT_EQ(one_way.weight(one_way.find_arc(1, 0)), 3);
}

TEST(Csr, EmptyGraphAndNodesWithoutEdges) {
  EXPECT_EQ(undirected(0, {}).nodes(), 0);
  EXPECT_EQ(CsrGraph().nodes(), 0);
  EXPECT_EQ(CsrGraph().mean_weight(), 0.0);
  const CsrGraph graph = undirected(3, {});
  EXPECT_EQ(graph.nodes(), 3);
  EXPECT_EQ(graph.arcs(), 0);
  EXPECT_EQ(graph.degree(2), 0);
  EXPECT_EQ(graph.find_arc(0, 0), -1);
}

TEST(Csr, RefusesWhatIsNoEdge) {
  EXPECT_EQ(message_of(2, {{0, 1}, {0, 2}}),
            "[graph] edge 1 has an end that is no node; got 0 to 2, expected ids from 0 to 1");
  EXPECT_NE(message_of(2, {{-1, 0}}), "no error");
  EXPECT_NE(message_of(0, {{0, 0}}), "no error");
  EXPECT_NE(message_of(-1, {}), "no error");
  for (const double weight : {0.0, -1.0, std::nan(""), kInfinity, -kInfinity,
                              std::numeric_limits<double>::denorm_min()}) {
    EXPECT_NE(message_of(2, {{0, 1, weight}}), "no error") << weight;
  }
  EXPECT_EQ(message_of(2, {{0, 1, std::nan("")}}),
            "[graph] weight of edge 0; got nan, expected a finite number above 0");
  // Each is finite, their sum is not.
  EXPECT_NE(message_of(3, {{0, 1, 1e308}, {1, 2, 1e308}}), "no error");
  EXPECT_THROW(undirected(int64_t{1} << 31, {}), Error);
}

}  // namespace
}  // namespace ondol::ground::graph
