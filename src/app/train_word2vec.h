// `ondol train word2vec`: texts in, a folder with word vectors out.
//
//   Word2VecSummary s = train_word2vec_run({.sg = 1}, {"wiki.txt"}, "runs/words", pool, progress);
//
// Writes vectors.bin, vectors.vec (train/word2vec_file.h), metrics.jsonl (a row an epoch, while it
// goes) and word2vec.json (all settings, counts of the text, instruction set, last loss), each
// whole or not at all.
#pragma once

#include <filesystem>
#include <vector>

#include "train/word2vec.h"

namespace ondol::app {

struct Word2VecSummary {
  size_t words = 0;  // in the vocabulary
  size_t width = 0;
  uint64_t words_read = 0;
  double loss = 0;  // of the last epoch
  double seconds = 0;
  double words_per_second = 0;  // read, of all epochs, without the reading of the files
  std::filesystem::path vectors_bin;
  std::filesystem::path vectors_vec;
};

// Errors are those of train::train_word2vec and of writing. A folder that has vectors from before
// gets new ones.
Word2VecSummary train_word2vec_run(const train::Word2VecConfig& config,
                                   const std::vector<std::filesystem::path>& files,
                                   const std::filesystem::path& output, ThreadPool& pool,
                                   ProgressSink& progress);

}  // namespace ondol::app
