// The sentences of a text with their places.
//
//   for (const PlacedSentence& s : placed_sentences(chunk.text, chunk.char_from)) ...
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ondol::ground {

struct PlacedSentence {
  std::string_view text;  // of the text given, which must outlive it
  int64_t char_from = 0;  // code points
  int64_t char_to = 0;
};

// By text::Segmenter, but not cut after an initial ("J. K. Rowling"); `first` is the place of the
// text's first code point. Linear.
std::vector<PlacedSentence> placed_sentences(std::string_view utf8, int64_t first = 0);

}  // namespace ondol::ground
