// UTF-8 on bytes that nobody has checked.
//
//   for (size_t at = 0; at < text.size();) {
//     Utf8Char c = read_utf8(text, at);   // c.code == kInvalidUtf8 for a byte outside any
//     character at += c.size;
//   }
//
// Well-formed as in Unicode 16, table 3-7 (no surrogates, no overlong forms). Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ondol::text {

// Stands for one byte that is no part of a well-formed character.
inline constexpr char32_t kInvalidUtf8 = 0x110000;

struct Utf8Char {
  char32_t code = 0;
  uint32_t size = 0;  // bytes; 1 for an invalid byte
};

namespace internal {
Utf8Char read_utf8_multibyte(std::string_view text, size_t at);
}

// The character at byte `at` < text.size().
inline Utf8Char read_utf8(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  return internal::read_utf8_multibyte(text, at);
}

// `code` must be a Unicode scalar value.
void append_utf8(std::string& out, char32_t code);
std::string to_utf8(std::u32string_view codes);
bool is_utf8(std::string_view text);

}  // namespace ondol::text
