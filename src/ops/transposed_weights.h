// Int8 copies of transposed weights, for gradients in fast precision: dx = dy * W is then the same
// product of quantised numbers that inference uses, instead of one in f32 against dequantised
// weights. Blocks of 32 along the outputs (Q8_0), 8.5 bits a weight.
//
//   TransposedWeights transposed;             // lives as long as the training
//   Tape tape(&transposed);
//
// Copies are made when first asked for. What the rounding costs: docs/decisions/0017. A weight that
// training changes is tracked: its copy comes from the floats it is rounded from, and is renewed
// after each step.
#pragma once

#include <memory>
#include <unordered_map>

#include "kernels/kernels.h"

namespace ondol::ops {

class TransposedWeights {
 public:
  // The copy of `weight` [N, K], [K, N]; null if N is no multiple of the block.
  const PackedMatrix* of(const PackedMatrix& weight, ThreadPool& pool);
  // `values` [N, K] are what `weight` is rounded from; they outlive this.
  void track(const PackedMatrix& weight, const float* values) { tracked_[&weight] = values; }
  // Copies of tracked weights take their values of now.
  void renew(ThreadPool& pool);
  size_t bytes() const { return bytes_; }

 private:
  std::unordered_map<const PackedMatrix*, std::unique_ptr<PackedMatrix>> copies_;
  std::unordered_map<const PackedMatrix*, const float*> tracked_;
  PackArena arena_;
  size_t bytes_ = 0;
};

}  // namespace ondol::ops
