#include "infer/schema_masks.h"

#include <algorithm>

#include "infer/grammar_mask.h"
#include "text/json_schema_grammar.h"

namespace ondol::infer {
namespace {

// Extractors write a schema of their own for every chunk; what comes again is few schemas.
constexpr size_t kKnownMax = 32;

}  // namespace

SchemaMasks::SchemaMasks(std::shared_ptr<const text::Tokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)) {}

std::shared_ptr<const TokenMask> SchemaMasks::mask(const std::string& json_schema) {
  const std::lock_guard guard(mutex_);
  const auto found = std::find_if(known_.begin(), known_.end(),
                                  [&](const auto& known) { return known.first == json_schema; });
  if (found != known_.end()) {
    known_.splice(known_.begin(), known_, found);
    return known_.front().second;
  }
  std::shared_ptr<const text::Grammar> grammar = text::json_schema_grammar(json_schema);
  if (!trie_) trie_ = std::make_shared<const VocabularyTrie>(*tokenizer_);
  known_.emplace_front(json_schema, make_grammar_mask(std::move(grammar), trie_, tokenizer_));
  if (known_.size() > kKnownMax) known_.pop_back();
  return known_.front().second;
}

}  // namespace ondol::infer
