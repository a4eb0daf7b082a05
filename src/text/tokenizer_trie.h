// A set of byte strings, walked one byte at a time; the edges live in one hash table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"  // TokenId

namespace ondol::text {

class ByteTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = UINT32_MAX;
  static constexpr TokenId kNoToken = -1;

  ByteTrie();
  // A string that is there already keeps its first token.
  void insert(std::string_view bytes, TokenId token);
  bool empty() const { return tokens_.size() == 1; }

  Node child(Node node, char byte) const {
    const uint64_t wanted = key(node, byte);
    for (size_t at = slot(wanted);; at = (at + 1) & (keys_.size() - 1)) {
      if (keys_[at] == wanted) return targets_[at];
      if (keys_[at] == kFree) return kNone;
    }
  }
  TokenId token(Node node) const { return tokens_[node]; }

 private:
  static constexpr uint64_t kFree = UINT64_MAX;
  static uint64_t key(Node node, char byte) {
    return static_cast<uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
  }
  size_t slot(uint64_t wanted) const {
    // Fibonacci hashing: the high bits of the product are well mixed.
    return static_cast<size_t>(wanted * 0x9E3779B97F4A7C15ULL >> 20) & (keys_.size() - 1);
  }
  void add_edge(uint64_t edge, Node target);
  void grow();

  std::vector<uint64_t> keys_;
  std::vector<Node> targets_;
  std::vector<TokenId> tokens_;  // by node
};

}  // namespace ondol::text
