// Learning merges of pairs: the most frequent pair of neighbours becomes a token, again and again.
//
// Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016, in the
// order of Hugging Face's BpeTrainer: the higher count first, among equals the pair of the lower
// ids. Byte-level BPE keeps the merges; WordPiece, as its trainer there, only the tokens.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"

namespace ondol::train {

// Words as ids into `tokens`; word w is symbols[ends[w - 1], ends[w]).
struct MergeProblem {
  std::vector<std::string> tokens;  // what there is before any merge
  size_t special_count = 0;         // the first so many never come out of a merge
  std::vector<int32_t> symbols;
  std::vector<size_t> ends;
  std::vector<uint64_t> counts;  // of each word
  std::string prefix;            // of a token inside a word ("##"), dropped when it is merged
  size_t vocab_size = 0;
  uint64_t min_frequency = 0;
};

struct Merges {
  std::vector<std::string> tokens;  // those of the problem, then one a merge
  std::vector<std::pair<int32_t, int32_t>> merges;
};

Merges learn_merges(MergeProblem problem, ProgressSink& progress);

}  // namespace ondol::train
