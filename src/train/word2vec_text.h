// Plain texts as word ids: what word2vec reads.
//
//   WordCorpus corpus = read_words({"wiki.txt"}, {.min_count = 5}, progress);
//   for (size_t s = 0; s < corpus.sentences(); ++s) use(corpus.sentence(s));
//
// A line is a sentence (or a paragraph: no window reaches over its end). The files are read once,
// in pieces; what stays in memory is four bytes a word and the vocabulary. Words are runs of
// Unicode letters, marks and digits, composed (NFC) and lower-cased by the pinned tables of
// text/unicode.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"

namespace ondol::train {

inline constexpr size_t kWordBytesMax = 65536;

struct WordCorpusConfig {
  bool split_at_spaces = false;       // take what stands between white space as it is
  uint64_t min_count = 5;             // rarer words are left out, before windows are laid
  uint64_t max_final_vocab = 0;       // keep only so many of the most frequent; 0: all
  size_t max_sentence_words = 10000;  // a longer line becomes several sentences
};

struct WordCorpus {
  std::vector<std::string> words;  // most frequent first, equal ones by their bytes
  std::vector<uint64_t> counts;
  std::vector<uint32_t> ids;  // all sentences, words of the vocabulary only
  std::vector<size_t> ends;   // of each sentence, in ids

  uint64_t words_read = 0;  // with those left out
  uint64_t words_distinct = 0;
  uint64_t lines = 0;      // that have a word
  uint64_t lines_cut = 0;  // longer than max_sentence_words

  size_t sentences() const { return ends.size(); }
  std::span<const uint32_t> sentence(size_t index) const {
    const size_t begin = index == 0 ? 0 : ends[index - 1];
    return std::span(ids).subspan(begin, ends[index] - begin);
  }
};

// Throws Error(kNotFound) for a missing file, Error(kCorruptData) with file and line for bytes that
// are not UTF-8, Error(kInvalidArgument) when nothing is left to learn from: no word at all, none
// as frequent as min_count, fewer than two words in every sentence or in the vocabulary.
WordCorpus read_words(std::span<const std::filesystem::path> files, const WordCorpusConfig& config,
                      ProgressSink& progress);

}  // namespace ondol::train
