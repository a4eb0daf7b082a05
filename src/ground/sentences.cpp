#include "ground/sentences.h"

#include "text/segment.h"

namespace ondol::ground {
namespace {

// "J." at the end of a text: what follows is the rest of a name, most likely.
bool ends_with_initial(std::string_view text) {
  const size_t n = text.size();
  return n >= 2 && text[n - 1] == '.' && text[n - 2] >= 'A' && text[n - 2] <= 'Z' &&
         (n < 3 || text[n - 3] == ' ' || text[n - 3] == '.');
}

std::vector<text::Span> whole_sentences(std::string_view body) {
  std::vector<text::Span> out;
  for (const text::Span& span : text::Segmenter().sentences(body)) {
    if (!out.empty() && ends_with_initial(body.substr(0, out.back().to))) {
      out.back().to = span.to;
    } else {
      out.push_back(span);
    }
  }
  return out;
}

}  // namespace

std::vector<PlacedSentence> placed_sentences(std::string_view utf8, int64_t first) {
  std::vector<PlacedSentence> all;
  size_t at = 0;
  int64_t point = first;
  for (const text::Span& span : whole_sentences(utf8)) {
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
