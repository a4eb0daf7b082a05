// Which writing system a text uses, as far as metrics care: words need spaces to be counted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ondol::eval {

constexpr bool is_hangul(char32_t c) {
  return (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0x1100 && c <= 0x11FF) ||
         (c >= 0x3130 && c <= 0x318F);
}
constexpr bool is_han_or_kana(char32_t c) {
  return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}
constexpr bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
constexpr bool is_latin_or_digit(char32_t c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool has_hangul(std::string_view utf8);
bool has_han_or_kana(std::string_view utf8);

// What an overlap is counted in: words at spaces; in Chinese and Japanese single characters.
std::vector<std::string> overlap_units(const std::string& normalized);
std::vector<std::string> split_words(std::string_view text);

}  // namespace ondol::eval
