// The bytes of all tokens of a vocabulary as one tree, in the order of a walk: what grammars go
// through to see which tokens may come.
//
//   auto trie = std::make_shared<const VocabularyTrie>(*model->tokenizer);   // once for a
//   tokenizer
//
// Left out are tokens that are no text: control tokens, the unknown token, unused ones, and those
// without bytes. Immutable and thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace ondol {

class VocabularyTrie {
 public:
  struct Node {
    uint8_t byte = 0;
    uint16_t depth = 0;  // bytes above it; the first byte of a token stands at 0
    uint32_t end = 0;    // the first node that is not below this one
    uint32_t tokens_begin = 0, tokens_end = 0;  // of tokens(): those that end here
  };

  explicit VocabularyTrie(const text::Tokenizer& tokenizer);
  // `bytes` by id; empty: no text. `ends`: the ids that end a text.
  VocabularyTrie(std::vector<std::string> bytes, std::vector<text::TokenId> ends);

  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  const std::string& bytes(text::TokenId id) const { return bytes_[static_cast<size_t>(id)]; }
  const std::vector<text::TokenId>& ends() const { return ends_; }
  // Every node before those below it, brothers by their byte.
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const text::TokenId> tokens(const Node& node) const {
    return {tokens_.data() + node.tokens_begin, tokens_.data() + node.tokens_end};
  }
  // Those that end at the node or below it.
  std::span<const text::TokenId> tokens_below(uint32_t node) const {
    const uint32_t end = nodes_[node].end;
    return {tokens_.data() + nodes_[node].tokens_begin,
            end < nodes_.size() ? tokens_.data() + nodes_[end].tokens_begin
                                : tokens_.data() + tokens_.size()};
  }
  size_t depth() const { return depth_; }  // bytes of the longest token

 private:
  void build();

  std::vector<std::string> bytes_;
  std::vector<text::TokenId> ends_;
  std::vector<Node> nodes_;
  std::vector<text::TokenId> tokens_;
  size_t depth_ = 0;
};

}  // namespace ondol
