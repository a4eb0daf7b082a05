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
#include <vector>

#include "base/rng.h"
#include "infer/generator.h"
#include "infer/vocabulary_scan.h"

namespace ondol {

class Sampler {
 public:
  Sampler(const SamplerOptions& options, uint64_t stream, std::span<const TokenId> prompt);
  // `logits` is changed in place (bias, penalties); minus infinity: not allowed. Throws
  // Error(kInvalidArgument) where no token is left.
  TokenId pick(std::span<float> logits);
  // Remembers a token that was not drawn because it was the only one allowed. Draws no number.
  void accept(TokenId id) { ++answer_counts_[id]; }

 private:
  void adjust(std::span<float> logits) const;
  TokenId draw_any(const infer::VocabularyScan& scan, float floor);
  TokenId draw_best(std::span<const float> logits, const infer::VocabularyScan& scan, float floor);
  size_t keep(const infer::VocabularyScan::Best& best, double sum);
  TokenId draw(const infer::VocabularyScan::Best& best);

  SamplerOptions options_;
  Rng rng_;
  std::unordered_map<TokenId, int64_t> answer_counts_;
  std::unordered_map<TokenId, int64_t> prompt_counts_;
  std::vector<double> probabilities_;  // of the kept candidates, best first; not normalised
};

// The lowest id among the largest logits.
TokenId argmax(std::span<const float> logits);

// Log-probability of `id`, and of the `top` most likely tokens, of softmax(logits).
TokenLogprob token_logprob(std::span<const float> logits, TokenId id, int64_t top);

}  // namespace ondol
