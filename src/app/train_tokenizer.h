// `ondol train tokenizer`: texts in, a folder with a tokenizer out.
//
//   TrainTokenizerSummary s = train_tokenizer_run({.type = "bpe"}, {"wiki.txt"}, "runs/tok", pool,
//                                                 progress);
//
// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json, which Hugging Face and
// ondol load, and tokenizer_training.json (settings and what the tokenizer makes of the texts),
// each whole or not at all.
#pragma once

#include <filesystem>
#include <vector>

#include "train/tokenizer_training.h"

namespace ondol::app {

// The one list of the settings of `ondol train tokenizer`, as visit_fields of train_fields.h.
template <class Visitor>
void visit_fields(Visitor& v, train::TokenizerTraining& c) {
  v("type", c.type, "bpe (of bytes), unigram or wordpiece");
  v("vocab_size", c.vocab_size, "tokens, special ones included");
  v("special_tokens", c.special_tokens, "the first ids; empty: the usual ones of the type");
  v("min_frequency", c.min_frequency, "bpe, wordpiece: rarer pairs are not merged");
  v("limit_alphabet", c.limit_alphabet,
    "unigram, wordpiece: most frequent characters that are kept; 0: all");
  v("pre_tokenizer", c.pre_tokenizer, "bpe: gpt-2, smollm, llama-bpe or qwen2");
  v("lowercase", c.lowercase, "unigram, wordpiece: yes, no, auto (yes for wordpiece)");
  v("normalizer", c.normalizer, "unigram: nmt_nfkc or identity");
  v("byte_fallback", c.byte_fallback, "unigram: unknown characters as bytes");
  v("max_piece_length", c.max_piece_length, "unigram: characters of a piece");
  v("shrinking_factor", c.shrinking_factor, "unigram: share of the pieces a pruning keeps");
  v("n_sub_iterations", c.n_sub_iterations, "unigram: EM steps between two prunings");
  v("seed_size", c.seed_size, "unigram: pieces it begins with");
}

struct TrainTokenizerSummary {
  size_t vocabulary = 0;
  double tokens_per_word = 0;
  double tokens_per_byte = 0;
  double unknown_share = 0;  // of the tokens
  uint64_t bytes = 0;
  double seconds = 0;
  std::filesystem::path folder;
};

// Errors are those of train::train_tokenizer and of writing.
TrainTokenizerSummary train_tokenizer_run(const train::TokenizerTraining& settings,
                                          const std::vector<std::filesystem::path>& files,
                                          const std::filesystem::path& output, ThreadPool& pool,
                                          ProgressSink& progress);

}  // namespace ondol::app
