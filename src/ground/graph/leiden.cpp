#include "ground/graph/leiden.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "ground/graph/leiden_refine.h"
#include "ground/graph/network.h"

namespace ondol::ground::graph {
namespace {

constexpr int kIterationsMax = 100;
constexpr double kStableGain = 1e-6;
// What a move must gain, in mean weights: more than rounding, so that no two moves undo each other
// for ever.
constexpr double kLeastGain = 1e-10;

void check(const CsrGraph& graph, const LeidenOptions& options) {
  if (graph.is_directed()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[leiden] got a directed graph, expected an undirected one; try undirected()");
  }
  const auto positive = [](double value) { return std::isfinite(value) && value > 0; };
  if (!positive(options.resolution) || !positive(options.theta) || options.iterations < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[leiden] options; got resolution {}, theta {}, {} iterations, "
                            "expected numbers above 0, above 0, at least 0",
                            options.resolution, options.theta, options.iterations));
  }
}

void check_communities(const CsrGraph& graph, std::span<const int32_t> community, int32_t least) {
  const int64_t nodes = graph.nodes();
  if (static_cast<int64_t>(community.size()) != nodes) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[leiden] a partition; got {} entries, expected {}, one a node",
                            community.size(), nodes));
  }
  for (const int32_t id : community) {
    if (id >= least && id < 2 * nodes) continue;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[leiden] number of a community; got {}, expected {} to {}", id, least,
                            2 * nodes - 1));
  }
}

// The fast local move: nodes are taken from a queue, at first all of them in random order, and go
// to the community that gains most; where one leaves, its neighbours in other communities come back
// into the queue.
class LocalMove {
 public:
  LocalMove(const Network& network, double gamma, std::vector<int32_t>& community)
      : network_(network),
        gamma_(gamma),
        community_(community),
        sums_(at(network.nodes())),
        sizes_(at(network.nodes()), 0),
        waits_(at(network.nodes()), 1),
        ring_(std::bit_ceil(at(network.nodes()) + 1)) {
    for (int32_t node = 0; node < network.nodes(); ++node) {
      sums_[at(community[at(node)])].degree += network.degree[at(node)];
      ++sizes_[at(community[at(node)])];
    }
    for (int32_t id = network.nodes(); id-- > 0;) {
      if (sizes_[at(id)] == 0) free_.push_back(id);
    }
  }

  void run(Rng& rng) {
    const size_t mask = ring_.size() - 1;
    size_t head = 0, tail = at(network_.nodes());
    const std::vector<int32_t> shuffled = random_order(network_.nodes(), rng);
    std::copy(shuffled.begin(), shuffled.end(), ring_.begin());
    while (head != tail) {
      const int32_t node = ring_[head++ & mask];
      waits_[at(node)] = 0;
      const int32_t to = best_community(node);
      if (to == community_[at(node)]) continue;
      move(node, to);
      for (int64_t arc = network_.begin(node); arc < network_.end(node); ++arc) {
        const int32_t next = network_.targets[at(arc)];
        if (waits_[at(next)] != 0 || community_[at(next)] == to) continue;
        waits_[at(next)] = 1;
        ring_[tail++ & mask] = next;
      }
    }
  }

 private:
  // Side by side, because they are read together.
  struct Sums {
    double degree = 0.0;     // of the community's nodes
    double from_node = 0.0;  // weight between it and the node at hand
  };

  int32_t best_community(int32_t node) {
    near_.clear();
    for (int64_t arc = network_.begin(node); arc < network_.end(node); ++arc) {
      const int32_t id = community_[at(network_.targets[at(arc)])];
      if (sums_[at(id)].from_node == 0) near_.push_back(id);
      sums_[at(id)].from_node += network_.weights[at(arc)];
    }
    const int32_t own = community_[at(node)];
    const double cost = gamma_ * network_.degree[at(node)];
    const double margin = kLeastGain * network_.mean_weight;
    int32_t best = own;
    double best_gain =
        sums_[at(own)].from_node - cost * (sums_[at(own)].degree - network_.degree[at(node)]);
    for (const int32_t id : near_) {
      const double gain = sums_[at(id)].from_node - cost * sums_[at(id)].degree;
      if (gain > best_gain + margin && id != own) {
        best = id;
        best_gain = gain;
      }
      sums_[at(id)].from_node = 0;
    }
    // Alone is better than among nodes it has too little to do with.
    if (best_gain < -margin && sizes_[at(own)] > 1) best = free_.back();
    return best;
  }

