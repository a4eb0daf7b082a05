// The graph algorithms of src/ground/graph, timed on orders from standard input: one JSON object a
// line in, one out. bench/graph_bench.py builds this and asks it beside networkx and igraph.
//
//   {"open": FILE}   {"nodes": N, "edges": [[u, v, weight] ...], "restarts": [[[node, weight] ...]
//   ...]}
//   {"push": {"alpha": A, "epsilon": E}}   -> {"ms": [a query ...], "best": [[20 nodes] ...]}
//   {"power": {"alpha": A}}                -> the same, by power iteration to 1e-12
//   {"leiden": {"iterations": N, "seed": S}} -> {"ms": T, "modularity": Q, "communities": C}
//   {"hierarchy": {"size_max": N, "seed": S}} -> {"ms": T, "levels": L, "communities": C}
#include <time.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/files.h"
#include "ground/graph/hierarchy.h"
#include "ground/graph/leiden.h"
#include "ground/graph/pagerank.h"

namespace {

using namespace ondol::ground::graph;
using nlohmann::json;

// Processor time of this thread, so that a shared machine matters less.
class Stopwatch {
 public:
  double ms() const { return now() - start_; }

 private:
  static double now() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
  }
  double start_ = now();
};

struct Opened {
  CsrGraph graph;
  std::vector<std::vector<NodeWeight>> restarts;
  PushWorkspace workspace;
};

json open_file(const std::string& path, Opened& opened) {
  const json file = json::parse(ondol::read_file(path));
  std::vector<Edge> edges;
  for (const json& row : file.at("edges")) edges.push_back({row[0], row[1], row[2]});
  const Stopwatch watch;
  opened.graph = undirected(file.at("nodes"), edges);
  const double ms = watch.ms();
  opened.restarts.clear();
  for (const json& rows : file.at("restarts")) {
    opened.restarts.emplace_back();
    for (const json& row : rows) opened.restarts.back().push_back({row[0], row[1]});
  }
  return {{"ms", ms}, {"nodes", opened.graph.nodes()}, {"edges", edges.size()}};
}

template <class Best>
json each_query(const Opened& opened, Best best) {
  json out = {{"ms", json::array()}, {"best", json::array()}};
  for (const auto& restart : opened.restarts) {
    const Stopwatch watch;
    const std::vector<NodeWeight> nodes = best(restart);
    out["ms"].push_back(watch.ms());
    json ids = json::array();
    for (const NodeWeight& node : nodes) ids.push_back(node.node);
    out["best"].push_back(ids);
  }
  return out;
}

json answer(const json& order, Opened& opened) {
  if (order.contains("open")) return open_file(order["open"], opened);
  if (order.contains("push")) {
    const PushOptions options{order["push"].at("alpha"), order["push"].at("epsilon")};
    return each_query(opened, [&](const auto& restart) {
      return best_of(personalised_pagerank_push(opened.graph, restart, options, opened.workspace),
                     20);
    });
  }
  if (order.contains("power")) {
    const PowerOptions options{.alpha = order["power"].at("alpha"), .tolerance = 1e-12};
    return each_query(opened, [&](const auto& restart) {
      return best_of(personalised_pagerank(opened.graph, restart, options), 20);
    });
  }
  if (order.contains("leiden")) {
    LeidenOptions options;
    options.iterations = order["leiden"].at("iterations");
    options.seed = order["leiden"].at("seed");
    const Stopwatch watch;
    const Partition found = leiden(opened.graph, options);
    return {{"ms", watch.ms()},
            {"modularity", found.modularity},
            {"communities", found.count},
            {"rounds", found.iterations}};
  }
  HierarchyOptions options;
  options.size_max = order.at("hierarchy").at("size_max");
  options.leiden.seed = order.at("hierarchy").at("seed");
  const Stopwatch watch;
  const CommunityTree tree = hierarchical_leiden(opened.graph, options);
  return {{"ms", watch.ms()}, {"levels", tree.levels()}, {"communities", tree.size()}};
}

}  // namespace

int main() {
  Opened opened;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(json::parse(line), opened).dump() << std::endl;
  }
}
