#include <algorithm>
#include <array>
#include <map>

#include "ground/retrievers/retrievers.h"

namespace ondol::ground {
namespace {

std::vector<ScoredChunk> best_of(const std::map<store::ChunkId, double>& scores, size_t k) {
  std::vector<ScoredChunk> all;
  for (const auto& [id, score] : scores) all.push_back({id, score});
  std::stable_sort(all.begin(), all.end(), [](const ScoredChunk& a, const ScoredChunk& b) {
    return a.score > b.score;  // stable over ascending ids
  });
  all.resize(std::min(k, all.size()));
  return all;
}

void add_normalized(const std::vector<ScoredChunk>& list, double weight,
                    std::map<store::ChunkId, double>& scores) {
  if (list.empty()) return;
  const auto [low, high] = std::minmax_element(
      list.begin(), list.end(),
      [](const ScoredChunk& a, const ScoredChunk& b) { return a.score < b.score; });
  const double range = high->score - low->score;
  for (const ScoredChunk& chunk : list) {
    scores[chunk.id] += weight * (range > 0 ? (chunk.score - low->score) / range : 1.0);
  }
}

class HybridRetriever final : public Retriever {
 public:
  HybridRetriever(const RetrieverConfig& config, Corpus& corpus)
      : config_(config), corpus_(corpus) {}
  std::string_view kind() const override { return "hybrid"; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const size_t depth = std::max(k, static_cast<size_t>(config_.candidates));
    const auto vectors = corpus_.search_vectors(queries, depth);
    std::vector<std::vector<Evidence>> results;
    for (size_t i = 0; i < queries.size(); ++i) {
      std::array lists = {corpus_.search_bm25(queries[i], depth, config_.bm25_k1, config_.bm25_b),
                          vectors[i]};
      const auto best = config_.fusion == "convex"
                            ? fuse_convex(lists[0], lists[1], config_.vector_weight, k)
                            : fuse_reciprocal_ranks(lists, config_.rrf_constant, k);
      results.push_back(corpus_.resolve(queries[i], best, kind()));
    }
    return results;
  }

 private:
  RetrieverConfig config_;
  Corpus& corpus_;
};

}  // namespace

std::vector<ScoredChunk> fuse_reciprocal_ranks(std::span<const std::vector<ScoredChunk>> lists,
                                               double constant, size_t k) {
  std::map<store::ChunkId, double> scores;
  for (const std::vector<ScoredChunk>& list : lists) {
    for (size_t i = 0; i < list.size(); ++i) {
      scores[list[i].id] += 1.0 / (constant + static_cast<double>(i + 1));
    }
  }
  return best_of(scores, k);
}

std::vector<ScoredChunk> fuse_convex(const std::vector<ScoredChunk>& lexical,
                                     const std::vector<ScoredChunk>& vector, double vector_weight,
                                     size_t k) {
  std::map<store::ChunkId, double> scores;
  add_normalized(lexical, 1.0 - vector_weight, scores);
  add_normalized(vector, vector_weight, scores);
  return best_of(scores, k);
}

std::unique_ptr<Retriever> make_hybrid_retriever(const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<HybridRetriever>(config, corpus);
}

}  // namespace ondol::ground
