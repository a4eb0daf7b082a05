// Cutting text into the pieces inside which byte-level BPE merges.
//
//   PreTokenizer pre = pre_tokenizer_by_name("smollm");
//   for (size_t at = 0; at < text.size();) {
//     size_t end = next_piece(pre, text, at);   // text[at, end) is a piece
//     at = end;
//   }
//
// The pieces are those of the regular expressions in the tokenizer.json files of GPT-2, SmolLM2,
// Llama 3 and Qwen2, written by hand: linear in the text. An invalid UTF-8 byte counts as a symbol.
#pragma once

#include <cstddef>
#include <string_view>

namespace ondol::text {

enum class PreTokenizer { kGpt2, kSmollm, kLlamaBpe, kQwen2 };

// Throws Error(kUnsupported) naming the known ones ("gpt-2", "smollm", "llama-bpe", "qwen2").
PreTokenizer pre_tokenizer_by_name(std::string_view name);

// End of the piece that begins at `begin` < text.size(). Look-ahead sees the whole of `text`, so
// pass what stands between two special tokens at once.
size_t next_piece(PreTokenizer pre, std::string_view text, size_t begin);

// The split pattern of `pre` as tokenizer.json writes it.
std::string_view split_pattern(PreTokenizer pre);

}  // namespace ondol::text
