#include "ground/entity_neighbours.h"

#include <algorithm>
#include <set>

#include "ground/document.h"
#include "store/vector_index.h"

namespace ondol::ground {
namespace {

constexpr size_t kTextsAtATime = 64;

using NamePair = std::pair<store::EntityName, store::EntityName>;

NamePair ordered(const store::EntityName& a, const store::EntityName& b) {
  return a < b ? NamePair{a, b} : NamePair{b, a};
}

// What needs no proposal: decided by a person, or proposed on better grounds.
std::set<NamePair> settled(const ResolvedGraph& graph, std::span<const store::Merge> log) {
  std::set<NamePair> out;
  for (const store::Merge& merge : log) out.insert(ordered(merge.from, merge.into));
  for (const store::Merge& merge : graph.names.doubtful) {
    out.insert(ordered(merge.from, merge.into));
  }
  return out;
}

bool may_be_one(const GraphEntity& a, const GraphEntity& b) {
  const bool classes = a.name.type.empty() || b.name.type.empty() || a.name.type == b.name.type;
  return classes && same_numbers(a.name.key, b.name.key);
}

}  // namespace

std::vector<store::Merge> near_names(const ResolvedGraph& graph, std::span<const store::Merge> log,
                                     Embedder& embedder, const NeighbourOptions& options,
                                     ProgressSink& progress) {
  std::vector<int32_t> asked;
  for (size_t e = 0; e < graph.graph->entities().size(); ++e) {
    const GraphEntity& entity = graph.graph->entities()[e];
    if (!entity.hub && embedder_reads(embedder, entity.label)) {
      asked.push_back(static_cast<int32_t>(e));
    }
  }
  const auto at = [&](int32_t e) -> const GraphEntity& {
    return graph.graph->entities()[static_cast<size_t>(e)];
  };
  std::vector<std::vector<float>> vectors;
  store::ExactVectorIndex index(embedder.id(), embedder.dimensions());
  for (size_t begin = 0; begin < asked.size(); begin += kTextsAtATime) {
    progress.update("names", begin, asked.size());
    std::vector<std::string> texts;
    for (size_t i = begin; i < std::min(begin + kTextsAtATime, asked.size()); ++i) {
      texts.push_back(at(asked[i]).label);
    }
    for (auto& vector : embedder.embed(texts, {.truncate = true}).vectors) {
      index.add(asked[vectors.size()], vector);
      vectors.push_back(std::move(vector));
    }
  }
  progress.update("names", asked.size(), asked.size());
  std::set<NamePair> known = settled(graph, log);
  std::vector<store::Merge> pairs;
  for (size_t i = 0; i < asked.size(); ++i) {
    const GraphEntity& one = at(asked[i]);
    for (const store::Neighbor& near : index.search(vectors[i], options.nearest + 1)) {
      const GraphEntity& other = at(static_cast<int32_t>(near.id));
      if (near.id == asked[i] || near.score < options.cosine_min || !may_be_one(one, other) ||
          !known.insert(ordered(one.name, other.name)).second) {
        continue;
      }
      const bool keep_one =
          one.passages != other.passages ? one.passages > other.passages : one.name < other.name;
      pairs.push_back({0, keep_one ? other.name : one.name, keep_one ? one.name : other.name,
                       "meaning", std::min(near.score, 1.0)});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const store::Merge& a, const store::Merge& b) { return a.score > b.score; });
  if (pairs.size() > options.pairs_max) pairs.resize(options.pairs_max);
  return pairs;
}

}  // namespace ondol::ground
