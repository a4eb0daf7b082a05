// Small vocabularies for the tests of this room.
#pragma once

#include <string>
#include <vector>

#include "text/bpe_tokenizer.h"
#include "text/tokenizer.h"

namespace ondol::text {

// All bytes, a few words, then control tokens and one user-defined token.
inline TokenizerConfig toy_bpe() {
  TokenizerConfig config;
  config.pre_tokenizer = "gpt-2";
  for (unsigned byte = 0; byte < 256; ++byte) {
    config.pieces.push_back(byte_piece(static_cast<unsigned char>(byte)));
  }
  config.merges = {"h e", "l l", "he ll", "hell o", "\xC4\xA0 hello", "l o"};
  for (std::string merge : config.merges) {
    std::erase(merge, ' ');
    config.pieces.push_back(merge);
  }
  config.types.assign(config.pieces.size(), TokenType::kNormal);
  const auto add = [&](const char* piece, TokenType type) {
    config.pieces.emplace_back(piece);
    config.types.push_back(type);
    return static_cast<TokenId>(config.pieces.size() - 1);
  };
  config.bos = add("<s>", TokenType::kControl);
  config.eos = add("<|im_end|>", TokenType::kControl);
  add("<|im_end|>2", TokenType::kControl);
  add("<sep>", TokenType::kUserDefined);
  add("[PAD]", TokenType::kUnused);
  return config;
}

// BERT's own form; `marked` turns it into llama.cpp's.
inline TokenizerConfig toy_wordpiece(bool marked = false) {
  TokenizerConfig config;
  config.model = TokenizerModel::kWordPiece;
  config.pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un",           "##aff", "##able",
                   "##a",   "the",   ",",     "!",     "cafe",   "\xE6\x9D\xB1", "##!",   "a"};
  config.types.assign(config.pieces.size(), TokenType::kNormal);
  for (size_t id = 0; id < 5; ++id) {
    config.types[id] = TokenType::kControl;
  }
  if (marked) {
    for (size_t id = 5; id < config.pieces.size(); ++id) {
      std::string& piece = config.pieces[id];
      piece = piece.starts_with("##") ? piece.substr(2) : "\xE2\x96\x81" + piece;
    }
  }
  config.pad = 0;
  config.unk = 1;
  config.cls = 2;
  config.sep = 3;
  config.mask = 4;
  config.add_bos = config.add_eos = true;
  return config;
}

// The pieces are of a, b and the mark of a space.
inline TokenizerConfig toy_unigram() {
  TokenizerConfig config;
  config.model = TokenizerModel::kUnigram;
  config.pieces = {"<unk>",
                   "</s>",
                   "\xE2\x96\x81",
                   "a",
                   "b",
                   "ab",
                   "\xE2\x96\x81"
                   "ab",
                   "abb"};
  config.scores = {0, 0, -2, -3, -3, -4, -4.5, -7.5};
  config.types.assign(config.pieces.size(), TokenType::kNormal);
  config.types[0] = config.types[1] = TokenType::kControl;
  config.unk = 0;
  config.eos = 1;
  config.add_eos = true;
  return config;
}

}  // namespace ondol::text
