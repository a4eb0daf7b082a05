// The tokens that a grammar allows.
//
//   auto grammar = text::parse_gbnf(source);
//   auto trie = std::make_shared<const VocabularyTrie>(*model->tokenizer);
//   request.mask = make_grammar_mask(grammar, trie);
//
// A token is allowed exactly when some sentence of the grammar begins with the text so far and the
// token's bytes; the tokens that end a text exactly when the text so far is a sentence. Tokens that
// are no text are never allowed. A token may begin or end inside a character.
//
// What a state of the grammar allows by itself is found once for all places that it is used in, and
// the last sets are remembered. Masks of one make_grammar_mask share this and may be used by
// several threads, each its own clone.
#pragma once

#include <memory>

#include "infer/token_mask.h"
#include "infer/vocabulary_trie.h"
#include "text/grammar.h"

namespace ondol {

std::shared_ptr<const TokenMask> make_grammar_mask(
    std::shared_ptr<const text::Grammar> grammar, std::shared_ptr<const VocabularyTrie> vocabulary);

}  // namespace ondol
