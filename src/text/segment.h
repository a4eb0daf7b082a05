// Unicode for search and reading: folding, words, sentences, scripts, encodings. ICU stands behind
// it and is seen nowhere else; tokenizers use their own pinned tables instead (contract 15).
//
//   Segmenter segmenter;                                   // one a thread
//   for (const Span& s : segmenter.sentences(utf8)) ...    // whole sentences, blanks trimmed
//   std::string key = fold_for_search("Ｏｎｄｏｌ");       // "ondol"
//
// Input is valid UTF-8 (check with invalid_utf8_offset first); invalid bytes are an
// Error(kInvalidArgument). Spans are byte offsets into the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::text {

enum class Script : uint8_t { kCommon, kLatin, kHangul, kHan, kKana, kDigit, kOther };

Script script_of(char32_t code_point);

struct Span {
  size_t from = 0;
  size_t to = 0;
  bool operator==(const Span&) const = default;
};

// NFKC with full case folding and without ignorable characters (Unicode's NFKC_Casefold).
std::string fold_for_search(std::string_view utf8);
// Canonical composition alone: what a reader keeps of a text, so that offsets are stable.
std::string normalize_nfc(std::string_view utf8);

class Segmenter {
 public:
  Segmenter();
  ~Segmenter();
  Segmenter(Segmenter&&) noexcept;
  Segmenter& operator=(Segmenter&&) noexcept;

  // Words with a letter or digit in them (UAX #29), cut further where the writing system changes,
  // except that digits stay with Latin letters ("mp3"). A run of Han or kana is one word.
  std::vector<Span> words(std::string_view utf8) const;
  // UAX #29 sentences with English abbreviations ("Dr.", "e.g.") not taken for an end.
  std::vector<Span> sentences(std::string_view utf8) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Offset of the first byte that is not UTF-8 (overlong forms and surrogates included).
std::optional<size_t> invalid_utf8_offset(std::string_view bytes);
// Throws Error(kCorruptData) naming the byte offset of a lone surrogate or an odd last byte.
std::string utf16_to_utf8(std::string_view bytes, bool big_endian);

// Reads the character at `at` and moves past it.
char32_t next_code_point(std::string_view utf8, size_t& at);
void append_code_point(std::string& utf8, char32_t code_point);
size_t count_code_points(std::string_view utf8);

}  // namespace ondol::text
