// Tier 2: a model writes facts under a grammar that leaves it nothing to invent. It is shown the
// chunk's sentences and names with numbers and can write only
//
//   [{"p":1,"s":1,"r":"works for","o":2}, ...]
//
// where p is the number of the sentence that proves it, s and o those of two names in that sentence
// and r a relation of the ontology. The quote is the sentence, so it always stands in the text.
// What the grammar cannot say is checked afterwards, rejected and counted: the two must differ, and
// the ontology must allow the relation.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "base/error.h"
#include "ground/extractors/extractors.h"

namespace ondol::ground {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kNamesMax = 20;
constexpr size_t kSentencesMax = 20;
constexpr int64_t kFactsMax = 8;
constexpr int64_t kTokensAFact = 28;
constexpr const char* kVersion = "4";

using Relations = std::span<const OntologyRelation>;

// Of every sentence that names two things: facts between its own names.
std::string schema_of(const NamedChunk& chunk, size_t sentences, Relations relations) {
  Json words = Json::array();
  std::set<std::string> seen;
  for (const OntologyRelation& relation : relations) {
    if (seen.insert(relation_words(relation)).second) words.push_back(relation_words(relation));
  }
  Json facts = Json::array();
  for (size_t p = 0; p < sentences; ++p) {
    for (const size_t subject : chunk.sentences[p].names) {
      Json others = Json::array();
      for (const size_t n : chunk.sentences[p].names) {
        if (n != subject) others.push_back(n + 1);
      }
      if (others.empty()) continue;
      facts.push_back({{"type", "object"},
                       {"properties",
                        {{"p", {{"const", p + 1}}},
                         {"s", {{"const", subject + 1}}},
                         {"r", {{"enum", words}}},
                         {"o", {{"enum", others}}}}},
                       {"required", {"p", "s", "r", "o"}},
                       {"additionalProperties", false}});
    }
  }
  return Json{{"type", "array"}, {"maxItems", kFactsMax}, {"items", {{"anyOf", facts}}}}.dump();
}

std::string task_text(const std::vector<std::string>& sentences,
                      const std::vector<std::string>& names, Relations relations) {
  std::string text = "Sentences:\n";
  for (size_t i = 0; i < sentences.size(); ++i)
    text += fmt::format("{}. {}\n", i + 1, sentences[i]);
  text += "\nNames:\n";
  for (size_t i = 0; i < names.size(); ++i) text += fmt::format("{}. {}\n", i + 1, names[i]);
  text += "\nRelations: ";
  for (size_t i = 0; i < relations.size(); ++i) {
    text += (i ? ", " : "") + relation_words(relations[i]);
  }
  return text +
         "\n\nList the facts that the sentences state, as JSON: p is the number of the sentence, s "
         "that of the first name, r the relation, o the number of the second name.";
}

// One worked example shows the form. Its names cannot come back: the grammar has numbers only.
Prompt prompt_of(const NamedChunk& chunk, size_t sentences, Relations relations) {
  std::vector<std::string> lines, names;
  for (size_t i = 0; i < sentences; ++i) lines.push_back(chunk.sentences[i].text);
  for (const store::Mention& name : chunk.names) names.push_back(name.surface);
  const std::string relation = relation_words(relations.front());
  const std::string example = task_text({"It was cold.", "Alma Rue " + relation + " Harrow Mill."},
                                        {"Alma Rue", "Harrow Mill"}, relations);
  Prompt prompt;
  prompt.messages = {
      {"system", "You read sentences and list the facts in them.", {}},
      {"user", example, {}},
      {"assistant", fmt::format(R"([{{"p":2,"s":1,"r":"{}","o":2}}])", relation), {}},
      {"user", task_text(lines, names, relations), {}}};
  return prompt;
}

class ConstrainedExtractor final : public Extractor {
 public:
  explicit ConstrainedExtractor(const ExtractorResources& resources)
      : resources_(resources),
        relations_(resources.ontology->ontology().relations),
        version_(model_version(resources, kVersion)) {
    if (!resources.generator->capabilities().json_schema || relations_.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[graph] extractor 'constrained' needs a model that follows a JSON Schema "
                  "and an ontology with relations; try 'names'");
    }
    for (const OntologyRelation& relation : relations_) {
      by_words_.emplace(relation_words(relation), &relation);
    }
  }
  std::string name() const override { return "constrained"; }
  std::string version() const override { return version_; }

  std::vector<store::Extraction> extract_all(std::span<const ChunkText> chunks) const override {
    std::vector<NamedChunk> named;
    std::vector<AskedChunk> asked;
    for (const ChunkText& chunk : chunks) {
      named.push_back(named_chunk(chunk, kNamesMax));
      ask(named.back(), chunk.id, asked);
    }
    std::vector<store::Extraction> all;
    for (size_t i = 0; i < chunks.size(); ++i) {
      store::Extraction out{.extractor = name(), .version = version_};
      if (const auto sample = answer_of_chunk(asked[i], out)) read(*sample, named[i], out);
      all.push_back(std::move(out));
    }
    return all;
  }

 private:
  // Nothing is asked where there is nothing to relate.
  void ask(const NamedChunk& chunk, store::ChunkId id, std::vector<AskedChunk>& asked) const {
    const size_t sentences = std::min(chunk.sentences.size(), kSentencesMax);
    bool pair = false;
    for (size_t i = 0; i < sentences; ++i) pair = pair || chunk.sentences[i].names.size() >= 2;
    if (!pair) {
      asked.emplace_back();
      return;
    }
    GenerateRequest request;
    request.prompt = prompt_of(chunk, sentences, relations_);
    request.tokens_max = kFactsMax * kTokensAFact + 8;
    if (id != 0) request.sources = {id};
    request.json_schema = schema_of(chunk, sentences, relations_);
    ask_of_chunk(*resources_.generator, std::move(request), asked);
  }

  void read(const GeneratedSample& sample, const NamedChunk& chunk, store::Extraction& out) const {
    Json rows = Json::parse(sample.text, nullptr, false);
    if (rows.is_discarded()) {
      // The grammar allows no other text, so the answer was cut. That is a failure, not silence.
      ++out.rejected[fmt::format("answer cut ({})", sample.finish_reason)];
      return;
    }
    for (const Json& row : rows) {
      const size_t s = row.at("s").get<size_t>() - 1, o = row.at("o").get<size_t>() - 1;
      const NamedSentence& proof = chunk.sentences.at(row.at("p").get<size_t>() - 1);
      const OntologyRelation& relation = *by_words_.at(row.at("r"));
      const std::string wrong = refusal(proof, s, o);
      if (!wrong.empty()) {
        ++out.rejected[wrong];
        continue;
      }
      state_fact(*resources_.ontology, chunk, proof, s, o, relation, 1.0, out);
    }
  }

  // The grammar writes no such fact; what a model said is looked at once more.
  static std::string refusal(const NamedSentence& proof, size_t s, size_t o) {
    if (s == o) return "both ends are the same";
    const auto has = [&](size_t n) {
      return std::find(proof.names.begin(), proof.names.end(), n) != proof.names.end();
    };
    if (!has(s) || !has(o)) return "the sentence does not name both ends";
    return "";
  }

  ExtractorResources resources_;
  Relations relations_;
  std::map<std::string, const OntologyRelation*> by_words_;
  std::string version_;
};

}  // namespace

std::unique_ptr<Extractor> make_constrained_extractor(const ExtractorResources& resources) {
  return std::make_unique<ConstrainedExtractor>(resources);
}

}  // namespace ondol::ground
