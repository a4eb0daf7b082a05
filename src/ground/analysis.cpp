#include "ground/analysis.h"

#include <algorithm>
#include <array>
#include <string>

#include "ground/particles.h"
#include "ground/stemmer.h"

namespace ondol::ground {
namespace {

// Function words of English questions and prose.
constexpr std::array<std::string_view, 37> kStopWords = {
    "a",     "an",    "and",  "are",  "as",   "at",   "be",  "but",  "by",   "did",
    "do",    "does",  "for",  "from", "how",  "in",   "is",  "it",   "its",  "of",
    "on",    "or",    "that", "the",  "this", "to",   "was", "were", "what", "when",
    "where", "which", "who",  "whom", "why",  "will", "with"};

constexpr size_t kSyllableBytes = 3;  // of a Hangul syllable or Han character in UTF-8

text::Script first_script(std::string_view word) {
  size_t at = 0;
  return text::script_of(text::next_code_point(word, at));
}

std::vector<std::string_view> characters(std::string_view word) {
  std::vector<std::string_view> out;
  for (size_t at = 0; at < word.size();) {
    const size_t from = at;
    text::next_code_point(word, at);
    out.push_back(word.substr(from, at - from));
  }
  return out;
}

void add_bigrams(std::string_view word, std::vector<std::string>& out) {
  const std::vector<std::string_view> letters = characters(word);
  for (size_t i = 0; i + 1 < letters.size(); ++i) {
    out.emplace_back(std::string(letters[i]) + std::string(letters[i + 1]));
  }
}

void add_korean(std::string_view word, std::vector<std::string>& out) {
  const std::string_view stem = without_particle(word);
  // A stem of two syllables is its own bigram: indexed once.
  if (stem.size() != 2 * kSyllableBytes) out.emplace_back(stem);
  // Nouns of one syllable ("방을") must be found by themselves ("방").
  const std::string_view last = word.substr(word.size() - kSyllableBytes);
  if (word.size() == 2 * kSyllableBytes &&
      (last == "은" || last == "는" || last == "을" || last == "를")) {
    out.emplace_back(word.substr(0, kSyllableBytes));
  }
  add_bigrams(word, out);
}

bool is_number(std::string_view word) {
  return std::all_of(word.begin(), word.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == ','; });
}

std::string latin_term(std::string word, bool stem) {
  if (is_number(word)) {
    std::erase(word, ',');
    return word;
  }
  for (const std::string_view suffix : {"'s", "’s", "'", "’"}) {
    if (word.ends_with(suffix)) {
      word.resize(word.size() - suffix.size());
      break;
    }
  }
  return stem ? stem_english(word) : word;
}

}  // namespace

std::vector<std::string> Analyzer::terms(std::string_view utf8) const {
  std::vector<std::string> out = analyze(utf8, options_.drop_stop_words);
  return out.empty() && options_.drop_stop_words ? analyze(utf8, false) : out;
}

std::vector<std::string> Analyzer::analyze(std::string_view utf8, bool drop_stop_words) const {
  const std::string folded = text::fold_for_search(utf8);
  std::vector<std::string> out;
  for (const text::Span& span : segmenter_.words(folded)) {
    const std::string_view word = std::string_view(folded).substr(span.from, span.to - span.from);
    switch (first_script(word)) {
      case text::Script::kHangul:
        add_korean(word, out);
        break;
      case text::Script::kHan:
      case text::Script::kKana:
        if (characters(word).size() == 1) out.emplace_back(word);
        add_bigrams(word, out);
        break;
      case text::Script::kLatin:
      case text::Script::kDigit: {
        if (drop_stop_words && is_stop_word(word)) break;
        out.push_back(latin_term(std::string(word), options_.stem));
        break;
      }
      default:
        out.emplace_back(word);
    }
  }
  return out;
}

bool is_stop_word(std::string_view folded_word) {
  return std::find(kStopWords.begin(), kStopWords.end(), folded_word) != kStopWords.end();
}

std::string Analyzer::version() { return "2"; }

}  // namespace ondol::ground
