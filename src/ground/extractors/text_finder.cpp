#include "ground/extractors/text_finder.h"

#include "text/fold.h"

namespace ondol::ground {
namespace {

bool is_blank(char32_t c) {
  return c <= U' ' || c == U'\u00A0' || (c >= U'\u2000' && c <= U'\u200B') || c == U'\u3000';
}

// Marks that are written in several ways.
char32_t plain(char32_t c) {
  switch (c) {
    case U'\u2018':
    case U'\u2019':
    case U'\u201B':
      return U'\'';
    case U'\u201C':
    case U'\u201D':
    case U'\u201E':
      return U'"';
    case U'\u2010':
    case U'\u2011':
    case U'\u2012':
    case U'\u2013':
    case U'\u2014':
    case U'\u2212':
      return U'-';
    default:
      return c;
  }
}

bool is_latin_word(char32_t c) {
  return (c >= U'a' && c <= U'z') || (c >= U'0' && c <= U'9') || (c >= U'\u00DF' && c <= U'\u024F');
}

}  // namespace

TextFinder::Folded TextFinder::fold(std::string_view text) {
  Folded out;
  int64_t place = -1;
  for (const char32_t raw : text::to_code_points(text)) {
    ++place;
    const char32_t c = plain(raw);
    if (is_blank(c)) {
      if (out.text.empty() || out.text.back() == U' ') continue;
      out.text += U' ';
      out.from.push_back(place);
      continue;
    }
    if (c < 0x80) {
      out.text += c >= U'A' && c <= U'Z' ? c + 32 : c;
      out.from.push_back(place);
      continue;
    }
    std::string one;
    text::append_utf8(one, c);
    for (const char32_t f : text::to_code_points(text::nfkc_casefold(one))) {
      out.text += f;
      out.from.push_back(place);
    }
  }
  return out;
}

TextFinder::TextFinder(std::string_view text) : folded_(fold(text)) {}

std::optional<TextRange> TextFinder::next(const std::u32string& needle, size_t& at) const {
  const size_t found = folded_.text.find(needle, at);
  if (found == std::u32string::npos) return std::nullopt;
  at = found;
  return TextRange{folded_.from[found], folded_.from[found + needle.size() - 1] + 1};
}

std::optional<TextRange> TextFinder::first(std::string_view words) const {
  std::u32string needle = fold(words).text;
  while (!needle.empty() && needle.back() == U' ') needle.pop_back();
  if (needle.empty()) return std::nullopt;
  size_t at = 0;
  return next(needle, at);
}

std::vector<TextRange> TextFinder::all(std::string_view words, size_t places_max) const {
  std::u32string needle = fold(words).text;
  while (!needle.empty() && needle.back() == U' ') needle.pop_back();
  std::vector<TextRange> places;
  if (needle.empty()) return places;
  for (size_t at = 0; places.size() < places_max; ++at) {
    const auto place = next(needle, at);
    if (!place) break;
    const size_t end = at + needle.size();
    const bool inside =
        (at > 0 && is_latin_word(folded_.text[at - 1]) && is_latin_word(needle.front())) ||
        (end < folded_.text.size() && is_latin_word(folded_.text[end]) &&
         is_latin_word(needle.back()));
    if (!inside) places.push_back(*place);
  }
  return places;
}

}  // namespace ondol::ground
