// What the tests of word2vec share. Only for test sources.
#pragma once

#include <string>

#include "base/rng.h"
#include "train/test_support.h"
#include "train/word2vec.h"

namespace ondol::train {

inline Word2VecResult train_text(const Word2VecConfig& config, const std::string& text,
                                 int threads = 1, const KernelTable& kernels = best_kernels()) {
  const TempFile file("text.txt", text);
  const std::filesystem::path files[] = {file.path()};
  ThreadPool pool(threads);
  SilentProgress silent;
  return train_word2vec(config, files, pool, silent, {}, kernels);
}

// Sentences of words that occur about equally often, in no order.
inline std::string random_text(size_t sentences, uint64_t words) {
  Rng rng(5);
  std::string text;
  for (size_t s = 0; s < sentences; ++s) {
    const uint64_t length = 1 + rng.below(12);
    for (uint64_t i = 0; i < length; ++i) {
      // A square: some words are rare.
      const uint64_t a = rng.below(words), b = rng.below(words);
      text += "w" + std::to_string(std::min(a, b)) + " ";
    }
    text += "\n";
  }
  return text;
}

inline Word2VecConfig small(int sg) {
  Word2VecConfig config;
  config.vector_size = 20;
  config.min_count = 2;
  config.sample = 1e-2;
  config.alpha = 0.5;
  config.epochs = 2;
  config.sg = sg;
  return config;
}

}  // namespace ondol::train
