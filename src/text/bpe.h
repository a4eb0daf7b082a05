// Byte-pair merging over token ids: the lowest rank first, the leftmost among equals.
//
//   BpeMerges merges(pieces_index, config.merges);
//   merges.apply(ids, nullptr);   // ids of single bytes in, ids of merged pieces out, in place
//
// O(n log n) in the length of the piece: short pieces scan an array, long ones use a heap.
// Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace ondol::text {

class BpeMerges {
 public:
  // `find` gives the id of a piece. Throws Error(kCorruptData) for a merge that is not two pieces
  // with a space between, that names an unknown piece, or that appears twice.
  BpeMerges(const std::function<std::optional<TokenId>(std::string_view)>& find,
            const std::vector<std::string>& merges);

  // Merges `ids` in place. Adds to *steps, where given, the number of pairs looked at: what a test
  // of the running time counts.
  void apply(std::vector<TokenId>& ids, uint64_t* steps) const;

 private:
  struct Merge {
    uint64_t pair = kFree;  // left id << 32 | right id
    uint32_t rank = 0;
    TokenId merged = 0;
  };
  static constexpr uint64_t kFree = UINT64_MAX;

  static uint64_t pair_of(TokenId left, TokenId right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t slot(uint64_t pair) const {
    // The finaliser of splitmix64 (Steele, Lea, Flood 2014), cut short.
    uint64_t mixed = (pair ^ (pair >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed ^= mixed >> 29;
    return static_cast<size_t>(mixed) & (table_.size() - 1);
  }
  const Merge* find(uint64_t pair) const;
  void insert(const Merge& merge, const std::string& text);
  void apply_short(std::vector<TokenId>& ids, uint64_t& steps) const;
  void apply_long(std::vector<TokenId>& ids, uint64_t& steps) const;

  std::vector<Merge> table_;  // open addressing, at most half full
};

}  // namespace ondol::text
