#include "text/byte_tokenizer.h"

#include "text/bpe_tokenizer.h"

namespace ondol::text {

TokenizerConfig byte_tokenizer_config() {
  TokenizerConfig config;
  config.model = TokenizerModel::kByteBpe;
  config.pre_tokenizer = "gpt-2";
  for (int byte = 0; byte < 256; ++byte) {
    config.pieces.push_back(byte_piece(static_cast<unsigned char>(byte)));
  }
  config.types.assign(256, TokenType::kNormal);
  config.eos = static_cast<TokenId>(config.pieces.size());
  config.pieces.emplace_back("<|endoftext|>");
  config.types.push_back(TokenType::kControl);
  return config;
}

}  // namespace ondol::text
