#include "infer/vocabulary_trie.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace ondol {
namespace {

constexpr size_t kTokenBytesMax = 4096;

std::vector<std::string> text_of_tokens(const text::Tokenizer& tokenizer) {
  const text::TokenizerConfig& config = tokenizer.config();
  std::vector<std::string> out(tokenizer.vocab_size());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto id = static_cast<text::TokenId>(i);
    const text::TokenType type = config.types.empty() ? text::TokenType::kNormal : config.types[i];
    const bool no_text = type == text::TokenType::kUnknown || type == text::TokenType::kUnused;
    if (!no_text && !tokenizer.is_control(id) && config.unk != id)
      out[i] = tokenizer.token_bytes(id);
  }
  for (const text::TokenId id : tokenizer.end_of_generation()) out[static_cast<size_t>(id)].clear();
  return out;
}

}  // namespace

VocabularyTrie::VocabularyTrie(const text::Tokenizer& tokenizer)
    : VocabularyTrie(text_of_tokens(tokenizer), tokenizer.end_of_generation()) {}

VocabularyTrie::VocabularyTrie(std::vector<std::string> bytes, std::vector<text::TokenId> ends)
    : bytes_(std::move(bytes)), ends_(std::move(ends)) {
  if (ends_.empty()) {
    throw Error(ErrorCode::kUnsupported,
                "[mask] the vocabulary has no token that ends a text; expected one, so that text "
                "by a grammar can end; try a model whose tokenizer names its eos token");
  }
  build();
}

void VocabularyTrie::build() {
  std::vector<text::TokenId> order(bytes_.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](text::TokenId id) {
    return bytes(id).empty() || bytes(id).size() > kTokenBytesMax;
  });
  std::sort(order.begin(), order.end(), [&](text::TokenId a, text::TokenId b) {
    const int compared = bytes(a).compare(bytes(b));
    return compared != 0 ? compared < 0 : a < b;
  });
  std::vector<uint32_t> path;  // nodes from the first byte on
  const std::string* last = nullptr;
  const auto close = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back()) {
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
    }
  };
  for (const text::TokenId id : order) {
    const std::string& text = bytes(id);
    size_t shared = 0;
    while (last != nullptr && shared < std::min(last->size(), text.size()) &&
           (*last)[shared] == text[shared]) {
      ++shared;
    }
    close(shared);
    while (path.size() < text.size()) {
      Node node;
      node.byte = static_cast<uint8_t>(text[path.size()]);
      node.depth = static_cast<uint16_t>(path.size());
      node.tokens_begin = node.tokens_end = static_cast<uint32_t>(tokens_.size());
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back(node);
    }
    tokens_.push_back(id);
    nodes_[path.back()].tokens_end = static_cast<uint32_t>(tokens_.size());
    depth_ = std::max(depth_, text.size());
    last = &text;
  }
  close(0);
}

}  // namespace ondol
