#include "ground/graph/paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>

#include "base/error.h"

namespace ondol::ground::graph {
namespace {

size_t at(int32_t node) { return static_cast<size_t>(node); }

void check(const HopOptions& options) {
  if (options.hops >= 0 && options.fan_out >= 1 && options.nodes_max >= 1) return;
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("[graph] limits of a neighbourhood; got {} hops, fan-out {}, {} nodes, expected "
                  "at least 0, 1 and 1",
                  options.hops, options.fan_out, options.nodes_max));
}

// The heaviest `count` arcs of a node, ties by ascending target, heaviest first.
void heaviest_arcs(const CsrGraph& graph, int32_t node, int64_t count, std::vector<int64_t>& arcs) {
  arcs.resize(static_cast<size_t>(graph.degree(node)));
  std::iota(arcs.begin(), arcs.end(), graph.arc_begin(node));
  const auto kept = static_cast<std::ptrdiff_t>(std::min(count, graph.degree(node)));
  // Arcs of a row ascend by target, so the lower arc is the lower target.
  std::partial_sort(arcs.begin(), arcs.begin() + kept, arcs.end(), [&](int64_t a, int64_t b) {
    return graph.weight(a) != graph.weight(b) ? graph.weight(a) > graph.weight(b) : a < b;
  });
  arcs.resize(static_cast<size_t>(kept));
}

double length_of(const CsrGraph& graph, int64_t arc, PathLength length) {
  if (length == PathLength::kHops) return 1.0;
  return length == PathLength::kWeight ? graph.weight(arc) : 1.0 / graph.weight(arc);
}

// How every node was reached first: the node before it and the arc.
struct Reached {
  int32_t before = -1;
  int64_t arc = -1;
};

Path path_back(const CsrGraph& graph, std::span<const Reached> reached, int32_t from, int32_t to,
               PathLength length) {
  Path path;
  for (int32_t node = to; node != from; node = reached[at(node)].before) {
    path.nodes.push_back(node);
    path.arcs.push_back(reached[at(node)].arc);
  }
  path.nodes.push_back(from);
  std::reverse(path.nodes.begin(), path.nodes.end());
  std::reverse(path.arcs.begin(), path.arcs.end());
  for (const int64_t arc : path.arcs) path.length += length_of(graph, arc, length);
  return path;
}

bool breadth_first(const CsrGraph& graph, int32_t from, int32_t to, std::vector<Reached>& reached) {
  std::vector<int32_t> queue = {from};
  reached[at(from)].before = from;
  for (size_t next = 0; next < queue.size(); ++next) {
    const int32_t node = queue[next];
    for (int64_t arc = graph.arc_begin(node); arc < graph.arc_end(node); ++arc) {
      const int32_t target = graph.target(arc);
      if (reached[at(target)].before >= 0) continue;
      reached[at(target)] = {node, arc};
      if (target == to) return true;
      queue.push_back(target);
    }
  }
  return false;
}

bool dijkstra(const CsrGraph& graph, int32_t from, int32_t to, PathLength length,
              std::vector<Reached>& reached) {
  using Entry = std::pair<double, int32_t>;  // distance, node: equal distances by ascending node
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  std::vector<double> distance(reached.size(), std::numeric_limits<double>::infinity());
  distance[at(from)] = 0;
  queue.emplace(0.0, from);
  while (!queue.empty()) {
    const auto [so_far, node] = queue.top();
    queue.pop();
    if (so_far > distance[at(node)]) continue;
    if (node == to) return true;
    for (int64_t arc = graph.arc_begin(node); arc < graph.arc_end(node); ++arc) {
      const int32_t target = graph.target(arc);
      const double sum = so_far + length_of(graph, arc, length);
      if (!(sum < distance[at(target)])) continue;
      distance[at(target)] = sum;
      reached[at(target)] = {node, arc};
      queue.emplace(sum, target);
    }
  }
  return false;
}

// Union-find: the root of a set is its smallest node.
int32_t root_of(std::vector<int32_t>& parent, int32_t node) {
  while (parent[at(node)] != node) {
    parent[at(node)] = parent[at(parent[at(node)])];
    node = parent[at(node)];
  }
  return node;
}

}  // namespace

Neighbourhood neighbourhood(const CsrGraph& graph, std::span<const int32_t> seeds,
                            const HopOptions& options) {
  check(options);
  Neighbourhood found;
  std::vector<bool> seen(static_cast<size_t>(graph.nodes()), false);
  // False when there is no room for it.
  const auto add = [&](const HopNode& entry) {
    if (seen[at(entry.node)]) return true;
    if (static_cast<int64_t>(found.nodes.size()) == options.nodes_max) {
      found.cut = true;
      return false;
    }
    seen[at(entry.node)] = true;
    found.nodes.push_back(entry);
    return true;
  };
  for (const int32_t seed : seeds) require_node(graph, seed, "graph");
  for (const int32_t seed : seeds) {
    if (!add({.node = seed})) return found;
  }
  std::vector<int64_t> arcs;
  for (size_t next = 0; next < found.nodes.size(); ++next) {
    const HopNode from = found.nodes[next];
    if (from.hops == options.hops) break;
    heaviest_arcs(graph, from.node, options.fan_out, arcs);
    found.cut = found.cut || static_cast<int64_t>(arcs.size()) < graph.degree(from.node);
    for (const int64_t arc : arcs) {
      if (!add({graph.target(arc), from.hops + 1, arc})) return found;
    }
  }
  return found;
}

std::optional<Path> shortest_path(const CsrGraph& graph, int32_t from, int32_t to,
                                  PathLength length) {
  require_node(graph, from, "graph");
  require_node(graph, to, "graph");
  if (from == to) return Path{.nodes = {from}};
  std::vector<Reached> reached(static_cast<size_t>(graph.nodes()));
  const bool there = length == PathLength::kHops ? breadth_first(graph, from, to, reached)
                                                 : dijkstra(graph, from, to, length, reached);
  if (!there) return std::nullopt;
  return path_back(graph, reached, from, to, length);
}

Components connected_components(const CsrGraph& graph) {
  const auto nodes = static_cast<size_t>(graph.nodes());
  std::vector<int32_t> parent(nodes);
  std::iota(parent.begin(), parent.end(), 0);
  for (size_t node = 0; node < nodes; ++node) {
    for (const int32_t target : graph.neighbours(static_cast<int32_t>(node))) {
      const int32_t a = root_of(parent, static_cast<int32_t>(node));
      const int32_t b = root_of(parent, target);
      parent[at(std::max(a, b))] = std::min(a, b);
    }
  }
  Components found;
  found.component.resize(nodes);
  for (size_t node = 0; node < nodes; ++node) {
    const int32_t root = root_of(parent, static_cast<int32_t>(node));
    // A root is the smallest of its set, so it is numbered before the others ask for it.
    if (at(root) == node) {
      found.component[node] = static_cast<int32_t>(found.sizes.size());
      found.sizes.push_back(0);
    } else {
      found.component[node] = found.component[at(root)];
    }
    ++found.sizes[at(found.component[node])];
  }
  return found;
}

}  // namespace ondol::ground::graph
