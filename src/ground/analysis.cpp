#include "ground/analysis.h"

#include <algorithm>
#include <array>
#include <string>

#include "ground/stemmer.h"

namespace ondol::ground {
namespace {

// Function words of English questions and prose.
constexpr std::array<std::string_view, 37> kStopWords = {
    "a",     "an",    "and",  "are",  "as",   "at",   "be",  "but",  "by",   "did",
    "do",    "does",  "for",  "from", "how",  "in",   "is",  "it",   "its",  "of",
    "on",    "or",    "that", "the",  "this", "to",   "was", "were", "what", "when",
    "where", "which", "who",  "whom", "why",  "will", "with"};

// Particles that close a Korean noun phrase, longest first (research/retrieval.md 2.6, 5.7).
constexpr std::array<std::string_view, 34> kParticles = {
    "에서부터", "으로부터", "에게서", "이라고", "에서는", "에서의", "으로는", "으로써", "으로서",
    "까지는",   "부터는",   "에는",   "에서",   "에게",   "에도",   "으로",   "이나",   "까지",
    "부터",     "보다",     "처럼",   "만큼",   "이라",   "라고",   "와의",   "과의",   "로",
    "은",       "는",       "을",     "를",     "의",     "에",     "도"};
// These are also common last syllables of nouns; they are taken off longer words only.
constexpr std::array<std::string_view, 6> kRiskyParticles = {"이", "가", "와", "과", "만", "들"};

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

// The word without its particle; at least two syllables stay (three for the risky ones: 아이,
// 사과).
std::string_view strip_particle(std::string_view word) {
  for (const std::string_view particle : kParticles) {
    if (word.ends_with(particle) && word.size() >= particle.size() + 2 * kSyllableBytes) {
      return word.substr(0, word.size() - particle.size());
    }
  }
  for (const std::string_view particle : kRiskyParticles) {
    if (word.ends_with(particle) && word.size() >= particle.size() + 2 * kSyllableBytes) {
      return word.substr(0, word.size() - particle.size());
    }
  }
  return word;
}

void add_korean(std::string_view word, std::vector<std::string>& out) {
  const std::string_view stem = strip_particle(word);
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

std::vector<std::string_view> particle_stems(std::string_view folded_word) {
  std::vector<std::string_view> stems = {folded_word};
  if (folded_word.empty() || first_script(folded_word) != text::Script::kHangul) return stems;
  const auto try_all = [&](const auto& particles) {
    for (const std::string_view particle : particles) {
      if (folded_word.ends_with(particle) &&
          folded_word.size() >= particle.size() + 2 * kSyllableBytes) {
        stems.push_back(folded_word.substr(0, folded_word.size() - particle.size()));
      }
    }
  };
  try_all(kParticles);
  try_all(kRiskyParticles);
  std::sort(stems.begin(), stems.end(),
            [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  stems.erase(std::unique(stems.begin(), stems.end()), stems.end());
  return stems;
}

bool is_stop_word(std::string_view folded_word) {
  return std::find(kStopWords.begin(), kStopWords.end(), folded_word) != kStopWords.end();
}

std::string Analyzer::version() { return "1"; }

}  // namespace ondol::ground
