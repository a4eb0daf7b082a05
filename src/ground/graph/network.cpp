#include "ground/graph/network.h"

#include <array>
#include <numeric>

namespace ondol::ground::graph {

Network network_of(const CsrGraph& graph) {
  Network network;
  network.offsets.push_back(0);
  network.targets.reserve(at(graph.arcs()));
  network.weights.reserve(at(graph.arcs()));
  for (int32_t node = 0; node < graph.nodes(); ++node) {
    double degree = graph.strength(node);
    for (int64_t arc = graph.arc_begin(node); arc < graph.arc_end(node); ++arc) {
      if (graph.target(arc) == node) {
        degree += graph.weight(arc);
        continue;
      }
      network.targets.push_back(graph.target(arc));
      network.weights.push_back(graph.weight(arc));
    }
    network.offsets.push_back(static_cast<int64_t>(network.targets.size()));
    network.degree.push_back(degree);
    network.total_degree += degree;
  }
  network.mean_weight = graph.mean_weight();
  return network;
}

Network aggregate(const Network& network, std::span<const int32_t> part_of, int32_t parts) {
  std::vector<int32_t> order(part_of.size());
  std::iota(order.begin(), order.end(), 0);
  const Groups groups = group_by(part_of, parts, order);
  Network coarse;
  coarse.offsets.reserve(at(parts) + 1);
  coarse.offsets.push_back(0);
  coarse.degree.assign(at(parts), 0.0);
  std::vector<double> weight_to(at(parts), 0.0);
  for (int32_t part = 0; part < parts; ++part) {
    const size_t first = coarse.targets.size();
    for (int64_t i = groups.begin[at(part)]; i < groups.begin[at(part) + 1]; ++i) {
      const int32_t node = groups.nodes[at(i)];
      coarse.degree[at(part)] += network.degree[at(node)];
      for (int64_t arc = network.begin(node); arc < network.end(node); ++arc) {
        const int32_t target = part_of[at(network.targets[at(arc)])];
        if (target == part) continue;
        if (weight_to[at(target)] == 0) coarse.targets.push_back(target);
        weight_to[at(target)] += network.weights[at(arc)];
      }
    }
    for (size_t i = first; i < coarse.targets.size(); ++i) {
      coarse.weights.push_back(weight_to[at(coarse.targets[i])]);
      weight_to[at(coarse.targets[i])] = 0;
    }
    coarse.offsets.push_back(static_cast<int64_t>(coarse.targets.size()));
  }
  coarse.total_degree = network.total_degree;
  coarse.mean_weight = network.mean_weight;
  return coarse;
}

int32_t renumber(std::vector<int32_t>& numbers) {
  std::vector<int32_t> now(2 * numbers.size(), -1);
  int32_t count = 0;
  for (int32_t& number : numbers) {
    int32_t& mine = now[at(number)];
    if (mine < 0) mine = count++;
    number = mine;
  }
  return count;
}

Groups group_by(std::span<const int32_t> number_of, int32_t numbers,
                std::span<const int32_t> order) {
  Groups groups;
  groups.begin.assign(at(numbers) + 1, 0);
  for (const int32_t number : number_of) ++groups.begin[at(number) + 1];
  std::partial_sum(groups.begin.begin(), groups.begin.end(), groups.begin.begin());
  std::vector<int64_t> next(groups.begin.begin(), groups.begin.end() - 1);
  groups.nodes.resize(number_of.size());
  for (const int32_t node : order) groups.nodes[at(next[at(number_of[at(node)])]++)] = node;
  return groups;
}

std::vector<int32_t> random_order(int32_t count, Rng& rng) {
  std::vector<int32_t> order(at(count));
  std::iota(order.begin(), order.end(), 0);
  // Whole blocks of random words: a draw of Rng's makes a block for each. The bias of a product
  // instead of a rejection is below count / 2^32.
  const uint64_t seed = rng.next_u64();
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed),
                                       static_cast<uint32_t>(seed >> 32)};
  std::array<uint32_t, 4> words{};
  for (size_t i = order.size(); i > 1; --i) {
    if (i % 4 == 3 || i == order.size())
      words = philox4x32({static_cast<uint32_t>(i), 0, 0, 0}, key);
    const uint64_t place = (uint64_t{words[i % 4]} * i) >> 32;
    std::swap(order[i - 1], order[at(place)]);
  }
  return order;
}

std::vector<int32_t> connected_parts(const Network& network, std::span<const int32_t> community) {
  std::vector<int32_t> part(community.size(), -1);
  std::vector<int32_t> queue;
  int32_t parts = 0;
  for (int32_t first = 0; first < network.nodes(); ++first) {
    if (part[at(first)] >= 0) continue;
    part[at(first)] = parts;
    queue.assign(1, first);
    while (!queue.empty()) {
      const int32_t node = queue.back();
      queue.pop_back();
      for (int64_t arc = network.begin(node); arc < network.end(node); ++arc) {
        const int32_t target = network.targets[at(arc)];
        if (part[at(target)] >= 0 || community[at(target)] != community[at(node)]) continue;
        part[at(target)] = parts;
        queue.push_back(target);
      }
    }
    ++parts;
  }
  return part;
}

void alone_where_needed(const Network& network, std::vector<int32_t>& community) {
  const int64_t nodes = network.nodes();
  std::vector<int32_t> now(at(2 * nodes), -1);
  int32_t count = 0;
  for (int32_t node = 0; node < nodes; ++node) {
    int32_t& mine = community[at(node)];
    if (mine < 0 || network.degree[at(node)] == 0) {
      mine = count++;
      continue;
    }
    if (now[at(mine)] < 0) now[at(mine)] = count++;
    mine = now[at(mine)];
  }
}

}  // namespace ondol::ground::graph
