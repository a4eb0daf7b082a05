// On real graphs: the same communities' quality as igraph, the same best nodes by push as by power
// iteration.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "ground/graph/hierarchy.h"
#include "ground/graph/leiden.h"
#include "ground/graph/pagerank.h"
#include "support/data_graphs.h"
#include "support/graphs.h"

namespace ondol::ground::graph {
namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// Modularity over seeds beside igraph's (tests/golden/graph.json), and connected communities.
void compare_with_igraph(const std::string& name, const CsrGraph& graph) {
  const auto& row = testing::golden().at("leiden").at(name);
  ASSERT_EQ(graph.nodes(), row.at("nodes").get<int64_t>());
  ASSERT_EQ(graph.arcs(), 2 * row.at("edges").get<int64_t>());
  ASSERT_DOUBLE_EQ(graph.total_strength(), 2 * row.at("weight").get<double>());
  for (const auto& [key, iterations] :
       std::map<std::string, int>{{"two_rounds", 2}, {"until_stable", 0}}) {
    double sum = 0, milliseconds = 0;
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const auto start = std::chrono::steady_clock::now();
      const Partition found = leiden(graph, {.seed = seed, .iterations = iterations});
      milliseconds += milliseconds_since(start) / 5;
      sum += found.modularity;
      EXPECT_NEAR(found.modularity, modularity(graph, found.community), 1e-12);
      EXPECT_EQ(testing::pieces(graph, found.community), found.count);
    }
    const double igraph = row.at(key).at("mean");
    std::printf("[ leiden   ] %s %s %.5f igraph %.5f, %.1f ms a run\n", name.c_str(), key.c_str(),
                sum / 5, igraph, milliseconds);
    EXPECT_GE(sum / 5, igraph - 0.005) << name << " " << key;
  }
}

TEST(GraphData, LeidenOfEmail) {
  ONDOL_NEED_DATA("email_eu_core");
  compare_with_igraph("email_eu_core", testing::email_graph());
}

TEST(GraphData, LeidenOfCodex) {
  ONDOL_NEED_DATA("codex_m");
  compare_with_igraph("codex_m", testing::codex_graph());
}

TEST(GraphData, LeidenOfMusique) {
  ONDOL_NEED_DATA("rag_musique");
  compare_with_igraph("rag_musique", testing::musique_graph().graph);
}

TEST(GraphData, HierarchyOfMusiqueNests) {
  ONDOL_NEED_DATA("rag_musique");
  const CsrGraph graph = testing::musique_graph().graph;
  const CommunityTree tree = hierarchical_leiden(graph, {.size_max = 20});
  EXPECT_GT(tree.levels(), 1);
  int64_t in_small = 0;
  for (int32_t id = 0; id < tree.size(); ++id) {
    const Community& own = tree.communities[static_cast<size_t>(id)];
    if (own.children_begin == own.children_end && own.end - own.begin <= 20) {
      in_small += own.end - own.begin;
    }
  }
  std::vector<int32_t> above = tree.at_level(0);
  for (int32_t level = 1; level < tree.levels(); ++level) {
    const std::vector<int32_t> here = tree.at_level(level);
    for (size_t node = 0; node < here.size(); ++node) {
      ASSERT_TRUE(here[node] == above[node] ||
                  tree.communities[static_cast<size_t>(here[node])].parent == above[node]);
    }
    above = here;
  }
  std::printf(
      "[ leiden   ] rag_musique %d communities on %d levels, %.1f %% of nodes in small ones\n",
      tree.size(), tree.levels(),
      100.0 * static_cast<double>(in_small) / static_cast<double>(graph.nodes()));
  EXPECT_GT(in_small, graph.nodes() / 2);
}

TEST(GraphData, PushFindsTheBestTwentyOfPowerIteration) {
  ONDOL_NEED_DATA("rag_musique");
  const testing::MusiqueGraph musique = testing::musique_graph();
  const auto restarts = testing::musique_restarts(musique);
  ASSERT_EQ(restarts.size(), 50u);
  for (const double alpha : {0.5, 0.85}) {
    PushWorkspace workspace;
    std::vector<double> times;
    for (const auto& restart : restarts) {
      const auto start = std::chrono::steady_clock::now();
      const auto scores =
          personalised_pagerank_push(musique.graph, restart, {.alpha = alpha}, workspace);
      const auto pushed = best_of(scores, 20);
      times.push_back(milliseconds_since(start));
      const auto exact =
          personalised_pagerank(musique.graph, restart, {.alpha = alpha, .tolerance = 1e-13});
      const auto best = best_of(exact, 20);
      ASSERT_EQ(pushed.size(), best.size());
      for (size_t i = 0; i < best.size(); ++i) {
        // The same node, or one that is exactly as good (symmetric places of the graph).
        EXPECT_NEAR(exact[static_cast<size_t>(pushed[i].node)], best[i].weight, 1e-12)
            << "alpha " << alpha << " place " << i;
      }
    }
    std::sort(times.begin(), times.end());
    std::printf("[ push     ] alpha %.2f: median %.3f ms, slowest %.3f ms\n", alpha,
                times[times.size() / 2], times.back());
  }
}

}  // namespace
}  // namespace ondol::ground::graph
