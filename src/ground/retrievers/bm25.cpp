#include "ground/retrievers/retrievers.h"

namespace ondol::ground {
namespace {

class Bm25Retriever final : public Retriever {
 public:
  Bm25Retriever(const RetrieverConfig& config, Corpus& corpus) : config_(config), corpus_(corpus) {}
  std::string_view kind() const override { return "bm25"; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    std::vector<std::vector<Evidence>> results;
    for (const Query& query : queries) {
      const auto best = corpus_.search_bm25(query, k, config_.bm25_k1, config_.bm25_b);
      results.push_back(corpus_.resolve(query, best, kind()));
    }
    return results;
  }

 private:
  RetrieverConfig config_;
  Corpus& corpus_;
};

}  // namespace

std::unique_ptr<Retriever> make_bm25_retriever(const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<Bm25Retriever>(config, corpus);
}

}  // namespace ondol::ground
