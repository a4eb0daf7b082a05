// Unicode properties for tokenizers, from a generated and pinned table (Unicode 16.0).
//
//   if (is_letter(code)) ...
//   std::string text = nfc_utf8(input);
//
// Token ids must not change with the distribution's ICU, so nothing here calls it. Properties take
// any 32-bit value; what is no code point is unassigned (kCn). Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ondol::text {

// In the order of tools/unicode/make_tables.py.
enum class GeneralCategory : uint8_t {
  kLu,
  kLl,
  kLt,
  kLm,
  kLo,  // letters
  kMn,
  kMc,
  kMe,  // marks
  kNd,
  kNl,
  kNo,  // numbers
  kPc,
  kPd,
  kPs,
  kPe,
  kPi,
  kPf,
  kPo,  // punctuation
  kSm,
  kSc,
  kSk,
  kSo,  // symbols
  kZs,
  kZl,
  kZp,  // separators
  kCc,
  kCf,
  kCs,
  kCo,
  kCn,  // control, format, surrogate, private, unassigned
};

const char* unicode_version();
GeneralCategory general_category(char32_t code);

inline bool is_letter(GeneralCategory c) { return c <= GeneralCategory::kLo; }
inline bool is_number(GeneralCategory c) {
  return c >= GeneralCategory::kNd && c <= GeneralCategory::kNo;
}
inline bool is_punctuation(GeneralCategory c) {
  return c >= GeneralCategory::kPc && c <= GeneralCategory::kPo;
}
inline bool is_letter(char32_t code) { return is_letter(general_category(code)); }
inline bool is_number(char32_t code) { return is_number(general_category(code)); }
inline bool is_punctuation(char32_t code) { return is_punctuation(general_category(code)); }

// The property White_Space: separators, TAB to CR, NEL.
inline bool is_white_space(char32_t code, GeneralCategory c) {
  return (c >= GeneralCategory::kZs && c <= GeneralCategory::kZp) ||
         (code >= 0x09 && code <= 0x0D) || code == 0x85;
}
inline bool is_white_space(char32_t code) { return is_white_space(code, general_category(code)); }

char32_t simple_lower(char32_t code);
uint8_t combining_class(char32_t code);

// Canonical decomposition and composition (Unicode 16, chapter 3.11; UAX #15).
std::u32string nfd(std::u32string_view codes);
std::u32string nfc(std::u32string_view codes);
// The same by compatibility: ligatures, widths and circled digits become plain characters.
std::u32string nfkd(std::u32string_view codes);
std::u32string nfkc(std::u32string_view codes);
// NFC of UTF-8; bytes that are not UTF-8 stay as they are, and nothing composes across them.
std::string nfc_utf8(std::string_view text);
// `normal_form` (nfd, nfc, nfkd, nfkc) of UTF-8; bytes that are not UTF-8 stay and part the text.
std::string normalize_utf8(std::string_view text,
                           std::u32string (*normal_form)(std::u32string_view));

}  // namespace ondol::text
