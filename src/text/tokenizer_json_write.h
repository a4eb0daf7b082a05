// A tokenizer as the files that Hugging Face's libraries read.
//
//   write_file_atomic(folder / "tokenizer.json", tokenizer_json(tokenizer.config()));
//
// parse_tokenizer_json() of both texts gives the config again. Throws Error(kUnsupported) for a
// pre-tokenizer that has no such form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace ondol::text {

std::string tokenizer_json(const TokenizerConfig& config);
// `tokens_max`: model_max_length; 0: none.
std::string tokenizer_config_json(const TokenizerConfig& config, int64_t tokens_max,
                                  std::string_view chat_template);

}  // namespace ondol::text
