// Tier 1: which relation of the ontology a sentence states between two of its names, chosen by the
// likelihood of saying so. The model writes nothing, so it can invent nothing.
//
// Of each relation the sentence "A RELATION B." is scored after the text and after no text. The
// difference is how much the text speaks for it; what is likely anyway counts for nothing
// (domain-conditional pointwise mutual information, Holtzman et al. 2021). It must beat "A is only
// named beside B." by a margin.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "ground/extractors/extractors.h"

namespace ondol::ground {
namespace {

constexpr size_t kNamesMax = 20;
constexpr size_t kPairsMax = 6;  // of a sentence
constexpr double kMargin = 2.0;  // nats over the null sentence
constexpr const char* kVersion = "2";
constexpr const char* kNull = " is only named beside ";

class ChoiceExtractor final : public Extractor {
 public:
  explicit ChoiceExtractor(const ExtractorResources& resources)
      : resources_(resources),
        relations_(resources.ontology->ontology().relations),
        version_(model_version(resources, kVersion)) {
    if (!resources.generator->capabilities().score || relations_.empty()) {
      throw Error(
          ErrorCode::kInvalidArgument,
          "[graph] extractor 'choices' needs a model that gives likelihoods and an ontology "
          "with relations; try 'names'");
    }
  }
  std::string name() const override { return "choices"; }
  std::string version() const override { return version_; }

  std::vector<store::Extraction> extract_all(std::span<const ChunkText> chunks) const override {
    std::vector<store::Extraction> all;
    for (const ChunkText& chunk : chunks) all.push_back(read(named_chunk(chunk, kNamesMax)));
    return all;
  }

 private:
  store::Extraction read(const NamedChunk& chunk) const {
    store::Extraction out{.extractor = name(), .version = version_};
    for (const NamedSentence& sentence : chunk.sentences) {
      size_t pairs = 0;
      for (size_t i = 0; i < sentence.names.size(); ++i) {
        for (size_t j = 0; j < sentence.names.size() && pairs < kPairsMax; ++j) {
          if (i == j) continue;
          ++pairs;
          relate(chunk, sentence, sentence.names[i], sentence.names[j], out);
        }
      }
    }
    return out;
  }

  void relate(const NamedChunk& chunk, const NamedSentence& sentence, size_t s, size_t o,
              store::Extraction& out) const {
    const std::string& subject = chunk.names[s].surface;
    const std::string& object = chunk.names[o].surface;
    std::vector<std::string> says = {kNull + object + "."};
    for (const OntologyRelation& relation : relations_) {
      says.push_back(" " + relation_words(relation) + " " + object + ".");
    }
    const std::string question = fmt::format("How {} stands to {}: {}", subject, object, subject);
    const auto with = resources_.generator->score(
        {.prompt = RawText{"Text: " + sentence.text + "\n" + question}, .continuations = says});
    const auto without =
        resources_.generator->score({.prompt = RawText{question}, .continuations = says});
    const auto support = [&](size_t i) {
      return with[i].log_likelihood - without[i].log_likelihood;
    };
    size_t best = 1;
    for (size_t i = 2; i < says.size(); ++i) {
      if (support(i) > support(best)) best = i;
    }
    const double margin = support(best) - support(0);
    if (margin < kMargin) {
      ++out.rejected["no relation is clear"];
      return;
    }
    state_fact(*resources_.ontology, chunk, sentence, s, o, relations_[best - 1],
               1.0 / (1.0 + std::exp(-margin)), out);
  }

  ExtractorResources resources_;
  std::span<const OntologyRelation> relations_;
  std::string version_;
};

}  // namespace

std::unique_ptr<Extractor> make_choice_extractor(const ExtractorResources& resources) {
  return std::make_unique<ChoiceExtractor>(resources);
}

}  // namespace ondol::ground
