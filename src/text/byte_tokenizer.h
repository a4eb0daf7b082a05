// The tokenizer that needs no training: one token a byte, and one that ends a text.
#pragma once

#include "text/tokenizer.h"

namespace ondol::text {

// Byte-level BPE without merges: ids 0 to 255 are the bytes, 256 is <|endoftext|>.
TokenizerConfig byte_tokenizer_config();

}  // namespace ondol::text
