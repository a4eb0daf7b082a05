#include "ground/stemmer.h"

#include <algorithm>
#include <string_view>

namespace ondol::ground {
namespace {

bool is_consonant(std::string_view word, size_t at) {
  switch (word[at]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
      return false;
    case 'y':
      return at == 0 || !is_consonant(word, at - 1);
    default:
      return true;
  }
}

// Porter's m: how often a vowel run is followed by a consonant run.
int measure(std::string_view stem) {
  int count = 0;
  bool after_vowel = false;
  for (size_t i = 0; i < stem.size(); ++i) {
    const bool consonant = is_consonant(stem, i);
    if (consonant && after_vowel) ++count;
    after_vowel = !consonant;
  }
  return count;
}

bool has_vowel(std::string_view stem) {
  for (size_t i = 0; i < stem.size(); ++i) {
    if (!is_consonant(stem, i)) return true;
  }
  return false;
}

bool ends_double_consonant(std::string_view stem) {
  const size_t n = stem.size();
  return n >= 2 && stem[n - 1] == stem[n - 2] && is_consonant(stem, n - 1);
}

// Porter's *o: consonant, vowel, consonant at the end, the last none of w, x, y.
bool ends_short_syllable(std::string_view stem) {
  const size_t n = stem.size();
  if (n < 3 || !is_consonant(stem, n - 3) || is_consonant(stem, n - 2)) return false;
  const char last = stem[n - 1];
  return is_consonant(stem, n - 1) && last != 'w' && last != 'x' && last != 'y';
}

void plural(std::string& word) {
  if (word.ends_with("sses") || word.ends_with("ies")) {
    word.resize(word.size() - 2);
  } else if (word.ends_with("s") && !word.ends_with("ss")) {
    word.pop_back();
  }
}

void past_and_progressive(std::string& word) {
  if (word.ends_with("eed")) {
    if (measure(std::string_view(word).substr(0, word.size() - 3)) > 0) word.pop_back();
    return;
  }
  size_t cut = 0;
  if (word.ends_with("ed")) cut = 2;
  if (word.ends_with("ing")) cut = 3;
  if (cut == 0 || !has_vowel(std::string_view(word).substr(0, word.size() - cut))) return;
  word.resize(word.size() - cut);
  if (word.ends_with("at") || word.ends_with("bl") || word.ends_with("iz")) {
    word += 'e';
  } else if (ends_double_consonant(word) && !word.ends_with("l") && !word.ends_with("s") &&
             !word.ends_with("z")) {
    word.pop_back();
  } else if (measure(word) == 1 && ends_short_syllable(word)) {
    word += 'e';
  }
}

}  // namespace

std::string stem_english(std::string word) {
  const bool plain =
      std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (word.size() <= 2 || !plain) return word;
  plural(word);
  past_and_progressive(word);
  if (word.ends_with("y") && has_vowel(std::string_view(word).substr(0, word.size() - 1))) {
    word.back() = 'i';
  }
  return word;
}

}  // namespace ondol::ground
