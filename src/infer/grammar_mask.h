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
// Where the grammar leaves no choice of text, there is still one of tokens. With `tokenizer` the
// text comes as the tokenizer writes it, a single allowed token at a time as far as what follows
// cannot change them: the engine then takes such tokens without a step of their own. The texts are
// the same.
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

// `tokenizer`: that of the vocabulary; null: forced text in any tokens.
std::shared_ptr<const TokenMask> make_grammar_mask(
    std::shared_ptr<const text::Grammar> grammar, std::shared_ptr<const VocabularyTrie> vocabulary,
    std::shared_ptr<const text::Tokenizer> tokenizer = nullptr);

}  // namespace ondol
