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

// The one list of the settings of `ondol train word2vec`, as visit_fields of train_fields.h.
template <class Visitor>
void visit_fields(Visitor& v, train::Word2VecConfig& c) {
  v("vector_size", c.vector_size, "numbers of a vector");
  v("window", c.window, "words seen to either side");
  v("shrink_windows", c.shrink_windows, "windows of 1 to `window` words, each as often");
  v("min_count", c.min_count, "rarer words are left out");
  v("max_final_vocab", c.max_final_vocab, "most frequent words that are kept; 0: all");
  v("sample", c.sample, "words with a larger share are thinned out; 0: none");
  v("negative", c.negative, "words drawn to be told from each, 1 to 31");
  v("ns_exponent", c.ns_exponent, "they are drawn by count to the power of this");
  v("alpha", c.alpha, "learning rate at the beginning");
  v("min_alpha", c.min_alpha, "and at the end");
  v("epochs", c.epochs, "passes over the text");
  v("sg", c.sg, "1: skip-gram, 0: CBOW");
  v("cbow_mean", c.cbow_mean, "CBOW: 1 the mean of the window, 0 its sum");
  v("seed", c.seed, "of all draws");
  v("split_at_spaces", c.split_at_spaces, "words as they stand between spaces");
  v("sigmoid_table", c.sigmoid_table, "the sigmoid of gensim: 1000 steps from -6 to 6");
  v("deterministic", c.deterministic,
    "one thread's order, the same bits on each run; false: faster");
}

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
