#include "ground/retrievers/retrievers.h"

namespace ondol::ground {
namespace {

class VectorRetriever final : public Retriever {
 public:
  explicit VectorRetriever(Corpus& corpus) : corpus_(corpus) {}
  std::string_view kind() const override { return "vector"; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    std::vector<std::vector<Evidence>> results;
    const auto found = corpus_.search_vectors(queries, k);
    for (size_t i = 0; i < queries.size(); ++i) {
      results.push_back(corpus_.resolve(queries[i], found[i], kind()));
    }
    return results;
  }

 private:
  Corpus& corpus_;
};

}  // namespace

std::unique_ptr<Retriever> make_vector_retriever(const RetrieverConfig&, Corpus& corpus) {
  return std::make_unique<VectorRetriever>(corpus);
}

}  // namespace ondol::ground
