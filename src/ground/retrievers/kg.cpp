#include "ground/kg/facts.h"
#include "ground/retrievers/retrievers.h"

namespace ondol::ground {
namespace {

// Facts are ranked by the embedder's cosine where it reads the question, else by shared words.
class KgRetriever final : public Retriever {
 public:
  explicit KgRetriever(Corpus& corpus) : corpus_(corpus) {}
  std::string_view kind() const override { return "kg"; }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    std::vector<std::vector<Evidence>> results;
    for (const Query& query : queries) {
      TextSimilarity similarity;
      if (corpus_.embeds(query.text)) {
        similarity = [this](const std::string& question, std::span<const std::string> texts) {
          return corpus_.cosines(question, texts);
        };
      }
      results.push_back(find_facts(*corpus_.knowledge(), query, similarity, k));
    }
    return results;
  }

 private:
  Corpus& corpus_;
};

}  // namespace

std::unique_ptr<Retriever> make_kg_retriever(const RetrieverConfig&, Corpus& corpus) {
  return std::make_unique<KgRetriever>(corpus);
}

}  // namespace ondol::ground
