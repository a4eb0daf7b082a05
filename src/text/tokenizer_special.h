// Finding special tokens, and only where they may stand.
//
// Control tokens count where every byte is trusted, user-defined tokens everywhere. At each place
// the longest wins, the leftmost place first (as Hugging Face's added tokens).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"
#include "text/tokenizer_trie.h"

namespace ondol::text {

// The spans as one text with the trusted stretches [begin, end), in order and not touching.
struct MarkedText {
  explicit MarkedText(std::span<const TextSpan> spans);
  std::string text;
  std::vector<std::pair<size_t, size_t>> trusted;
};

// A stretch of plain text, or a special token.
struct Segment {
  std::string_view text;
  TokenId token = ByteTrie::kNoToken;
};

class SpecialTokens {
 public:
  explicit SpecialTokens(const TokenizerConfig& config);
  // Views into `marked.text`; no empty segment.
  std::vector<Segment> split(const MarkedText& marked) const;

 private:
  struct Match {
    size_t end = 0;
    TokenId token = ByteTrie::kNoToken;
  };
  Match match_at(std::string_view text, size_t at, size_t trusted_end) const;
  void add(std::string_view piece, TokenId id);

  ByteTrie trie_;
  std::array<bool, 256> begins_{};     // bytes that begin a special token
  std::vector<TokenId> user_defined_;  // sorted
  std::vector<AddedTokenStrip> strips_;
};

}  // namespace ondol::text
