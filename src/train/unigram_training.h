// Learning the pieces of a Unigram model and their probabilities.
//
// Kudo, "Subword Regularization", 2018, as SentencePiece and Hugging Face's UnigramTrainer: from
// many pieces (unigram_seeds.h), expectation maximisation with a sparse prior, then the pieces go
// whose loss would cost the text least, until vocab_size is left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "train/unigram_seeds.h"

namespace ondol::train {

struct UnigramSettings {
  size_t pieces = 8000;  // to be left, without special tokens
  size_t limit_alphabet = 0;
  SeedSettings seeds;
  double shrinking_factor = 0.75;
  int64_t n_sub_iterations = 2;
};

// Best first; every character of the alphabet is a piece. At most settings.pieces; fewer when the
// text has no more. Throws Error(kInvalidArgument) when the alphabet alone is larger.
std::vector<ScoredPiece> learn_unigram(const WordCounts& words, const UnigramSettings& settings,
                                       ThreadPool& pool, ProgressSink& progress);

}  // namespace ondol::train
