// Python's string operations on marked text: positions are characters, marks follow their bytes.
// Bytes that are not UTF-8 count as one character each and pass through.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace ondol::text::jinja {

// Byte offset of every character, and of the end.
std::vector<size_t> char_offsets(std::string_view bytes);
size_t char_count(std::string_view bytes);
// The code point at a byte offset and its length; an invalid byte gives -1 and length 1.
struct CodePoint {
  int32_t code = -1;
  size_t length = 1;
};
CodePoint decode_at(std::string_view bytes, size_t at);
std::string encode_utf8(int32_t code);

bool is_space(int32_t code);
bool is_word(int32_t code);       // letter, digit, underscore: \w of Python's re
bool is_printable(int32_t code);  // str.isprintable
enum class CharClass { kAlpha, kDigit, kDecimal, kNumeric, kAlnum, kUpper, kLower, kSpace };
bool in_class(int32_t code, CharClass which);
bool all_in_class(std::string_view bytes, CharClass which);  // false when empty, as str.isalpha()
bool is_cased(std::string_view bytes, bool upper);           // str.isupper(), str.islower()
bool is_title(std::string_view bytes);                       // str.istitle()

enum class Case { kUpper, kLower, kTitle, kFold, kSwap };
Text with_case(const Text& text, Case which);
Text capitalized(const Text& text);
Text escaped(const Text& text);      // for HTML; markup stays as it is
Text title_words(const Text& text);  // str.title()

enum class Side { kLeft, kRight, kBoth };
// Without `chars`: white space.
Text strip(const Text& text, Side side, std::optional<std::string_view> chars);
Text replace(const Text& text, const Text& from, const Text& to, int64_t count);
// maximum < 0: no limit. Without separator: runs of white space, no empty parts.
std::vector<Text> split(const Text& text, std::optional<std::string_view> separator,
                        int64_t maximum, bool from_right);
std::vector<Text> split_lines(const Text& text, bool keep_ends);
Text repeat(const Text& text, int64_t times);
Text pad(const Text& text, int64_t width, const Text& fill, Side where);  // kBoth: centre
Text slice_chars(const Text& text, int64_t begin, int64_t end);

// Python's slice of `size` places: the indices taken, in order.
std::vector<size_t> slice_indices(size_t size, std::optional<int64_t> begin,
                                  std::optional<int64_t> end, std::optional<int64_t> step);

}  // namespace ondol::text::jinja
