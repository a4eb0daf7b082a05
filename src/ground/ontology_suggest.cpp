#include "ground/ontology_suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "ground/extractors/function_words.h"
#include "ground/sentences.h"
#include "text/fold.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWordsMax = 5;        // of a relation
constexpr size_t kParticleMax = 3;     // syllables between two Korean names
constexpr size_t kPredicateWords = 2;  // behind the second Korean name
constexpr int64_t kAnswerTokens = 120;
constexpr int64_t kClassLetters = 30;

struct Place {
  int64_t from = 0, to = 0;
  int32_t entity = 0;
};

// The names of every passage in order of place, none inside another.
std::vector<std::vector<Place>> places_of(const EntityGraph& graph) {
  std::vector<std::vector<Place>> all(graph.passages().size());
  for (size_t e = 0; e < graph.entities().size(); ++e) {
    for (const GraphPlace& mention : graph.entities()[e].mentions) {
      if (mention.char_to == 0) continue;
      all[static_cast<size_t>(mention.passage)].push_back(
          {mention.char_from, mention.char_to, static_cast<int32_t>(e)});
    }
  }
  for (std::vector<Place>& places : all) {
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
      return a.from != b.from ? a.from < b.from : a.to > b.to;
    });
    std::vector<Place> apart;
    for (const Place& place : places) {
      if (apart.empty() || place.from >= apart.back().to) apart.push_back(place);
    }
    places = std::move(apart);
  }
  return all;
}

bool is_hangul(char32_t c) { return c >= U'\uAC00' && c <= U'\uD7A3'; }
bool is_blank(char32_t c) { return c == U' ' || c == U'\n' || c == U'\t'; }

