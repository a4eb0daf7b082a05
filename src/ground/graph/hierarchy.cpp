#include "ground/graph/hierarchy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ground/graph/network.h"

namespace ondol::ground::graph {
namespace {

// What lies between the given nodes; they are numbered by their place. local_id is scratch, -1
// everywhere before and after.
CsrGraph subgraph(const CsrGraph& graph, std::span<const int32_t> nodes,
                  std::vector<int32_t>& local_id) {
  for (size_t i = 0; i < nodes.size(); ++i) local_id[at(nodes[i])] = static_cast<int32_t>(i);
  std::vector<Edge> edges;
  for (const int32_t node : nodes) {
    for (int64_t arc = graph.arc_begin(node); arc < graph.arc_end(node); ++arc) {
      const int32_t target = graph.target(arc);
      if (target < node || local_id[at(target)] < 0) continue;  // every edge once
      edges.push_back({local_id[at(node)], local_id[at(target)], graph.weight(arc)});
    }
  }
  for (const int32_t node : nodes) local_id[at(node)] = -1;
  return undirected(static_cast<int64_t>(nodes.size()), edges);
}

// Adds the communities of a partition of order[begin, end) below `parent` and puts their nodes side
// by side, in the order they had.
void add_communities(CommunityTree& tree, int32_t parent, int64_t begin, int64_t end,
                     const Partition& partition) {
  const auto count = at(end - begin);
  const std::vector<int32_t> nodes(tree.order.begin() + begin, tree.order.begin() + end);
  std::vector<int32_t> places(count);
  for (size_t i = 0; i < count; ++i) places[i] = static_cast<int32_t>(i);
  const Groups groups = group_by(partition.community, partition.count, places);
  for (size_t i = 0; i < count; ++i) {
    tree.order[at(begin) + i] = nodes[at(groups.nodes[i])];
  }
  const int32_t level = parent < 0 ? 0 : tree.communities[at(parent)].level + 1;
  if (parent >= 0) tree.communities[at(parent)].children_begin = tree.size();
  for (int32_t id = 0; id < partition.count; ++id) {
    tree.communities.push_back({.parent = parent,
                                .level = level,
                                .begin = begin + groups.begin[at(id)],
                                .end = begin + groups.begin[at(id) + 1]});
  }
  if (parent >= 0) tree.communities[at(parent)].children_end = tree.size();
}

}  // namespace

std::span<const int32_t> CommunityTree::members(int32_t community) const {
  const Community& found = communities.at(at(community));
  return std::span<const int32_t>(order).subspan(at(found.begin), at(found.end - found.begin));
}

std::vector<int32_t> CommunityTree::at_level(int32_t level) const {
  if (level < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[leiden] level; got {}, expected at least 0", level));
  }
  std::vector<int32_t> community(order.size(), -1);
  for (int32_t id = 0; id < size() && communities[at(id)].level <= level; ++id) {
    for (const int32_t node : members(id)) community[at(node)] = id;
  }
  return community;
}

CommunityTree hierarchical_leiden(const CsrGraph& graph, const HierarchyOptions& options,
                                  std::span<const int32_t> start) {
  if (options.size_max < 1) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("[leiden] size of communities; got {}, expected at least 1", options.size_max));
  }
  CommunityTree tree;
  tree.order.resize(at(graph.nodes()));
  for (size_t i = 0; i < tree.order.size(); ++i) tree.order[i] = static_cast<int32_t>(i);
  add_communities(tree, -1, 0, graph.nodes(), leiden(graph, options.leiden, start));
  std::vector<int32_t> local_id(tree.order.size(), -1);
  // Communities are appended while this goes over them, so each is seen once, level by level.
  for (int32_t id = 0; id < tree.size(); ++id) {
    const Community community = tree.communities[at(id)];
    if (community.end - community.begin <= options.size_max) continue;
    LeidenOptions inside = options.leiden;
    inside.seed = Rng(options.leiden.seed, at(id) + 1).next_u64();
    const Partition parts = leiden(subgraph(graph, tree.members(id), local_id), inside);
    if (parts.count > 1) add_communities(tree, id, community.begin, community.end, parts);
  }
  return tree;
}

}  // namespace ondol::ground::graph
