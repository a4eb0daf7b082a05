// Tier 3: a larger model, here or behind an endpoint, names the entities of a passage, the facts
// that it states and the claims that it makes (MS graphrag's covariates), each with a quote. It
// writes names freely, so everything that it says is looked up in the passage:
// - a name that is not in the text or the title is not taken, nor is a fact or claim of one;
// - a quote that is not in the text proves nothing: its fact is not taken;
// - a thing's fact with itself, a relation that the ontology does not allow between the two
// classes,
//   what was copied from the example of the prompt: not taken.
// What is left out is counted by its reason. A call that failed leaves the chunk to be read again.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "ground/entity_name.h"
#include "ground/extractors/extractors.h"
#include "ground/extractors/text_finder.h"
#include "ground/sentences.h"
#include "ground/validity.h"

namespace ondol::ground {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kVersion = "1";
constexpr int64_t kTokensMax = 2048;
constexpr int64_t kEntitiesMax = 24;
constexpr int64_t kFactsMax = 16;
constexpr int64_t kClaimsMax = 6;
constexpr int64_t kNameLetters = 80;
constexpr int64_t kQuoteLetters = 300;
constexpr size_t kPlacesMax = 20;  // of a name in a chunk

// The example of the prompt: names that are in no document.
constexpr std::array<const char*, 2> kExampleNames = {"Alma Quist-Rue", "Harrowby Glass Mill"};

Json text_schema(int64_t letters) { return {{"type", "string"}, {"maxLength", letters}}; }

Json object_schema(const Json& properties) {
  Json required = Json::array();
  for (const auto& [key, value] : properties.items()) required.push_back(key);
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

Json list_schema(const Json& item, int64_t most) {
  return {{"type", "array"}, {"maxItems", most}, {"items", item}};
}

std::string schema_of(const Ontology& ontology) {
  Json classes = {""}, relations = Json::array();
  for (const OntologyClass& one : ontology.classes) classes.push_back(one.name);
  std::set<std::string> seen;
  for (const OntologyRelation& relation : ontology.relations) {
    if (seen.insert(relation_words(relation)).second) relations.push_back(relation_words(relation));
  }
  const Json name = text_schema(kNameLetters), quote = text_schema(kQuoteLetters),
             date = text_schema(10);
  const Json entity = object_schema({{"name", name}, {"class", {{"enum", classes}}}});
  const Json fact = object_schema({{"subject", name},
                                   {"relation", {{"enum", relations}}},
                                   {"object", name},
                                   {"quote", quote},
                                   {"from", date},
                                   {"to", date}});
  const Json claim = object_schema({{"subject", name},
                                    {"object", name},
                                    {"type", text_schema(40)},
                                    {"status", {{"enum", {"true", "false", "suspected"}}}},
                                    {"claim", quote},
                                    {"quote", quote},
                                    {"from", date},
                                    {"to", date}});
  return object_schema({{"entities", list_schema(entity, kEntitiesMax)},
                        {"facts", list_schema(fact, kFactsMax)},
                        {"claims", list_schema(claim, kClaimsMax)}})
      .dump();
}

std::string relations_text(const Ontology& ontology) {
  std::string text;
  for (const OntologyRelation& relation : ontology.relations) {
    text += "- " + relation_words(relation);
    for (size_t i = 0; i < relation.patterns.size(); ++i) {
      const auto side = [](const std::string& name) { return name.empty() ? "anything" : name; };
      text += fmt::format("{}{} to {}", i == 0 ? ": " : ", or ", side(relation.patterns[i].subject),
                          side(relation.patterns[i].object));
    }
    text += "\n";
  }
  return text;
}

std::string system_text(const Ontology& ontology) {
  std::string classes;
  for (const OntologyClass& one : ontology.classes) {
    classes += (classes.empty() ? "" : ", ") + one.name;
  }
  return fmt::format(
      "You read a passage and write down, as JSON, what it states and nothing else.\n"
      "entities: the names in the passage, as the passage writes them, each with a class ({}; \"\" "
      "if none fits).\n"
      "facts: which relation the passage states between two of these names. Relations:\n{}"
      "quote: the words of the passage that state the fact, copied letter by letter. from, to: "
      "dates (YYYY-MM-DD, YYYY-MM or YYYY) between which the fact holds, \"\" if the passage gives "
      "none.\n"
      "claims: what somebody is said to have done or to be responsible for; object \"\" if it is "
      "about nobody else; type in one or two words; status as the passage has it.\n"
      "Use the language of the passage. Empty lists are good answers.",
      classes, relations_text(ontology));
}

Json example_answer(const std::string& relation) {
  const std::string quote = fmt::format("{} {} {}", kExampleNames[0], relation, kExampleNames[1]);
  return {
      {"entities",
       {{{"name", kExampleNames[0]}, {"class", ""}}, {{"name", kExampleNames[1]}, {"class", ""}}}},
      {"facts",
       {{{"subject", kExampleNames[0]},
         {"relation", relation},
         {"object", kExampleNames[1]},
         {"quote", quote},
         {"from", "1911"},
         {"to", ""}}}},
      {"claims", Json::array()}};
}

Prompt prompt_of(const ChunkText& chunk, const Ontology& ontology) {
  const std::string relation = relation_words(ontology.relations.front());
  const auto passage = [](const std::string& title, const std::string& heading,
                          const std::string& text) {
    return "Title: " + title + (heading.empty() ? "" : " > " + heading) + "\n\nPassage:\n" + text;
  };
  const std::string example = fmt::format("It was cold. Since 1911 {} {} {}.", kExampleNames[0],
                                          relation, kExampleNames[1]);
  Prompt prompt;
  prompt.messages = {{"system", system_text(ontology), {}},
                     {"user", passage("An example", "", example), {}},
                     {"assistant", example_answer(relation).dump(), {}},
                     {"user", passage(chunk.title, chunk.heading, chunk.text), {}}};
  return prompt;
}

// What a model said of one chunk, looked up in it.
class Reading {
 public:
  Reading(const ChunkText& chunk, const OntologyIndex& ontology,
          const std::map<std::string, const OntologyRelation*>& relations, store::Extraction& out)
      : chunk_(chunk),
        ontology_(ontology),
        relations_(relations),
        finder_(chunk.text),
        title_(chunk.title),
        sentences_(placed_sentences(chunk.text)),
        out_(out) {}

  void take(const Json& said) {
    for (const Json& row : said.at("entities")) {
      name(row.at("name").get<std::string>(), row.at("class").get<std::string>());
    }
    for (const Json& row : said.at("facts")) fact(row);
    for (const Json& row : said.at("claims")) claim(row);
  }

 private:
  void reject(const char* why) { ++out_.rejected[why]; }

  bool from_example(const std::string& surface) const {
    return std::any_of(kExampleNames.begin(), kExampleNames.end(), [&](const char* example) {
      return entity_key(surface) == entity_key(example);
    });
  }

  // The entity of a name that is in the text or the title; null: it is not, and was counted.
  const store::EntityName* name(const std::string& surface, const std::string& type) {
    const std::string key = entity_key(surface);
    if (key.empty()) return reject("a name has no letters or digits"), nullptr;
    const auto known = names_.find(key);
    if (known != names_.end()) return &known->second;
    const std::vector<TextRange> places = finder_.all(surface, kPlacesMax);
    if (places.empty() && title_.all(surface, 1).empty()) {
      reject(from_example(surface) ? "copied from the prompt's example" : "the name is not there");
      return nullptr;
    }
    const store::EntityName entity{key, type};
    for (const TextRange& place : places) {
      out_.mentions.push_back(
          {entity, surface, place.char_from, place.char_to, sentence_at(place.char_from)});
    }
    if (places.empty()) out_.mentions.push_back({entity, surface, 0, 0, 0});
    return &names_.emplace(key, entity).first->second;
  }

  int32_t sentence_at(int64_t place) const {
    for (size_t i = 0; i < sentences_.size(); ++i) {
      if (place < sentences_[i].char_to) return static_cast<int32_t>(i);
    }
    return 0;
  }

  std::string date(const Json& row, const char* key) {
    const std::string text = row.at(key).get<std::string>();
    if (text.empty() || is_date(text)) return text;
    reject("a date is none");
    return "";
  }

  void fact(const Json& row) {
    const store::EntityName* subject = name(row.at("subject").get<std::string>(), "");
    const store::EntityName* object =
        subject ? name(row.at("object").get<std::string>(), "") : nullptr;
    if (object == nullptr) return;
    if (*subject == *object) return reject("both ends are the same");
    const auto quote = finder_.first(row.at("quote").get<std::string>());
    if (!quote) return reject("the quote is not in the text");
    const OntologyRelation& relation = *relations_.at(row.at("relation").get<std::string>());
    const TypedTriple triple{subject->key, subject->type, relation.name, object->key, object->type};
    if (!ontology_.check(triple).empty()) return reject("the ontology does not allow it");
    out_.facts.push_back({*subject, relation.name, *object, quote->char_from, quote->char_to, 1.0,
                          date(row, "from"), date(row, "to")});
  }

  void claim(const Json& row) {
    const store::EntityName* subject = name(row.at("subject").get<std::string>(), "");
    if (subject == nullptr) return;
    const std::string about = row.at("object").get<std::string>();
    const store::EntityName* object = about.empty() ? nullptr : name(about, "");
    if (!about.empty() && object == nullptr) return;
    const auto quote = finder_.first(row.at("quote").get<std::string>());
    if (!quote) return reject("the quote is not in the text");
    const std::string text = row.at("claim").get<std::string>();
    if (text.empty()) return reject("a claim says nothing");
    out_.claims.push_back({*subject, object ? *object : store::EntityName{},
                           row.at("type").get<std::string>(), row.at("status").get<std::string>(),
                           text, date(row, "from"), date(row, "to"), quote->char_from,
                           quote->char_to});
  }

  const ChunkText& chunk_;
  const OntologyIndex& ontology_;
  const std::map<std::string, const OntologyRelation*>& relations_;
  TextFinder finder_, title_;
  std::vector<PlacedSentence> sentences_;
  store::Extraction& out_;
  std::map<std::string, store::EntityName> names_;
};

class OpenExtractor final : public Extractor {
 public:
  explicit OpenExtractor(const ExtractorResources& resources)
      : resources_(resources),
        schema_(schema_of(resources.ontology->ontology())),
        version_(model_version(resources, kVersion)) {
    if (!resources.generator->capabilities().json_schema ||
        resources.ontology->ontology().relations.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[graph] extractor 'open' needs a model that follows a JSON Schema and an "
                  "ontology with relations; try 'names'");
    }
    for (const OntologyRelation& relation : resources.ontology->ontology().relations) {
      by_words_.emplace(relation_words(relation), &relation);
    }
  }
  std::string name() const override { return "open"; }
  std::string version() const override { return version_; }

  std::vector<store::Extraction> extract_all(std::span<const ChunkText> chunks) const override {
    std::vector<AskedChunk> asked;
    for (const ChunkText& chunk : chunks) {
      GenerateRequest request;
      request.prompt = prompt_of(chunk, resources_.ontology->ontology());
      request.tokens_max = kTokensMax;
      request.json_schema = schema_;
      if (chunk.id != 0) request.sources = {chunk.id};
      ask_of_chunk(*resources_.generator, std::move(request), asked);
    }
    std::vector<store::Extraction> all;
    for (size_t i = 0; i < chunks.size(); ++i) {
      store::Extraction out{.extractor = name(), .version = version_};
      if (const auto sample = answer_of_chunk(asked[i], out)) read(*sample, chunks[i], out);
      all.push_back(std::move(out));
    }
    return all;
  }

 private:
  void read(const GeneratedSample& sample, const ChunkText& chunk, store::Extraction& out) const {
    const Json said = Json::parse(sample.text, nullptr, false);
    if (said.is_discarded()) {
      ++out.rejected[fmt::format("answer cut ({})", sample.finish_reason)];
      return;
    }
    try {
      Reading(chunk, *resources_.ontology, by_words_, out).take(said);
    } catch (const std::exception&) {  // a generator that did not keep to the schema
      out = {.extractor = name(), .version = version_};
      ++out.rejected["the answer is not what was asked for"];
    }
  }

  ExtractorResources resources_;
  std::string schema_;
  std::map<std::string, const OntologyRelation*> by_words_;
  std::string version_;
};

}  // namespace

std::unique_ptr<Extractor> make_open_extractor(const ExtractorResources& resources) {
  return std::make_unique<OpenExtractor>(resources);
}

}  // namespace ondol::ground
