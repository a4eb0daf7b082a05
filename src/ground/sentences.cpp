#include "ground/sentences.h"

#include "text/segment.h"

namespace ondol::ground {

std::vector<PlacedSentence> placed_sentences(std::string_view utf8, int64_t first) {
  const text::Segmenter segmenter;
  std::vector<PlacedSentence> all;
  size_t at = 0;
  int64_t point = first;
  for (const text::Span& span : segmenter.sentences(utf8)) {
    PlacedSentence sentence{.text = utf8.substr(span.from, span.to - span.from)};
    point += static_cast<int64_t>(text::count_code_points(utf8.substr(at, span.from - at)));
    sentence.char_from = point;
    point += static_cast<int64_t>(text::count_code_points(sentence.text));
    sentence.char_to = point;
    all.push_back(sentence);
    at = span.to;
  }
  return all;
}

}  // namespace ondol::ground
