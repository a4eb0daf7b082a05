#include "ground/graph/pagerank.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace ondol::ground::graph {
namespace {

size_t at(int32_t node) { return static_cast<size_t>(node); }

void check_alpha(double alpha) {
  if (alpha >= 0 && alpha < 1) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[pagerank] alpha, the probability of following an edge; got {}, "
                          "expected at least 0 and below 1; try 0.85 or 0.5",
                          alpha));
}

void check(const PowerOptions& options) {
  check_alpha(options.alpha);
  if (!(options.tolerance > 0) || options.rounds_max < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[pagerank] tolerance and rounds; got {} and {}, expected both above 0",
                            options.tolerance, options.rounds_max));
  }
}

void check(const PushOptions& options) {
  check_alpha(options.alpha);
  if (options.epsilon >= 1e-12 && options.epsilon <= 1) return;
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("[pagerank] epsilon; got {}, expected 1e-12 to 1; try 1e-6", options.epsilon));
}

// The sum of the weights, which must be fit to divide by.
double restart_sum(const CsrGraph& graph, std::span<const NodeWeight> restart) {
  double sum = 0;
  for (const NodeWeight& entry : restart) {
    require_node(graph, entry.node, "pagerank");
    if (!std::isfinite(entry.weight) || entry.weight < 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[pagerank] restart weight of node {}; got {}, expected a finite "
                              "number, at least 0",
                              entry.node, entry.weight));
    }
    sum += entry.weight;
  }
  if (std::isnormal(sum)) return sum;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[pagerank] the sum of the restart weights; got {} of {} entries, "
                          "expected a number above 0; try at least one seed",
                          sum, restart.size()));
}

// x <- alpha (P^T x + lost mass x restart) + (1 - alpha) restart, until it stands still.
// `scores` comes in as the first x.
void iterate(const CsrGraph& graph, std::span<const double> restart, const PowerOptions& options,
             std::vector<double>& scores) {
  std::vector<double> next(scores.size());
  double change = 0;
  for (int round = 0; round < options.rounds_max; ++round) {
    std::fill(next.begin(), next.end(), 0.0);
    double lost = 0;
    for (size_t node = 0; node < scores.size(); ++node) {
      const auto id = static_cast<int32_t>(node);
      if (graph.degree(id) == 0) {
        lost += scores[node];
        continue;
      }
      const double share = options.alpha * scores[node] / graph.strength(id);
      for (int64_t arc = graph.arc_begin(id); arc < graph.arc_end(id); ++arc) {
        next[at(graph.target(arc))] += share * graph.weight(arc);
      }
    }
    const double again = options.alpha * lost + (1 - options.alpha);
    change = 0;
    for (size_t node = 0; node < scores.size(); ++node) {
      next[node] += again * restart[node];
      change += std::abs(next[node] - scores[node]);
    }
    scores.swap(next);
    if (change < options.tolerance) return;
  }
  throw Error(ErrorCode::kResourceExhausted,
              fmt::format("[pagerank] no convergence in {} rounds; got a change of {}, expected "
                          "below {}; try a smaller alpha or more rounds",
                          options.rounds_max, change, options.tolerance));
}

bool better(const NodeWeight& a, const NodeWeight& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.node < b.node;
}

std::vector<NodeWeight> keep_best(std::vector<NodeWeight> nodes, size_t k) {
  const size_t kept = std::min(k, nodes.size());
  std::partial_sort(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(kept), nodes.end(),
                    better);
  nodes.resize(kept);
  return nodes;
}

}  // namespace

std::vector<double> pagerank(const CsrGraph& graph, const PowerOptions& options) {
  check(options);
  const auto nodes = static_cast<size_t>(graph.nodes());
  if (nodes == 0) return {};
  const std::vector<double> restart(nodes, 1.0 / static_cast<double>(nodes));
  std::vector<double> scores = restart;
  iterate(graph, restart, options, scores);
  return scores;
}

std::vector<double> personalised_pagerank(const CsrGraph& graph,
                                          std::span<const NodeWeight> restart,
                                          const PowerOptions& options) {
  check(options);
  const double sum = restart_sum(graph, restart);
  std::vector<double> dense(static_cast<size_t>(graph.nodes()), 0.0);
  for (const NodeWeight& entry : restart) dense[at(entry.node)] += entry.weight / sum;
  std::vector<double> scores = dense;
  iterate(graph, dense, options, scores);
  return scores;
}

// One query. At any time the exact scores are those of `estimate` plus what a walk from `residual`
// would add; a push moves a node's residual into its estimate and its neighbours' residuals.
class ForwardPush {
 public:
  ForwardPush(const CsrGraph& graph, const PushOptions& options, PushWorkspace& workspace)
      : graph_(graph), alpha_(options.alpha), work_(workspace) {
    const auto nodes = static_cast<size_t>(graph.nodes());
    if (work_.slots_.size() < nodes) work_.slots_.resize(nodes);
    // One place more than nodes: the place behind the last is written before it is known whether
    // anything goes there.
    const size_t ring = std::bit_ceil(nodes + 1);
    if (work_.ring_.size() < ring) work_.ring_.resize(ring);
    mask_ = work_.ring_.size() - 1;
    work_.touched_.clear();
    if (++work_.query_ == 0) {
      std::fill(work_.slots_.begin(), work_.slots_.end(), Slot{});
      work_.query_ = 1;
    }
    scale_ = graph.arcs() == 0 ? 1.0 : options.epsilon / graph.mean_weight();
    // What suits a symmetric matrix whose eigenvalues reach alpha; others need not converge.
    if (!graph.is_directed()) relaxation_ = 2 / (1 + std::sqrt(1 - alpha_ * alpha_));
  }

