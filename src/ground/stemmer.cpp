#include "ground/stemmer.h"

#include <algorithm>

namespace ondol::ground {

std::string stem_english(std::string word) {
  const bool plain =
      std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (word.size() <= 3 || !plain) return word;
  if (word.ends_with("ies")) {
    if (!word.ends_with("eies") && !word.ends_with("aies")) {
      word.replace(word.size() - 3, 3, "y");  // "stories" -> "story"
    }
  } else if (word.ends_with("sses")) {
    word.resize(word.size() - 2);  // "glasses" -> "glass"
  } else if (word.ends_with("s") && !word.ends_with("ss") && !word.ends_with("us")) {
    word.pop_back();
  }
  return word;
}

}  // namespace ondol::ground
