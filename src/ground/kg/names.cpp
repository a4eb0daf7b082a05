#include "ground/kg/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/fold.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using store::KgTerm;
using store::KgTermKind;

// Names kept at a time: an export goes through millions.
constexpr size_t kNamesKept = 65536;
// Wikidata names its properties on the entity, and uses another IRI in the triples.
constexpr std::string_view kWikidataDirect = "http://www.wikidata.org/prop/direct/";
constexpr std::string_view kWikidataEntity = "http://www.wikidata.org/entity/";

bool is_apostrophe(char32_t c) { return c == U'\'' || c == U'’'; }

bool is_letter_or_digit(char32_t c) {
  const text::Script script = text::script_of(c);
  return script != text::Script::kCommon;
}

// "s" after the apostrophe at `at`, and no letter behind it.
bool is_possessive(const std::u32string& letters, size_t at) {
  return is_apostrophe(letters[at]) && at > 0 && at + 1 < letters.size() &&
         letters[at + 1] == U's' &&
         (at + 2 == letters.size() || !is_letter_or_digit(letters[at + 2]));
}

// A date or time loses what says nothing: "1952-03-11T00:00:00Z" is a day.
std::string literal_text(const KgTerm& term) {
  constexpr std::string_view kMidnight = "T00:00:00Z";
  if (term.text.ends_with(kMidnight) && term.datatype.ends_with("#dateTime")) {
    return term.text.substr(0, term.text.size() - kMidnight.size());
  }
  return term.text;
}

}  // namespace

std::string fold_name(std::string_view name) {
  const std::u32string letters = text::to_code_points(text::nfkc_casefold(name));
  std::string out;
  bool blank = false;
  for (size_t i = 0; i < letters.size(); ++i) {
    if (is_possessive(letters, i)) {
      ++i;
      continue;
    }
    const char32_t c = letters[i];
    if (c == U' ' || c == U'\t' || c == U'\n' || c == U'\r' || text::is_punctuation(c)) {
      blank = !out.empty();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    text::append_code_point(out, c);
  }
  return out.empty() ? text::nfkc_casefold(name) : out;  // a name of nothing but signs
}

std::string short_id(std::string_view iri) {
  const size_t end = iri.find_last_of("/#");
  if (end == std::string_view::npos || end + 1 == iri.size()) return std::string(iri);
  return std::string(iri.substr(end + 1));
}

std::string readable_id(std::string_view iri) {
  const std::string id = short_id(iri);
  std::string out;
  for (size_t i = 0; i < id.size(); ++i) {
    const char c = id[i];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool after_lower = i > 0 && id[i - 1] >= 'a' && id[i - 1] <= 'z';
    if (upper && after_lower) out += ' ';
    out += c == '_' ? ' ' : upper && after_lower ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

Namer::Namer(store::KnowledgeGraph& graph, std::vector<std::string> languages)
    : graph_(graph), languages_(std::move(languages)) {}

std::string Namer::best_label(store::KgTermId id) {
  const std::vector<store::KgLabel> labels = graph_.labels_of(id);
  const auto place = [&](const store::KgLabel& label) {
    const auto wanted = std::find(languages_.begin(), languages_.end(), label.language);
    return std::pair(label.rank, wanted - languages_.begin());
  };
  const auto best = std::min_element(
      labels.begin(), labels.end(),
      [&](const auto& a, const auto& b) { return place(a) < place(b); });  // the first of equals
  return best == labels.end() ? "" : best->label;
}

std::string Namer::label(store::KgTermId id, const KgTerm& term) {
  std::string found = best_label(id);
  if (found.empty() && term.text.starts_with(kWikidataDirect)) {
    found = best_label(store::kg_term_id(
        {.text = std::string(kWikidataEntity) + term.text.substr(kWikidataDirect.size())}));
  }
  return found.empty() ? readable_id(term.text) : found;
}

std::string Namer::name(store::KgTermId id, const KgTerm& term) {
  if (term.kind == KgTermKind::kLiteral) return literal_text(term);
  const auto known = known_.find(id);
  if (known != known_.end()) return known->second;
  if (known_.size() >= kNamesKept) known_.clear();
  return known_[id] = label(id, term);
}

std::string Namer::plain(const store::KgFact& fact) {
  return fmt::format("{} - {} - {}", name(fact.triple.subject, fact.subject),
                     name(fact.triple.predicate, fact.predicate),
                     name(fact.triple.object, fact.object));
}

std::string Namer::sentence(const store::KgFact& fact) {
  std::string ids = short_id(fact.subject.text);
  if (fact.object.kind == KgTermKind::kIri) ids += ", " + short_id(fact.object.text);
  return fmt::format("{} ({})", plain(fact), ids);
}

}  // namespace ondol::ground