  void move(int32_t node, int32_t to) {
    const int32_t from = community_[at(node)];
    sums_[at(from)].degree -= network_.degree[at(node)];
    if (--sizes_[at(from)] == 0) {
      sums_[at(from)].degree = 0;
      free_.push_back(from);
    }
    if (sizes_[at(to)]++ == 0) free_.pop_back();
    sums_[at(to)].degree += network_.degree[at(node)];
    community_[at(node)] = to;
  }

  const Network& network_;
  const double gamma_;
  std::vector<int32_t>& community_;
  std::vector<Sums> sums_;
  std::vector<int32_t> sizes_;
  std::vector<uint8_t> waits_;
  std::vector<int32_t> ring_;
  std::vector<int32_t> near_;
  std::vector<int32_t> free_;  // numbers of empty communities
};

// One round: local move, refinement, aggregation, until every aggregate is a community of its own.
void improve(const Network& base, const LeidenOptions& options, Rng& rng,
             std::vector<int32_t>& community) {
  const double gamma = options.resolution / base.total_degree;
  const double theta = options.theta * base.mean_weight;
  std::vector<int32_t> aggregate_of(community.size());  // of every node of the base
  std::iota(aggregate_of.begin(), aggregate_of.end(), 0);
  std::vector<int32_t> coarse = community;  // of the aggregates
  Network aggregated;
  const Network* network = &base;
  while (true) {
    LocalMove(*network, gamma, coarse).run(rng);
    const int32_t count = renumber(coarse);
    if (count == network->nodes()) break;
    std::vector<int32_t> refined = refine(*network, coarse, count, gamma, theta, rng);
    int32_t parts = renumber(refined);
    if (parts == network->nodes()) {
      // Randomness merged nothing: go on with the communities themselves, split where they are not
      // connected.
      refined = connected_parts(*network, coarse);
      parts = renumber(refined);
      if (parts == network->nodes()) {
        coarse = refined;
        break;
      }
    }
    std::vector<int32_t> next(at(parts));
    for (size_t i = 0; i < refined.size(); ++i) next[at(refined[i])] = coarse[i];
    for (int32_t& id : aggregate_of) id = refined[at(id)];
    aggregated = aggregate(*network, refined, parts);
    network = &aggregated;
    coarse = std::move(next);
  }
  for (size_t i = 0; i < community.size(); ++i) community[i] = coarse[at(aggregate_of[i])];
}

}  // namespace

double modularity(const CsrGraph& graph, std::span<const int32_t> community, double resolution) {
  check(graph, {.resolution = resolution});
  check_communities(graph, community, 0);
  std::vector<double> inside(2 * community.size(), 0.0), degree(2 * community.size(), 0.0);
  double total = 0;
  for (int32_t node = 0; node < graph.nodes(); ++node) {
    const int32_t own = community[at(node)];
    for (int64_t arc = graph.arc_begin(node); arc < graph.arc_end(node); ++arc) {
      const int32_t target = graph.target(arc);
      const double weight = graph.weight(arc) * (target == node ? 2 : 1);
      degree[at(own)] += weight;
      if (community[at(target)] == own) inside[at(own)] += weight;
      total += weight;
    }
  }
  double sum = 0;
  for (size_t id = 0; id < inside.size(); ++id) {
    sum += inside[id] / total - resolution * (degree[id] / total) * (degree[id] / total);
  }
  return total > 0 ? sum : 0.0;
}

Partition leiden(const CsrGraph& graph, const LeidenOptions& options,
                 std::span<const int32_t> start) {
  check(graph, options);
  if (!start.empty()) check_communities(graph, start, -1);
  const Network base = network_of(graph);
  Partition best;
  best.community.assign(at(base.nodes()), -1);
  if (!start.empty()) best.community.assign(start.begin(), start.end());
  alone_where_needed(base, best.community);
  if (graph.arcs() == 0 || base.total_degree == 0) {
    best.count = renumber(best.community);
    return best;
  }
  Rng rng(options.seed);
  const int limit = options.iterations == 0 ? kIterationsMax : options.iterations;
  double before = modularity(graph, best.community, options.resolution);
  while (best.iterations < limit) {
    improve(base, options, rng, best.community);
    ++best.iterations;
    if (options.iterations > 0) continue;
    const double after = modularity(graph, best.community, options.resolution);
    const bool stable = after - before < kStableGain;
    before = after;
    if (stable) break;
  }
  // Every aggregate is connected, so this changes nothing but what rounding may have let through.
  best.community = connected_parts(base, best.community);
  best.count = renumber(best.community);
  best.modularity = modularity(graph, best.community, options.resolution);
  return best;
}

}  // namespace ondol::ground::graph
