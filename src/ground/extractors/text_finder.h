// Where a model's words stand in a text, though it writes them in another case, with other
// quotation marks or other blanks. Internal to ground.
//
//   TextFinder finder(chunk.text);
//   for (const TextRange& place : finder.all("Alma Rue", 10)) ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::ground {

struct TextRange {
  int64_t char_from = 0;  // code points of the text
  int64_t char_to = 0;
};

class TextFinder {
 public:
  explicit TextFinder(std::string_view text);
  // The first place; nullopt: the words are not there.
  std::optional<TextRange> first(std::string_view words) const;
  // Places that do not begin or end inside a word of Latin letters or digits (Korean words may go
  // on: particles).
  std::vector<TextRange> all(std::string_view words, size_t places_max) const;

 private:
  struct Folded {
    std::u32string text;
    std::vector<int64_t> from;  // of each, its code point in the text as it was
  };
  static Folded fold(std::string_view text);
  std::optional<TextRange> next(const std::u32string& needle, size_t& at) const;

  Folded folded_;
};

}  // namespace ondol::ground
