// Unigram tokenizers (SentencePiece; T5, ALBERT, XLM-R): the pieces of a word whose scores sum
// highest.
//
// Kudo, "Subword Regularization", 2018; ids as Hugging Face's Unigram with Metaspace. Made by
// make_tokenizer. Scores are natural logarithms; an unknown character costs ten more than the worst
// piece, and neighbours of unknown ones are one unknown token (or, with byte fallback, bytes).
// Ties go to the piece that begins earliest.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "text/tokenizer.h"

namespace ondol::text {

std::unique_ptr<Tokenizer> make_unigram_tokenizer(TokenizerConfig config);

// "<0x0A>" for byte 10; nullopt for anything else.
std::optional<unsigned char> byte_of_piece(std::string_view piece);

// Calls `sink` with every word of normalised text as the model sees it, spaces written as
// config.space_mark. `at_start`: the text begins where the whole input begins. Reads
// split_white_space, space_mark, space_prefix and split_words.
void metaspace_words(std::string_view text, bool at_start, const TokenizerConfig& config,
                     const std::function<void(std::string_view)>& sink);

}  // namespace ondol::text