  std::vector<NodeWeight> run(std::span<const NodeWeight> restart, double restart_sum) {
    // What starts at nodes without edges makes all scores grow in the end, and their errors.
    double alone = 0;
    for (const NodeWeight& entry : restart) {
      if (graph_.degree(entry.node) == 0) alone += entry.weight / restart_sum;
    }
    scale_ *= 1 - alpha_ * alone;
    for (const NodeWeight& entry : restart) {
      if (entry.weight > 0) receive(entry.node, entry.weight / restart_sum);
    }
    while (head_ != tail_) push(work_.ring_[head_++ & mask_]);
    return result();
  }

 private:
  using Slot = PushWorkspace::Slot;
  static constexpr double kLeast = std::numeric_limits<double>::denorm_min();

  void begin(int32_t node) {
    // The least number there is, for a node without edges: whatever it gets is pushed.
    const double threshold = std::max(scale_ * graph_.strength(node), kLeast);
    work_.slots_[at(node)] = {.threshold = threshold, .query = work_.query_};
    work_.touched_.push_back(node);
  }

  void receive(int32_t node, double mass) {
    Slot& slot = work_.slots_[at(node)];
    if (slot.query != work_.query_) begin(node);
    slot.residual += mass;
    // Without a branch: whether a node joins the queue cannot be foreseen.
    const uint32_t joins = (std::abs(slot.residual) >= slot.threshold ? 1u : 0u) & ~slot.waits;
    slot.waits |= joins;
    work_.ring_[tail_ & mask_] = node;
    tail_ += joins;
  }

  void push(int32_t node) {
    Slot& slot = work_.slots_[at(node)];
    slot.waits = 0;
    if (std::abs(slot.residual) < slot.threshold) return;
    const bool has_arcs = graph_.degree(node) > 0;
    const double mass = (has_arcs ? relaxation_ : 1.0) * slot.residual;
    slot.estimate += (1 - alpha_) * mass;
    if (!has_arcs) {
      slot.residual = 0;
      lost_ += alpha_ * mass;
      return;
    }
    receive(node, -mass);
    const double share = alpha_ * mass / graph_.strength(node);
    const int64_t end = graph_.arc_end(node);
    for (int64_t arc = graph_.arc_begin(node); arc < end; ++arc) {
      receive(graph_.target(arc), share * graph_.weight(arc));
    }
  }

  // What a residual leaves at its own node is certain, so it counts. Mass that went into nodes
  // without edges starts again: all scores grow by the same factor (the solution with lost mass
  // is that without it, divided by what was not lost).
  std::vector<NodeWeight> result() {
    std::vector<NodeWeight> scores;
    scores.reserve(work_.touched_.size());
    const double factor = 1 / (1 - lost_);
    const auto add = [&](int32_t node) {
      const Slot& slot = work_.slots_[at(node)];
      const double score = slot.estimate + (1 - alpha_) * slot.residual;
      if (score > 0) scores.push_back({node, factor * score});
    };
    // Into ascending order: by going over all nodes where many were reached, by sorting where few.
    if (work_.touched_.size() > static_cast<size_t>(graph_.nodes()) / 16) {
      for (int32_t node = 0; node < graph_.nodes(); ++node) {
        if (work_.slots_[at(node)].query == work_.query_) add(node);
      }
    } else {
      std::sort(work_.touched_.begin(), work_.touched_.end());
      for (const int32_t node : work_.touched_) add(node);
    }
    return scores;
  }

  const CsrGraph& graph_;
  const double alpha_;
  PushWorkspace& work_;
  size_t mask_ = 0, head_ = 0, tail_ = 0;
  double scale_ = 0;
  double relaxation_ = 1;
  double lost_ = 0;
};

std::vector<NodeWeight> personalised_pagerank_push(const CsrGraph& graph,
                                                   std::span<const NodeWeight> restart,
                                                   const PushOptions& options,
                                                   PushWorkspace& workspace) {
  check(options);
  const double sum = restart_sum(graph, restart);
  return ForwardPush(graph, options, workspace).run(restart, sum);
}

std::vector<NodeWeight> best_of(std::span<const NodeWeight> scores, size_t k) {
  return keep_best({scores.begin(), scores.end()}, k);
}

std::vector<NodeWeight> best_of(std::span<const double> scores, size_t k) {
  std::vector<NodeWeight> nodes(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) nodes[i] = {static_cast<int32_t>(i), scores[i]};
  return keep_best(std::move(nodes), k);
}

}  // namespace ondol::ground::graph
