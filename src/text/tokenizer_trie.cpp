#include "text/tokenizer_trie.h"

#include <utility>

namespace ondol::text {

ByteTrie::ByteTrie() : keys_(64, kFree), targets_(64), tokens_{kNoToken} {}

void ByteTrie::insert(std::string_view bytes, TokenId token) {
  Node node = kRoot;
  for (const char byte : bytes) {
    Node next = child(node, byte);
    if (next == kNone) {
      next = static_cast<Node>(tokens_.size());
      tokens_.push_back(kNoToken);
      if (tokens_.size() * 2 > keys_.size()) grow();
      add_edge(key(node, byte), next);
    }
    node = next;
  }
  if (tokens_[node] == kNoToken) tokens_[node] = token;
}

void ByteTrie::add_edge(uint64_t edge, Node target) {
  size_t at = slot(edge);
  while (keys_[at] != kFree) at = (at + 1) & (keys_.size() - 1);
  keys_[at] = edge;
  targets_[at] = target;
}

void ByteTrie::grow() {
  const std::vector<uint64_t> keys = std::exchange(keys_, {});
  const std::vector<Node> targets = std::exchange(targets_, {});
  keys_.assign(keys.size() * 2, kFree);
  targets_.assign(keys.size() * 2, kRoot);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] != kFree) add_edge(keys[i], targets[i]);
  }
}

}  // namespace ondol::text
