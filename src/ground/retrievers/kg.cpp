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
          return cosines(question, texts);
        };
      }
      results.push_back(find_facts(*corpus_.knowledge(), query, similarity, k));
    }
    return results;
  }

 private:
  std::vector<double> cosines(const std::string& question, std::span<const std::string> texts) {
    std::vector<std::string> all(texts.begin(), texts.end());
    all.push_back(question);
    // A literal may be longer than the window: its beginning says what it is.
    const EmbedResult embedded = corpus_.embedder()->embed(all, {.truncate = true});
    const std::vector<float>& asked = embedded.vectors.back();
    std::vector<double> scores;
    for (size_t i = 0; i < texts.size(); ++i) {
      double sum = 0;
      for (size_t d = 0; d < asked.size(); ++d) {
        sum += static_cast<double>(asked[d]) * static_cast<double>(embedded.vectors[i][d]);
      }
      scores.push_back(sum);
    }
    return scores;
  }

  Corpus& corpus_;
};

}  // namespace

std::unique_ptr<Retriever> make_kg_retriever(const RetrieverConfig&, Corpus& corpus) {
  return std::make_unique<KgRetriever>(corpus);
}

}  // namespace ondol::ground
