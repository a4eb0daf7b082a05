// Masks of the JSON Schemas that requests name, made once each for a vocabulary. Internal to infer.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "infer/token_mask.h"
#include "infer/vocabulary_trie.h"

namespace ondol::infer {

// Thread-safe. The trie of the vocabulary is made when the first schema comes.
class SchemaMasks {
 public:
  explicit SchemaMasks(std::shared_ptr<const text::Tokenizer> tokenizer);
  // Throws as text::json_schema_grammar does.
  std::shared_ptr<const TokenMask> mask(const std::string& json_schema);

 private:
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::mutex mutex_;
  std::shared_ptr<const VocabularyTrie> trie_;
  // Last used first.
  std::list<std::pair<std::string, std::shared_ptr<const TokenMask>>> known_;
};

}  // namespace ondol::infer
