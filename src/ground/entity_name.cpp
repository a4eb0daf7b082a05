#include "ground/entity_name.h"

#include <array>

#include "ground/particles.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

bool is_hangul(std::string_view word) {
  for (size_t at = 0; at < word.size();) {
    if (text::script_of(text::next_code_point(word, at)) != text::Script::kHangul) return false;
  }
  return !word.empty();
}

// "kim's" and "kim’s" fold to words cut at the apostrophe or kept with it: both endings go.
std::string_view without_possessive(std::string_view word) {
  for (const std::string_view suffix : {"'s", "’s", "'", "’"}) {
    if (word.ends_with(suffix) && word.size() > suffix.size()) {
      return word.substr(0, word.size() - suffix.size());
    }
  }
  return word;
}

std::string make_key(std::string_view surface, bool particle_off) {
  static const text::Segmenter segmenter;  // const use is thread-safe: every call clones its rules
  const std::string folded = text::fold_for_search(surface);
  std::vector<std::string_view> words;
  for (const text::Span& span : segmenter.words(folded)) {
    words.push_back(std::string_view(folded).substr(span.from, span.to - span.from));
  }
  constexpr std::array<std::string_view, 3> kArticles = {"the", "a", "an"};
  if (words.size() > 1) {
    for (const std::string_view article : kArticles) {
      if (words.front() == article) {
        words.erase(words.begin());
        break;
      }
    }
  }
  std::string key;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = without_possessive(words[i]);
    if (!particle_off && i + 1 == words.size() && is_hangul(word)) word = without_particle(word);
    if (!key.empty()) key += ' ';
    key += word;
  }
  return key;
}

}  // namespace

std::string entity_key(std::string_view surface) { return make_key(surface, false); }
std::string entity_key_of_stem(std::string_view surface) { return make_key(surface, true); }

std::vector<std::string_view> key_words(std::string_view key) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < key.size();) {
    const size_t blank = std::min(key.find(' ', at), key.size());
    words.push_back(key.substr(at, blank - at));
    at = blank + 1;
  }
  return words;
}

}  // namespace ondol::ground
