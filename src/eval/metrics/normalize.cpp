#include <algorithm>
#include <array>

#include "eval/metrics.h"
#include "eval/metrics/script.h"
#include "text/fold.h"

namespace ondol::eval {
namespace {

// Python's string.punctuation, which SQuAD's script removes, and every other Unicode punctuation.
bool is_dropped(char32_t c) {
  constexpr std::u32string_view kAscii = U"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  return c < 0x80 ? kAscii.find(c) != std::u32string_view::npos : text::is_punctuation(c);
}

// The point inside a number and the sign before it carry meaning.
bool is_part_of_number(const std::u32string& text, size_t i) {
  const bool digit_after = i + 1 < text.size() && is_digit(text[i + 1]);
  if (text[i] == '.') return digit_after && i > 0 && is_digit(text[i - 1]);
  return text[i] == '-' && digit_after && (i == 0 || text[i - 1] == ' ');
}

bool is_article(std::string_view word) { return word == "a" || word == "an" || word == "the"; }

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

// Particles and copulas at the end of Korean words, longest first (standard grammar; only those
// that mark a role and change no meaning).
constexpr std::array<std::u32string_view, 42> kEndings = {
    U"이었습니다", U"였습니다", U"입니다만", U"이랍니다", U"이에요", U"입니다", U"이라고",
    U"으로는",     U"에서는",   U"에게는",   U"에게서",   U"으로서", U"으로써", U"까지는",
    U"부터는",     U"이다",     U"예요",     U"에요",     U"라고",   U"에서",   U"에게",
    U"까지",       U"부터",     U"으로",     U"로는",     U"에는",   U"와는",   U"과는",
    U"만큼",       U"처럼",     U"은",       U"는",       U"이",     U"가",     U"을",
    U"를",         U"의",       U"에",       U"로",       U"와",     U"과",     U"도"};

std::u32string without_ending(std::u32string word) {
  for (const std::u32string_view ending : kEndings) {
    // A one-syllable ending may as well be the end of a short noun ("나이"): leave two characters.
    const size_t stem_min = ending.size() == 1 ? 2 : 1;
    if (word.size() >= ending.size() + stem_min && word.ends_with(ending)) {
      word.resize(word.size() - ending.size());
      return word;
    }
  }
  return word;
}

template <class Predicate>
bool any_of(std::string_view utf8, Predicate predicate) {
  const std::u32string points = text::to_code_points(utf8);
  return std::any_of(points.begin(), points.end(), predicate);
}

}  // namespace

bool has_hangul(std::string_view utf8) { return any_of(utf8, is_hangul); }
bool has_han_or_kana(std::string_view utf8) { return any_of(utf8, is_han_or_kana); }

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  size_t at = 0;
  while ((at = text.find_first_not_of(" \t\r\n\v\f", at)) != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(" \t\r\n\v\f", at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::vector<std::string> overlap_units(const std::string& normalized) {
  if (!has_han_or_kana(normalized)) return split_words(normalized);
  std::vector<std::string> units;
  for (const char32_t c : text::to_code_points(normalized)) {
    if (c != ' ') text::append_utf8(units.emplace_back(), c);
  }
  return units;
}

std::string normalize_answer(std::string_view text) {
  const std::string folded = text::nfkc_casefold(text);
  const std::u32string points = text::to_code_points(folded);
  std::string kept;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!is_dropped(points[i]) || is_part_of_number(points, i)) text::append_utf8(kept, points[i]);
  }
  std::vector<std::string> words = split_words(kept);
  std::erase_if(words, is_article);
  return words.empty() ? join(split_words(folded)) : join(words);
}

std::string normalize_korean(std::string_view text) {
  std::vector<std::string> words = split_words(normalize_answer(text));
  for (std::string& word : words) {
    const std::u32string points = text::to_code_points(word);
    if (points.empty() || !is_hangul(points.back())) continue;
    word.clear();
    for (const char32_t c : without_ending(points)) text::append_utf8(word, c);
  }
  return join(words);
}

}  // namespace ondol::eval
