// How good word vectors are: likeness beside people's, analogies, nearest neighbours.
//
//   WordNeighbours near(vectors, pool);
//   for (const Neighbour& n : near.nearest("river", 10)) ...
//   WordSimilarity s = evaluate_similarity(vectors, read_word_pairs("wordsim353.tsv"));
//
// Words are looked up as they stand and, where they are missing, lower-cased. Likeness is the
// cosine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "train/word2vec_file.h"

namespace ondol::train {

struct WordPair {
  std::string first, second;
  double score = 0;  // what people said
};

struct WordSimilarity {
  double spearman = 0;  // rank correlation, equal values share their mean rank; NaN: undefined
  size_t pairs = 0;     // compared
  size_t unknown = 0;   // left out: a word is not in the vocabulary
};

// "word<TAB>word<TAB>score" lines; '#' begins a comment line. Throws Error(kCorruptData) with the
// line.
std::vector<WordPair> read_word_pairs(const std::filesystem::path& path);
WordSimilarity evaluate_similarity(const WordVectors& vectors, std::span<const WordPair> pairs);
// Of two lists of the same length; NaN when one has no two different values.
double spearman(std::span<const double> a, std::span<const double> b);

struct Analogy {
  std::string a, b, c, d;  // a is to b as c is to d
};

struct AnalogySection {
  std::string name;
  std::vector<Analogy> rows;
};

struct AnalogyScore {
  std::string name;
  size_t correct = 0;
  size_t asked = 0;
  size_t unknown = 0;  // left out: a word is not in the (restricted) vocabulary
};

struct AnalogyScores {
  std::vector<AnalogyScore> sections;
  AnalogyScore total;
};

// ": name" begins a section, then four words a line. Throws Error(kCorruptData) with the line.
std::vector<AnalogySection> read_analogies(const std::filesystem::path& path);

struct Neighbour {
  size_t row = 0;
  float cosine = 0;
};

// Vectors of length one, made once. `vectors` must outlive it.
class WordNeighbours {
 public:
  // restrict_vocab: look only among so many of the first (most frequent) words; 0: all.
  WordNeighbours(const WordVectors& vectors, ThreadPool& pool, size_t restrict_vocab = 0,
                 const KernelTable& kernels = best_kernels());

  // The `count` words most like it, best first, without itself. Throws Error(kNotFound) naming the
  // word.
  std::vector<Neighbour> nearest(const std::string& word, size_t count) const;
  // 3CosAdd (Mikolov et al. 2013): the word nearest to b - a + c, of unit vectors, that is none of
  // the three, must be d.
  AnalogyScores analogies(std::span<const AnalogySection> sections) const;

 private:
  std::span<const float> unit(size_t row) const;
  std::vector<Neighbour> nearest_to(std::span<const float> query, std::span<const size_t> without,
                                    size_t count) const;
  void score(const AnalogySection& section, AnalogyScore& out) const;

  const WordVectors& vectors_;
  ThreadPool& pool_;
  size_t rows_;
  const KernelTable& kernels_;
  std::vector<float> units_;  // [rows_, width]
};

}  // namespace ondol::train
