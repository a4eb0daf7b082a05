// Chooses the next token of one sequence from its logits.
//
//   Sampler sampler(options, /*stream=*/sample_index, prompt_ids);
//   TokenId next = sampler.pick(logits);   // and remembers it
//
// A pure function of options, stream, history and logits: the same draw whatever runs beside it.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "infer/generator.h"

namespace ondol {

class Sampler {
 public:
  Sampler(const SamplerOptions& options, uint64_t stream, std::span<const TokenId> prompt);
  // `logits` is changed in place (bias, penalties).
  TokenId pick(std::span<float> logits);

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };
  void adjust(std::span<float> logits) const;
  void keep_top_k(std::span<const float> logits);
  void keep_top_p_and_min_p();
  TokenId draw();

  SamplerOptions options_;
  Rng rng_;
  std::unordered_map<TokenId, int64_t> answer_counts_;
  std::unordered_map<TokenId, int64_t> prompt_counts_;
  std::vector<Candidate> candidates_;
  std::vector<double> probabilities_;
};

// The lowest id among the largest logits.
TokenId argmax(std::span<const float> logits);

// Log-probability of `id`, and the `top` most likely tokens, of softmax(logits) in double.
TokenLogprob token_logprob(std::span<const float> logits, TokenId id, int64_t top);

}  // namespace ondol