std::vector<std::string> words_of(std::u32string_view codes) {
  std::vector<std::string> words(1);
  for (const char32_t c : codes) {
    if (is_blank(c)) {
      if (!words.back().empty()) words.emplace_back();
    } else {
      text::append_utf8(words.back(), c);
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::string join(const std::vector<std::string>& words, const char* between) {
  return fmt::format("{}", fmt::join(words, between));
}

bool is_determiner(const std::string& word) {
  static const std::set<std::string> kWords = {"the", "a",   "an",    "its",  "his",
                                               "her", "our", "their", "this", "that"};
  return kWords.contains(word);
}

// English words between two names; empty: they are no relation.
std::string english_relation(std::u32string_view gap) {
  for (const char32_t c : gap) {
    const bool letter = (c >= U'a' && c <= U'z') || c == U'-';
    if (!letter && !is_blank(c)) return "";
  }
  std::vector<std::string> words = words_of(gap);
  for (const std::string& word : words) {
    if (word.front() == '-' || word.back() == '-') return "";  // "Port Kellin - Vasker"
  }
  while (!words.empty() && is_determiner(words.back())) words.pop_back();
  while (!words.empty() && is_determiner(words.front())) words.erase(words.begin());
  if (words.empty() || words.size() > kWordsMax) return "";
  const bool says = std::any_of(words.begin(), words.end(),
                                [](const auto& word) { return !is_english_edge_word(word); });
  const bool joins_sentences = words.front() == "and" || words.front() == "or" ||
                               words.front() == "but" || words.front() == "while";
  return says && !joins_sentences ? join(words, " ") : "";
}

// Korean: what follows the second name up to the end of the sentence, if only a particle stands
// between the two.
std::string korean_relation(std::u32string_view gap, std::u32string_view rest) {
  const size_t particle = std::min(gap.find(U' '), gap.size());
  if (particle == 0 || particle > kParticleMax) return "";
  for (size_t i = 0; i < gap.size(); ++i) {
    if (i < particle ? !is_hangul(gap[i]) : !is_blank(gap[i])) return "";
  }
  while (!rest.empty() && !is_hangul(rest.back())) rest.remove_suffix(1);
  if (rest.empty() || !is_hangul(rest.front())) return "";  // no particle behind the second name
  const std::vector<std::string> words = words_of(rest);
  for (const char32_t c : rest) {
    if (!is_hangul(c) && !is_blank(c)) return "";
  }
  return words.size() >= 2 && words.size() <= kPredicateWords + 1 ? join(words, " ") : "";
}

struct Gathered {
  std::set<std::pair<int32_t, int32_t>> pairs;
  std::vector<std::string> examples;
  std::vector<store::ChunkId> chunks;
};

class Gatherer {
 public:
  Gatherer(const EntityGraph& graph, const SuggestionOptions& options)
      : graph_(graph), options_(options) {}

  void passage(int32_t number, const std::string& body, const std::vector<Place>& places) {
    const std::u32string codes = text::to_code_points(body);
    const std::u32string_view all(codes);
    size_t next = 0;
    for (const PlacedSentence& sentence : placed_sentences(body)) {
      while (next < places.size() && places[next].from < sentence.char_from) ++next;
      for (size_t i = next; i + 1 < places.size() && places[i + 1].to <= sentence.char_to; ++i) {
        const Place &a = places[i], &b = places[i + 1];
        if (a.entity == b.entity || b.from < a.to) continue;
        const auto cut = [&](int64_t from, int64_t to) {
          return all.substr(static_cast<size_t>(from), static_cast<size_t>(to - from));
        };
        const std::u32string_view gap = cut(a.to, b.from);
        std::string words = english_relation(gap);
        if (words.empty()) words = korean_relation(gap, cut(b.to, sentence.char_to));
        if (!words.empty()) note(words, a, b, number, sentence);
      }
    }
  }

  std::map<std::string, Gathered> found;

 private:
  void note(const std::string& words, const Place& a, const Place& b, int32_t passage,
            const PlacedSentence& sentence) {
    Gathered& one = found[words];
    const bool fresh = one.pairs.insert({a.entity, b.entity}).second;
    if (!fresh || one.examples.size() >= options_.examples) return;
    one.examples.emplace_back(sentence.text);
    one.chunks.push_back(graph_.passages()[static_cast<size_t>(passage)]);
  }

  const EntityGraph& graph_;
  const SuggestionOptions& options_;
};

// Of "Harrow Glass Mill" the class "Mill"; empty: no name of several capitalised words.
std::string head_of(const std::string& label) {
  const std::vector<std::string> words = words_of(text::to_code_points(label));
  if (words.size() < 2) return "";
  for (const std::string& word : words) {
    if (word[0] < 'A' || word[0] > 'Z') return "";
  }
  const std::string& last = words.back();
  const bool letters =
      std::all_of(last.begin() + 1, last.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return letters && last.size() > 2 ? last : "";
}

std::string name_of(const std::string& words) {
  std::string name = words;
  std::replace(name.begin(), name.end(), ' ', '_');
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void put_classes(const EntityGraph& graph, const SuggestionOptions& options,
                 OntologySuggestion& out) {
  std::map<std::string, SuggestedClass> heads;
  for (const GraphEntity& entity : graph.entities()) {
    const std::string& typed = entity.name.type;
    const std::string head = typed.empty() ? head_of(entity.label) : typed;
    if (head.empty()) continue;
    SuggestedClass& one = heads[head];
    one.name = head;
    ++one.names;
    if (one.examples.size() < options.examples + 1) one.examples.push_back(entity.label);
  }
  for (auto& [head, one] : heads) {
    if (one.names >= options.names_min) out.classes.push_back(std::move(one));
  }
  std::stable_sort(out.classes.begin(), out.classes.end(),
                   [](const auto& a, const auto& b) { return a.names > b.names; });
  if (out.classes.size() > options.classes_max) out.classes.resize(options.classes_max);
  for (const SuggestedClass& one : out.classes) out.ontology.classes.push_back({.name = one.name});
}

Prompt ask_about(const SuggestedRelation& relation, const std::vector<OntologyClass>& classes) {
  std::string known;
  for (const OntologyClass& one : classes) known += (known.empty() ? "" : ", ") + one.name;
  std::string sentences;
  for (const std::string& example : relation.examples) sentences += "- " + example + "\n";
  Prompt prompt;
  prompt.messages = {
      {"system",
       "You name the kinds of things that a relation joins, with one noun each, in the language of "
       "the sentences.",
       {}},
      {"user",
       fmt::format("Relation: {}\nSentences:\n{}{}{}\n"
                   "Answer with JSON: is_relation (false if the words join no two things), subject "
                   "(the kind of the first thing, such as Person), object (of the second).",
                   relation.words, sentences, known.empty() ? "" : "Kinds so far: ", known),
       {}}};
  return prompt;
}

// Empty for a call that failed.
std::string answer_of(Generation& asked) {
  try {
    return asked.wait().samples.at(0).text;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    return "";
  }
}

std::string class_name(const Json& said, const char* key) {
  std::string name = said.value(key, "");
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

}  // namespace

OntologySuggestion suggest_ontology(const EntityGraph& graph,
                                    const std::function<std::string(int32_t passage)>& text_of,
                                    const SuggestionOptions& options) {
  OntologySuggestion out;
  Gatherer gatherer(graph, options);
  const auto places = places_of(graph);
  for (size_t p = 0; p < places.size(); ++p) {
    if (places[p].size() < 2) continue;
    const auto number = static_cast<int32_t>(p);
    gatherer.passage(number, text_of(number), places[p]);
  }
  for (auto& [words, one] : gatherer.found) {
    const auto pairs = static_cast<int64_t>(one.pairs.size());
    if (pairs < options.pairs_min) continue;
    out.relations.push_back(
        {name_of(words), words, pairs, std::move(one.examples), std::move(one.chunks)});
  }
  std::stable_sort(out.relations.begin(), out.relations.end(),
                   [](const auto& a, const auto& b) { return a.pairs > b.pairs; });
  if (out.relations.size() > options.relations_max) out.relations.resize(options.relations_max);
  for (const SuggestedRelation& one : out.relations) {
    const bool korean = is_hangul(text::to_code_points(one.words)[0]);
    out.ontology.relations.push_back(
        {.name = one.name, .labels = {{korean ? "ko" : "en", one.words}}});
  }
  put_classes(graph, options, out);
  return out;
}

void name_classes(OntologySuggestion& suggestion, CachedGenerator& model) {
  const Json name = {{"type", "string"},
                     {"minLength", 2},
                     {"maxLength", kClassLetters},
                     {"pattern", "^[A-Za-z가-힣 ]+$"}};
  const Json schema = {
      {"type", "object"},
      {"properties", {{"is_relation", {{"type", "boolean"}}}, {"subject", name}, {"object", name}}},
      {"required", {"is_relation", "subject", "object"}},
      {"additionalProperties", false}};
  std::vector<std::unique_ptr<Generation>> asked;
  for (const SuggestedRelation& relation : suggestion.relations) {
    GenerateRequest request;
    request.prompt = ask_about(relation, suggestion.ontology.classes);
    request.tokens_max = kAnswerTokens;
    request.json_schema = schema.dump();
    request.sources.assign(relation.chunks.begin(), relation.chunks.end());
    try {
      asked.push_back(model.submit(std::move(request)));
    } catch (const LimitReached&) {
      for (const auto& one : asked) answer_of(*one);  // kept for the next time
      throw;
    }
  }
  std::set<std::string> classes;
  for (const OntologyClass& one : suggestion.ontology.classes) classes.insert(one.name);
  std::vector<SuggestedRelation> kept;
  std::vector<OntologyRelation> rows;
  for (size_t i = 0; i < asked.size(); ++i) {
    OntologyRelation row = suggestion.ontology.relations[i];
    const Json said = Json::parse(answer_of(*asked[i]), nullptr, false);
    if (said.is_object() && !said.value("is_relation", true)) {
      ++suggestion.dropped;
      continue;
    }
    if (said.is_object()) {
      const std::string subject = class_name(said, "subject"), object = class_name(said, "object");
      for (const std::string& one : {subject, object}) {
        if (one.empty() || !classes.insert(one).second) continue;
        suggestion.classes.push_back({.name = one});
        suggestion.ontology.classes.push_back({.name = one});
      }
      row.patterns = {{subject, object}};
    }
    kept.push_back(std::move(suggestion.relations[i]));
    rows.push_back(std::move(row));
  }
  suggestion.relations = std::move(kept);
  suggestion.ontology.relations = std::move(rows);
}

}  // namespace ondol::ground
