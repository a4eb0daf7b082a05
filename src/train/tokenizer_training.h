// Training a tokenizer: byte-level BPE, Unigram or WordPiece from plain texts.
//
//   TokenizerTraining settings{.type = "unigram", .vocab_size = 8000};
//   TrainedTokenizer made = train_tokenizer(settings, {{"wiki.txt"}}, pool, progress);
//   write_file_atomic("tokenizer.json", text::tokenizer_json(made.config));
//
// Names and defaults are those of Hugging Face's trainers; what is read, and how, as their
// Tokenizer.train(files): a line with its end is a text of its own. The result depends on texts and
// settings only: not on the number of threads, the order of a hash table or the order of the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "text/tokenizer.h"
#include "train/tokenizer_measure.h"
#include "train/tokenizer_words.h"

namespace ondol::train {

struct TokenizerTraining {
  std::string type = "bpe";  // bpe, unigram, wordpiece
  int64_t vocab_size = 30000;
  // Empty: <|endoftext|> (bpe); <pad>, </s>, <unk> (unigram); [PAD], [UNK], [CLS], [SEP], [MASK]
  // (wordpiece). The first ids, in this order.
  std::vector<std::string> special_tokens;
  int64_t min_frequency = 0;   // bpe, wordpiece: rarer pairs are not merged
  int64_t limit_alphabet = 0;  // unigram, wordpiece: most frequent characters that are kept; 0: all
  // bpe
  std::string pre_tokenizer = "gpt-2";
  // unigram, wordpiece: "yes", "no", "auto" (yes for wordpiece); takes accents off too in WordPiece
  std::string lowercase = "auto";
  // unigram
  std::string normalizer = "nmt_nfkc";  // or "identity"
  bool byte_fallback = false;
  int64_t max_piece_length = 16;  // characters
  double shrinking_factor = 0.75;
  int64_t n_sub_iterations = 2;
  int64_t seed_size = 1'000'000;
};

// Throws Error(kInvalidArgument) naming the first setting without a meaning.
void check_tokenizer_training(const TokenizerTraining& settings);

struct TrainedTokenizer {
  text::TokenizerConfig config;
  uint64_t words_distinct = 0;  // that it was learned from
  TokenizerMeasure of_texts;    // what it makes of the texts
  double seconds = 0;           // of the training, reading the texts included
};

// Throws Error(kNotFound), Error(kCorruptData) with file and line for what is not UTF-8 or no row,
// Error(kInvalidArgument) for settings without a meaning, texts without a word, and a vocabulary
// too small for the characters of the texts.
TrainedTokenizer train_tokenizer(const TokenizerTraining& settings,
                                 std::span<const std::filesystem::path> files, ThreadPool& pool,
                                 ProgressSink& progress);
// The same from texts in memory.
TrainedTokenizer train_tokenizer(const TokenizerTraining& settings, const TextLines& texts,
                                 ThreadPool& pool, ProgressSink& progress);

}  // namespace ondol::train
