// Rotary positions (Su et al., "RoFormer", 2021): which angle a pair of a head's elements is turned
// by at a position.
//
//   Rope rope(RopeConfig{.base = 10000, .rotary_width = 64});
//   ops::RopeRows rows = rope.rows(batch);        // cosines and sines of every token of the batch
//
// Frequencies and angles are f32, as Hugging Face computes them (a double would differ from a
// model's own training at far positions). Rows are made a batch at a time: a few thousand sines
// cost less than a page of a table that reaches the longest context. Immutable.
#pragma once

#include <vector>

#include "nn/sequence_batch.h"
#include "ops/attention.h"

namespace ondol::nn {

struct RopeConfig {
  double base = 10000;       // theta
  int64_t rotary_width = 0;  // leading elements of a head that turn; 0: no rotary positions
  RopeLayout layout = RopeLayout::kHalves;
  double linear_factor = 1;  // angles are divided by it (position interpolation)
  // Llama 3.1's scaling: low frequencies are divided by `factor`, high ones kept, those between
  // blended. original_context 0: none.
  struct Llama3 {
    double factor = 1;
    double low_frequency_factor = 1;
    double high_frequency_factor = 4;
    double original_context = 0;
  } llama3;
  // GGUF's rope_freqs.weight [rotary_width / 2]: frequency i is divided by factor i. Empty: none.
  std::vector<float> frequency_factors;
};

class Rope {
 public:
  explicit Rope(const RopeConfig& config);
  const std::vector<float>& frequencies() const { return frequencies_; }
  ops::RopeRows rows(const SequenceBatch& batch) const;

 private:
  RopeLayout layout_;
  int64_t rotary_width_;
  std::vector<float> frequencies_;  // [rotary_width / 2]
};

}  // namespace ondol::nn
