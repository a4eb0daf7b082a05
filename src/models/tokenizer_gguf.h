// The tokenizer that a GGUF file carries, as the text room's config.
#pragma once

#include "io/gguf_metadata.h"
#include "text/tokenizer.h"

namespace ondol::models {

// `file` stands in messages. Throws Error: kUnsupported for a tokenizer model that nothing here
// implements or a byte-level BPE without a pre-tokenizer's name (guessing would change every id),
// kCorruptData for lists that contradict one another.
text::TokenizerConfig tokenizer_config(const io::GgufMetadata& metadata, const std::string& file);

}  // namespace ondol::models
