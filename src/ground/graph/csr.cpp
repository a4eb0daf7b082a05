#include "ground/graph/csr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace ondol::ground::graph {
namespace {

constexpr int64_t kIndexMax = std::numeric_limits<int32_t>::max();

void check(int64_t nodes, std::span<const Edge> edges) {
  if (nodes < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[graph] number of nodes; got {}, expected at least 0", nodes));
  }
  if (nodes > kIndexMax || edges.size() > static_cast<size_t>(kIndexMax)) {
    throw Error(
        ErrorCode::kResourceExhausted,
        fmt::format("[graph] too large for one snapshot; got {} nodes and {} edges, expected at "
                    "most {} of each; try a part of the graph",
                    nodes, edges.size(), kIndexMax));
  }
  for (size_t i = 0; i < edges.size(); ++i) {
    const Edge& edge = edges[i];
    const bool known = edge.from >= 0 && edge.from < nodes && edge.to >= 0 && edge.to < nodes;
    if (!known) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[graph] edge {} has an end that is no node; got {} to {}, expected "
                              "ids from 0 to {}",
                              i, edge.from, edge.to, nodes - 1));
    }
    if (!std::isnormal(edge.weight) || edge.weight < 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[graph] weight of edge {}; got {}, expected a finite number above 0",
                              i, edge.weight));
    }
  }
}

}  // namespace

// Builds a graph in three passes: edges by target, then by row (stable, so that rows are sorted by
// target and equal arcs by edge), then equal arcs into one.
class CsrBuilder {
 public:
  CsrBuilder(int64_t nodes, std::span<const Edge> edges, bool directed)
      : nodes_(static_cast<size_t>(nodes)), edges_(edges), directed_(directed) {}

  CsrGraph build() {
    graph_.directed_ = directed_;
    sort_by_target();
    sort_by_row();
    merge_equal_arcs();
    sum_strengths();
    return std::move(graph_);
  }

 private:
  static size_t at(int32_t node) { return static_cast<size_t>(node); }
  // An undirected self-loop is one arc, every other undirected edge two.
  bool has_return(const Edge& edge) const { return !directed_ && edge.from != edge.to; }
  // The row of the arc that edge makes with this target.
  int32_t row_of(const Edge& edge, int32_t target) const {
    return edge.to == target ? edge.from : edge.to;
  }

  void sort_by_target() {
    target_begin_.assign(nodes_ + 1, 0);
    for (const Edge& edge : edges_) {
      ++target_begin_[at(edge.to) + 1];
      if (has_return(edge)) ++target_begin_[at(edge.from) + 1];
    }
    std::partial_sum(target_begin_.begin(), target_begin_.end(), target_begin_.begin());
    std::vector<int64_t> next(target_begin_.begin(), target_begin_.end() - 1);
    by_target_.resize(static_cast<size_t>(target_begin_.back()));
    for (size_t i = 0; i < edges_.size(); ++i) {
      const Edge& edge = edges_[i];
      by_target_[static_cast<size_t>(next[at(edge.to)]++)] = static_cast<int32_t>(i);
      if (has_return(edge)) {
        by_target_[static_cast<size_t>(next[at(edge.from)]++)] = static_cast<int32_t>(i);
      }
    }
  }

  void sort_by_row() {
    row_begin_.assign(nodes_ + 1, 0);
    for (const Edge& edge : edges_) {
      ++row_begin_[at(edge.from) + 1];
      if (has_return(edge)) ++row_begin_[at(edge.to) + 1];
    }
    std::partial_sum(row_begin_.begin(), row_begin_.end(), row_begin_.begin());
    std::vector<int64_t> next(row_begin_.begin(), row_begin_.end() - 1);
    targets_.resize(by_target_.size());
    graph_.edges_.resize(by_target_.size());
    for (size_t node = 0; node < nodes_; ++node) {
      const auto target = static_cast<int32_t>(node);
      for (int64_t i = target_begin_[node]; i < target_begin_[node + 1]; ++i) {
        const int32_t edge = by_target_[static_cast<size_t>(i)];
        const int32_t row = directed_ ? edges_[at(edge)].from : row_of(edges_[at(edge)], target);
        const auto place = static_cast<size_t>(next[at(row)]++);
        targets_[place] = target;
        graph_.edges_[place] = edge;
      }
    }
  }

  void merge_equal_arcs() {
    graph_.offsets_.assign(nodes_ + 1, 0);
    graph_.targets_.reserve(targets_.size());
    graph_.weights_.reserve(targets_.size());
    graph_.edge_offsets_.clear();
    graph_.edge_offsets_.reserve(targets_.size() + 1);
    for (size_t node = 0; node < nodes_; ++node) {
      const size_t first_arc = graph_.targets_.size();
      for (int64_t i = row_begin_[node]; i < row_begin_[node + 1]; ++i) {
        const auto place = static_cast<size_t>(i);
        const double weight = edges_[at(graph_.edges_[place])].weight;
        if (graph_.targets_.size() > first_arc && graph_.targets_.back() == targets_[place]) {
          graph_.weights_.back() += weight;
          continue;
        }
        graph_.targets_.push_back(targets_[place]);
        graph_.weights_.push_back(weight);
        graph_.edge_offsets_.push_back(i);
      }
      graph_.offsets_[node + 1] = static_cast<int64_t>(graph_.targets_.size());
    }
    graph_.edge_offsets_.push_back(static_cast<int64_t>(targets_.size()));
  }

  void sum_strengths() {
    graph_.strengths_.assign(nodes_, 0.0);
    for (size_t node = 0; node < nodes_; ++node) {
      double sum = 0;
      for (int64_t arc = graph_.offsets_[node]; arc < graph_.offsets_[node + 1]; ++arc) {
        sum += graph_.weights_[static_cast<size_t>(arc)];
      }
      graph_.strengths_[node] = sum;
      graph_.total_strength_ += sum;
    }
    if (!std::isfinite(graph_.total_strength_)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[graph] the sum of the weights; got infinity, expected a finite number; try "
                  "weights of a smaller scale");
    }
  }

  size_t nodes_;
  std::span<const Edge> edges_;
  bool directed_;
  std::vector<int64_t> target_begin_, row_begin_;
  std::vector<int32_t> by_target_;  // edges, by the target of the arc they make
  std::vector<int32_t> targets_;    // by row, equal arcs not yet one
  CsrGraph graph_;
};

int64_t CsrGraph::find_arc(int32_t from, int32_t to) const {
  const auto row = neighbours(from);
  const auto found = std::lower_bound(row.begin(), row.end(), to);
  if (found == row.end() || *found != to) return -1;
  return arc_begin(from) + (found - row.begin());
}

double CsrGraph::loop_weight(int32_t node) const {
  const int64_t arc = find_arc(node, node);
  return arc < 0 ? 0.0 : weight(arc);
}

CsrGraph undirected(int64_t nodes, std::span<const Edge> edges) {
  check(nodes, edges);
  return CsrBuilder(nodes, edges, false).build();
}

CsrGraph directed(int64_t nodes, std::span<const Edge> edges) {
  check(nodes, edges);
  return CsrBuilder(nodes, edges, true).build();
}

void require_node(const CsrGraph& graph, int64_t node, const char* where) {
  if (node >= 0 && node < graph.nodes()) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[{}] no such node; got {}, expected an id from 0 to {}", where, node,
                          graph.nodes() - 1));
}

}  // namespace ondol::ground::graph
