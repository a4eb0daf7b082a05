#include "text/pre_tokenizer.h"

#include <array>
#include <string>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace };

CharClass class_of(char32_t code) {
  const GeneralCategory category = general_category(code);
  if (is_letter(category)) return CharClass::kLetter;
  if (is_number(category)) return CharClass::kNumber;
  if (is_white_space(code, category)) return CharClass::kSpace;
  return CharClass::kOther;
}

constexpr std::array<CharClass, 128> make_ascii_classes() {
  std::array<CharClass, 128> classes{};
  for (size_t c = 0; c < classes.size(); ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (letter) classes[c] = CharClass::kLetter;
    if (c >= '0' && c <= '9') classes[c] = CharClass::kNumber;
    if (space) classes[c] = CharClass::kSpace;
  }
  return classes;
}
constexpr std::array<CharClass, 128> kAsciiClasses = make_ascii_classes();

struct Char {
  CharClass cls;
  uint32_t size;
};

Char char_at(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {kAsciiClasses[byte], 1};
  const Utf8Char c = read_utf8(text, at);
  return {class_of(c.code), c.size};
}

bool is_newline(char c) { return c == '\n' || c == '\r'; }

// End of the longest run of `cls` from `at`, at most `count_max` characters.
size_t run_end(std::string_view text, size_t at, CharClass cls, size_t count_max = SIZE_MAX) {
  for (size_t count = 0; at < text.size() && count < count_max; ++count) {
    const Char c = char_at(text, at);
    if (c.cls != cls) break;
    at += c.size;
  }
  return at;
}

// 's 't 'm 'd 're 've 'll from `at`: the end, or `at` if there is none. Without regard to case the
// long s (U+017F) is an s, as in the regular expressions' case folding.
size_t contraction_end(std::string_view text, size_t at, bool any_case) {
  if (text[at] != '\'' || at + 1 >= text.size()) return at;
  const auto letter = [&](size_t i) -> char {
    if (i >= text.size()) return '\0';
    const char c = text[i];
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  const char second = letter(at + 2);
  if ((first == 'r' || first == 'v') && second == 'e') return at + 3;
  if (first == 'l' && second == 'l') return at + 3;
  constexpr std::string_view kLongS = "\xC5\xBF";
  if (any_case && text.substr(at + 1, kLongS.size()) == kLongS) return at + 1 + kLongS.size();
  return at;
}

// A run of white space that no other rule took: all but its last character if something follows
// (that one may belong to the next word), else all of it. `\s+(?!\S)|\s+`
size_t white_space_end(std::string_view text, size_t begin, bool number_ends_text) {
  size_t at = begin;
  size_t last = begin;
  while (at < text.size()) {
    const Char c = char_at(text, at);
    if (c.cls != CharClass::kSpace) {
      if (number_ends_text && c.cls == CharClass::kNumber) return at;
      return last > begin ? last : at;
    }
    last = at;
    at += c.size;
  }
  return at;
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// `single_numbers`: every number was cut out before, so it is a piece and ends its neighbours.
size_t next_gpt2(std::string_view text, size_t begin, bool single_numbers) {
  if (const size_t end = contraction_end(text, begin, false); end > begin) return end;
  const size_t at = begin + (text[begin] == ' ' && begin + 1 < text.size() ? 1 : 0);
  const Char c = char_at(text, at);
  const bool lone_number = single_numbers && c.cls == CharClass::kNumber;
  if (c.cls == CharClass::kSpace || (lone_number && at > begin)) {
    return white_space_end(text, begin, single_numbers);
  }
  return lone_number ? at + c.size : run_end(text, at, c.cls);
}

// End of the last newline in the run of white space from `begin`, or `begin`. `\s*[\r\n]+`
size_t last_newline_end(std::string_view text, size_t begin) {
  size_t end = begin;
  for (size_t at = begin; at < text.size();) {
    const Char c = char_at(text, at);
    if (c.cls != CharClass::kSpace) break;
    at += c.size;
    if (is_newline(text[at - 1])) end = at;
  }
  return end;
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*
// |\s*[\r\n]+|\s+(?!\S)|\s+
size_t next_llama(std::string_view text, size_t begin, size_t numbers_max) {
  if (const size_t end = contraction_end(text, begin, true); end > begin) return end;
  const Char c = char_at(text, begin);
  if (c.cls == CharClass::kLetter) return run_end(text, begin, CharClass::kLetter);
  if (c.cls == CharClass::kNumber) return run_end(text, begin, CharClass::kNumber, numbers_max);
  const size_t second = begin + c.size;
  if (!is_newline(text[begin])) {
    const size_t end = run_end(text, second, CharClass::kLetter);
    if (end > second) return end;
  }
  const size_t symbols = text[begin] == ' ' ? second : begin;
  size_t end = run_end(text, symbols, CharClass::kOther);
  if (end > symbols) {
    while (end < text.size() && is_newline(text[end])) ++end;
    return end;
  }
  if (const size_t newline = last_newline_end(text, begin); newline > begin) return newline;
  return white_space_end(text, begin, false);
}

struct Row {
  std::string_view name;
  PreTokenizer pre;
  std::string_view pattern;
};

#define ONDOL_GPT2_PATTERN \
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define ONDOL_LLAMA_PATTERN(numbers)                                    \
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers \
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

constexpr Row kRows[] = {
    {"gpt-2", PreTokenizer::kGpt2, ONDOL_GPT2_PATTERN},
    {"smollm", PreTokenizer::kSmollm, ONDOL_GPT2_PATTERN},
    {"llama-bpe", PreTokenizer::kLlamaBpe, ONDOL_LLAMA_PATTERN("\\p{N}{1,3}")},
    {"qwen2", PreTokenizer::kQwen2, ONDOL_LLAMA_PATTERN("\\p{N}")},
};
#undef ONDOL_GPT2_PATTERN
#undef ONDOL_LLAMA_PATTERN

}  // namespace

PreTokenizer pre_tokenizer_by_name(std::string_view name) {
  std::string known;
  for (const Row& row : kRows) {
    if (row.name == name) return row.pre;
    if (!known.empty()) known += ", ";
    known += row.name;
  }
  throw Error(ErrorCode::kUnsupported, "[tokenizer] the pre-tokenizer is unknown; got '" +
                                           std::string(name) + "', expected one of " + known +
                                           "; try a model file that names one of these");
}

std::string_view split_pattern(PreTokenizer pre) {
  for (const Row& row : kRows) {
    if (row.pre == pre) return row.pattern;
  }
  ONDOL_ASSERT(false);
  return {};
}

size_t next_piece(PreTokenizer pre, std::string_view text, size_t begin) {
  constexpr size_t kLlamaNumbersMax = 3;
  switch (pre) {
    case PreTokenizer::kGpt2:
      return next_gpt2(text, begin, false);
    case PreTokenizer::kSmollm:
      return next_gpt2(text, begin, true);
    case PreTokenizer::kLlamaBpe:
      return next_llama(text, begin, kLlamaNumbersMax);
    case PreTokenizer::kQwen2:
      return next_llama(text, begin, 1);
  }
  ONDOL_ASSERT(false);
  return text.size();
}

}  // namespace ondol::text
