// What searches ask the workspace's model: short tasks with a short answer in JSON.
//
//   ModelQuestion question{.task = question_task(query.text, kTask), .field = "queries", ...};
//   std::vector<std::vector<std::string>> answers = ask_model(corpus.model(), {question, ...});
//
// All are submitted before the first is waited for. An answer that is not the JSON asked for, that
// is cut, empty or without a word, or that never came (an endpoint that failed, a limit that was
// reached) is an empty list: the caller searches without it. Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infer/cached_generator.h"
#include "infer/slots.h"

namespace ondol::ground {

// The same words in both languages.
struct Wording {
  std::string_view english;
  std::string_view korean;
};
// In the language of `text`: Korean for Korean, else English.
std::string_view wording_for(std::string_view text, const Wording& wording);

struct ModelQuestion {
  std::string system;
  std::string user;
  std::string field;           // of the object that is answered
  int64_t texts = 1;           // in it; 1: a string, above: a list of so many and no more
  int64_t characters_min = 0;  // of each: small models are glad to write nothing
  int64_t characters_max = 200;
  uint64_t seed = 0;  // above 0: drawn at a temperature, not the likeliest
  // A turn shown first, with its answer: it gives small models the form. Texts that only repeat it
  // are dropped.
  std::string example = {};
  std::string example_answer = {};
  std::vector<int64_t> sources = {};  // chunks that `user` quotes
  bool remember = true;               // false: it quotes what has no chunk to go with
};

// The texts answered, blanks folded, without those that have no letter or digit.
std::vector<std::vector<std::string>> ask_model(CachedGenerator& model,
                                                std::span<const ModelQuestion> questions);

// Blanks folded to one, none at the ends.
std::string fold_blanks(std::string_view text);
// At most this many code points, whole words where there is one to cut at.
std::string shorten(std::string_view text, size_t characters_max);
// For comparing questions: folded, without punctuation at the end.
std::string question_key(std::string_view text);

// Passages as a numbered list for a prompt, each shortened, and their chunks.
std::string passages_text(std::span<const Evidence> passages, size_t count_max,
                          size_t characters_max);
std::vector<int64_t> chunks_of(std::span<const Evidence> passages, size_t count_max);
// False where a report or a fact is among them: they rest on more chunks than they name.
bool all_are_chunks(std::span<const Evidence> passages, size_t count_max);

}  // namespace ondol::ground
