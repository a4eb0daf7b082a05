// How shortly a tokenizer writes texts.
#pragma once

#include <cstdint>

#include "base/thread_pool.h"
#include "text/tokenizer.h"
#include "train/tokenizer_words.h"

namespace ondol::train {

struct TokenizerMeasure {
  uint64_t bytes = 0;
  uint64_t characters = 0;
  uint64_t words = 0;  // between white space
  uint64_t tokens = 0;
  uint64_t unknown = 0;  // tokens for what the vocabulary cannot write
};

// Line by line, ends of lines included.
TokenizerMeasure measure_tokenizer(const text::Tokenizer& tokenizer, const TextLines& texts,
                                   ThreadPool& pool);

}  // namespace ondol::train
