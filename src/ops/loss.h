// The loss of a language model: the head's product and the cross entropy of its logits, a chunk of
// rows at a time, so that the logits of all tokens never stand in memory at once. Rows without a
// target cost nothing.
//
//   LossSum loss = linear_cross_entropy(context, hidden, head, targets, {.scale = 1.0F / labels});
//
// Under a tape the gradient of scale * loss is made in the same pass.
#pragma once

#include <cstdint>
#include <span>

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

struct LossOptions {
  float scale = 1;  // of the gradients: one over the label tokens of the whole optimizer step
  float label_smoothing = 0;
};

struct LossSum {
  double loss = 0;      // sum of -log p(target), smoothed if asked for
  int64_t tokens = 0;   // rows with a target
  int64_t correct = 0;  // whose target has the largest logit
};

inline constexpr int32_t kNoTarget = -1;

// hidden[T, D], head[V, D], targets[T] in [0, V) or kNoTarget.
LossSum linear_cross_entropy(const Context& context, const Tensor& hidden, const PackedMatrix& head,
                             std::span<const int32_t> targets, const LossOptions& options = {});

}  // namespace ondol::ops
