#include "ground/graph/leiden_refine.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ondol::ground::graph {
namespace {

// MergeNodesSubset of the paper for all communities. Part numbers are those of the node that the
// part began with.
class Refinement {
 public:
  Refinement(const Network& network, std::span<const int32_t> community, double gamma, double theta)
      : network_(network),
        community_(community),
        gamma_(gamma),
        theta_(theta),
        part_(community.size()),
        alone_(community.size(), 1),
        parts_(community.size()) {
    std::iota(part_.begin(), part_.end(), 0);
  }

  void merge(std::span<const int32_t> nodes, Rng& rng) {
    double degree = 0;
    for (const int32_t node : nodes) degree += network_.degree[at(node)];
    for (const int32_t node : nodes) {
      double outside = 0;
      for (int64_t arc = network_.begin(node); arc < network_.end(node); ++arc) {
        const int32_t target = network_.targets[at(arc)];
        if (community_[at(target)] == community_[at(node)]) outside += network_.weights[at(arc)];
      }
      parts_[at(node)] = {.degree = network_.degree[at(node)], .outside = outside};
    }
    for (const int32_t node : nodes) {
      if (alone_[at(node)] != 0 && well_connected(parts_[at(node)], degree)) {
        merge_node(node, degree, rng);
      }
    }
  }

  std::vector<int32_t> take() { return std::move(part_); }

 private:
  struct Part {
    double degree = 0.0;     // of its nodes
    double outside = 0.0;    // weight between it and the rest of its community
    double from_node = 0.0;  // weight between it and the node at hand
  };
  struct Choice {
    int32_t part;
    double gain;
  };

  // The weight to the rest of the community is at least what chance would put there.
  bool well_connected(const Part& part, double community_degree) const {
    return part.outside >= gamma_ * part.degree * (community_degree - part.degree);
  }

  void merge_node(int32_t node, double community_degree, Rng& rng) {
    near_.clear();
    for (int64_t arc = network_.begin(node); arc < network_.end(node); ++arc) {
      const int32_t target = network_.targets[at(arc)];
      if (community_[at(target)] != community_[at(node)]) continue;
      const int32_t part = part_[at(target)];
      if (parts_[at(part)].from_node == 0) near_.push_back(part);
      parts_[at(part)].from_node += network_.weights[at(arc)];
    }
    choices_.assign(1, {node, 0.0});
    double highest = 0;
    const double cost = gamma_ * network_.degree[at(node)];
    for (const int32_t id : near_) {
      const Part& part = parts_[at(id)];
      const double gain = part.from_node - cost * part.degree;
      if (gain < 0 || !well_connected(part, community_degree)) continue;
      choices_.push_back({id, gain});
      highest = std::max(highest, gain);
    }
    const int32_t chosen = choices_.size() == 1 ? node : choose(highest, rng);
    if (chosen != node) join(node, chosen);
    for (const int32_t id : near_) parts_[at(id)].from_node = 0;
  }

  // Probability proportional to exp(gain / theta); relative to the highest, so that it is finite.
  int32_t choose(double highest, Rng& rng) {
    constexpr double kNever = -40;  // exp(-40) < 1e-17
    double sum = 0;
    size_t kept = 0;
    for (const Choice& choice : choices_) {
      const double exponent = (choice.gain - highest) / theta_;
      if (exponent < kNever) continue;
      sum += std::exp(exponent);
      choices_[kept++] = {choice.part, sum};
    }
    if (kept == 1) return choices_[0].part;
    const double drawn = rng.uniform() * sum;
    for (size_t i = 0; i < kept; ++i) {
      if (drawn < choices_[i].gain) return choices_[i].part;
    }
    return choices_[kept - 1].part;
  }

  void join(int32_t node, int32_t to) {
    Part& part = parts_[at(to)];
    const Part& mine = parts_[at(node)];
    part.outside += mine.outside - 2 * part.from_node;
    part.degree += mine.degree;
    part_[at(node)] = to;
    alone_[at(to)] = 0;
  }

  const Network& network_;
  std::span<const int32_t> community_;
  const double gamma_;
  const double theta_;
  std::vector<int32_t> part_;
  std::vector<uint8_t> alone_;  // no other node joined the part that this node began
  std::vector<Part> parts_;
  std::vector<int32_t> near_;
  std::vector<Choice> choices_;
};

}  // namespace

std::vector<int32_t> refine(const Network& network, std::span<const int32_t> community,
                            int32_t communities, double gamma, double theta, Rng& rng) {
  const std::vector<int32_t> order = random_order(network.nodes(), rng);
  const Groups groups = group_by(community, communities, order);
  Refinement refinement(network, community, gamma, theta);
  for (int32_t id = 0; id < communities; ++id) {
    const auto begin = at(groups.begin[at(id)]);
    const auto count = at(groups.begin[at(id) + 1]) - begin;
    if (count == 1) continue;
    refinement.merge(std::span<const int32_t>(groups.nodes).subspan(begin, count), rng);
  }
  return refinement.take();
}

}  // namespace ondol::ground::graph
