// Communities within communities: Leiden once over the graph, then again inside every community
// that is larger than wanted, until none of these can be split.
//
//   const CommunityTree tree = hierarchical_leiden(graph, {.size_max = 10});
//   for (int32_t id = 0; id < tree.size(); ++id) write(tree.communities[id], tree.members(id));
//
// Level 0 is the coarsest. Every level is a partition of all nodes, and a community of a level lies
// within one of the level above. `size_max` is a target: a community that Leiden keeps whole stays.
// Inside a community, the graph is what lies between its own nodes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ground/graph/csr.h"
#include "ground/graph/leiden.h"

namespace ondol::ground::graph {

struct HierarchyOptions {
  LeidenOptions leiden;
  int64_t size_max = 10;  // at least 1; communities up to this size are not split
};

struct Community {
  int32_t parent = -1;  // -1 on level 0
  int32_t level = 0;
  int64_t begin = 0;  // its nodes are order[begin, end)
  int64_t end = 0;
  int32_t children_begin = 0;  // its parts are the communities [children_begin, children_end)
  int32_t children_end = 0;
};

struct CommunityTree {
  std::vector<Community> communities;  // by level; a parent before its parts
  std::vector<int32_t> order;          // all nodes, those of a community side by side

  int32_t size() const { return static_cast<int32_t>(communities.size()); }
  int32_t levels() const { return communities.empty() ? 0 : communities.back().level + 1; }
  std::span<const int32_t> members(int32_t community) const;
  // Of every node, the community it is in on this level: the one it has there, or, where that was
  // not split so far, the one above. Throws Error(kInvalidArgument) for a level below 0.
  std::vector<int32_t> at_level(int32_t level) const;
};

// `start` is a warm start of level 0. Errors as leiden().
CommunityTree hierarchical_leiden(const CsrGraph& graph, const HierarchyOptions& options = {},
                                  std::span<const int32_t> start = {});

}  // namespace ondol::ground::graph
