// The compiled replacement table of SentencePiece (precompiled_charsmap): at every place the
// longest entry that begins there is replaced.
//
//   CharsMap map(bytes);             // as stored: not in base64
//   std::string text = map.apply("\xEF\xBC\xA1");
//
// Format (SentencePiece, normalizer.cc): u32 bytes of the trie, the trie, then the replacements,
// each ended by a zero byte. The trie is a double array of u32 units (darts-clone). What is not
// UTF-8 stays. Immutable, thread-safe.
//
// SentencePiece's own rule is kept. Hugging Face's tokenizers looks at grapheme clusters instead
// and takes the shortest entry in them; texts differ where a decomposed sequence has an entry of
// its own (Hangul of separate letters is composed here and not there).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::text {

class CharsMap {
 public:
  // Throws Error(kCorruptData) for sizes that do not fit and replacements of over 1024 bytes.
  explicit CharsMap(std::string_view bytes);
  std::string apply(std::string_view text) const;

 private:
  struct Match {
    size_t size = 0;  // bytes of the text; 0: no entry
    size_t value = 0;
  };
  Match longest(std::string_view text, size_t at) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace ondol::text
