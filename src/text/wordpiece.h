// BERT's tokenizer: clean and split text into words, then the longest matching pieces of each.
//
// Devlin et al., "BERT", 2019; the steps are those of Hugging Face's BertNormalizer,
// BertPreTokenizer and WordPiece. Made by make_tokenizer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace ondol::text {

std::unique_ptr<Tokenizer> make_wordpiece_tokenizer(TokenizerConfig config);

// The normalised words of `text`, every punctuation mark a word. Reads clean_text, split_cjk,
// strip_accents and lowercase.
std::vector<std::string> bert_words(std::string_view text, const TokenizerConfig& config);

}  // namespace ondol::text
