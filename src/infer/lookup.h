// Prompt lookup (Saxena 2023): what followed the longest earlier occurrence of the text's last
// tokens is a guess at what comes next. Answers that quote their passages, edit a text or repeat a
// list are guessed for many tokens at a time.
//
//   Lookup lookup(prompt_ids);
//   lookup.append(next);
//   Guess guess = lookup.guess(/*count=*/8);   // at most 8 tokens
//
// The index is a chain of equal pairs, as in LZ77: two integers a token, appending takes constant
// time, a guess looks at no more than kLookupChain places. Copyable. Internal to infer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace ondol::infer {

inline constexpr int64_t kLookupChain = 48;     // earlier places compared for one guess
inline constexpr int64_t kLookupMatchMax = 16;  // tokens compared at each

struct Guess {
  std::vector<text::TokenId> tokens;
  int64_t match = 0;  // tokens that the place looked up had in common with the end of the text
};

class Lookup {
 public:
  explicit Lookup(std::span<const text::TokenId> text = {});

  void append(text::TokenId token);
  // Empty where the last two tokens did not stand together before. The longest match wins, of equal
  // ones the latest.
  Guess guess(int64_t count) const;
  int64_t size() const { return static_cast<int64_t>(text_.size()); }

 private:
  size_t slot(size_t end) const;
  void rebuild();
  int64_t match_length(size_t earlier) const;

  std::vector<text::TokenId> text_;
  std::vector<int32_t> heads_;     // latest position whose pair hashes to the slot; -1: none
  std::vector<int32_t> previous_;  // the one before it; [position]
};

}  // namespace ondol::infer
