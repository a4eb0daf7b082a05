// Text to the terms of the lexical index: the same for documents and questions.
//
//   Analyzer analyzer;                        // one a thread
//   analyzer.terms("The ovens were heated")   // "the", "oven", "were", "heated"
//   analyzer.terms("온돌을 데운다")            // "온돌", "데운다", "데운", "운다", ...
//
// Text is folded (NFKC, case), cut into words, then by writing system:
//   Latin   possessive 's off, plural s off (stemmer.h); numbers lose their group commas
//   Hangul  the word without its particle, and every pair of neighbouring syllables of the whole
//           word, so that a question of two syllables finds them inside longer words
//   Han, kana  pairs of neighbouring characters; a single one stands alone
//   others  the folded word
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/segment.h"

namespace ondol::ground {

struct AnalysisOptions {
  bool stem = true;
  // English function words go, unless nothing else is there ("Who are The Who?"). For questions:
  // the index keeps every word.
  bool drop_stop_words = false;
};

class Analyzer {
 public:
  explicit Analyzer(AnalysisOptions options = {}) : options_(options) {}
  std::vector<std::string> terms(std::string_view utf8) const;
  // Changes whenever the same text would give other terms: part of what decides "nothing to do".
  static std::string version();

 private:
  std::vector<std::string> analyze(std::string_view utf8, bool drop_stop_words) const;

  AnalysisOptions options_;
  text::Segmenter segmenter_;
};

// A Hangul word and what it is without each particle it may end in, the longest first: at least two
// syllables stay. Other words: themselves alone.
std::vector<std::string_view> particle_stems(std::string_view folded_word);

// A function word of English; `folded_word` as fold_for_search gives it.
bool is_stop_word(std::string_view folded_word);

}  // namespace ondol::ground
