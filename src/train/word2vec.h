// word2vec: vectors of words from plain text, by skip-gram or CBOW with negative sampling (Mikolov
// et al., "Distributed representations of words and phrases and their compositionality", 2013).
//
//   Word2VecResult r = train_word2vec({.sg = 1}, {{"wiki.txt"}}, pool, progress);
//   write_word_vectors(r.vectors, "vectors.bin", WordVectorFormat::kBinary);
//
// Names and defaults are gensim's. A pair is one input (a word of the window for skip-gram, the
// mean of the window for CBOW) and one word to be told from `negative` drawn ones; its loss is -log
// sigmoid(s) of the word and -log sigmoid(-s) of the others (docs/training.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "train/word2vec_file.h"
#include "train/word2vec_text.h"

namespace ondol::train {

struct Word2VecConfig {
  // What the results depend on.
  int64_t vector_size = 100;
  int64_t window = 5;          // words to either side
  bool shrink_windows = true;  // a window of 1 to `window` words, each as often
  int64_t min_count = 5;
  int64_t max_final_vocab = 0;  // 0: no limit
  double sample = 1e-3;         // words with a larger share of the text are thinned out; 0: none
  int64_t negative = 5;         // 1 to 31
  double ns_exponent = 0.75;
  double alpha = 0.025;  // falls linearly to min_alpha
  double min_alpha = 1e-4;
  int64_t epochs = 5;
  int64_t sg = 0;                // 1: skip-gram, 0: CBOW
  int64_t cbow_mean = 1;         // 0: the sum of the window, the error divided by its words
  int64_t seed = 1;              // 0 or more
  bool split_at_spaces = false;  // words as they are between spaces
  bool sigmoid_table = false;    // the sigmoid of 1000 steps from -6 to 6, nothing learned beyond

  // One thread's order: the same bits for any number of threads. Else every thread of the pool
  // changes the same vectors without locks (Hogwild, Niu et al. 2011): faster, a little different
  // each time.
  bool deterministic = true;
};

// Throws Error(kInvalidArgument) naming the first setting without a meaning.
void check_word2vec(const Word2VecConfig& config);

struct Word2VecEpoch {
  int64_t epoch = 0;   // from 1
  double loss = 0;     // mean of the pairs, summed in double
  double alpha = 0;    // the rate at its end
  uint64_t pairs = 0;  // learned
  uint64_t words = 0;  // of the vocabulary, read
  double seconds = 0;
};

struct Word2VecResult {
  WordVectors vectors;
  std::vector<uint64_t> counts;  // of vectors.words()
  std::vector<Word2VecEpoch> epochs;
  uint64_t words_read = 0;      // of the files
  uint64_t words_distinct = 0;  // before min_count
  uint64_t words_kept = 0;      // of the vocabulary
  uint64_t lines = 0;
  uint64_t lines_cut = 0;  // of more than 10,000 words
};

using OnWord2VecEpoch = std::function<void(const Word2VecEpoch&)>;

// Throws Error(kInvalidArgument) for a configuration without a meaning and for texts that nothing
// can be learned from (word2vec_text.h); Error(kCorruptData) when the loss is not finite any more.
Word2VecResult train_word2vec(const Word2VecConfig& config,
                              std::span<const std::filesystem::path> files, ThreadPool& pool,
                              ProgressSink& progress, const OnWord2VecEpoch& on_epoch = {},
                              const KernelTable& kernels = best_kernels());

}  // namespace ondol::train
