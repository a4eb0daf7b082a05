// The byte-level BPE tokenizer; made by make_tokenizer.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer.h"

namespace ondol::text {

std::unique_ptr<Tokenizer> make_bpe_tokenizer(TokenizerConfig config);

// The characters that stand for bytes in vocabularies (GPT-2's bytes_to_unicode): printable Latin-1
// is itself, the other 68 bytes are U+0100 onwards.
std::string byte_piece(unsigned char byte);
// The bytes that a vocabulary string stands for; characters outside the map stay as they are.
std::string piece_bytes(std::string_view piece);

}  // namespace ondol::text
