// Losses over pairs of sentence vectors of length one, a batch at a time.
//
//   normalize_rows(context, pooled, vectors);         // first halves of all pairs, then second
//   ones LossSum loss = in_batch_negatives(context, vectors, pairs, {.scale = 1.0F / pairs});
//
// Under a tape the gradient of options.scale * loss is made in the same pass. Sums are in double
// precision, in order.
#pragma once

#include <span>

#include "ops/context.h"
#include "ops/loss.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// The usual factor on cosines before a softmax: a temperature of 1/20.
inline constexpr double kCosineScale = 20;

// vectors[pairs + C, D], C at least `pairs`: row i belongs to row pairs + i; all other rows behind
// the first `pairs` are its negatives (Henderson et al., "Efficient natural language response
// suggestion", 2017; sentence-transformers: MultipleNegativesRankingLoss). Loss: the sum over the
// pairs of the cross entropy of cosine_scale * cosines. `correct`: whose own partner is nearest.
LossSum in_batch_negatives(const Context& context, const Tensor& vectors, int64_t pairs,
                           const LossOptions& options, double cosine_scale = kCosineScale);

// vectors[2 * B, D], scores[B]: the cosines of rows i and B + i should be ordered as the scores are
// (Su, "CoSENT", 2022; sentence-transformers: CoSENTLoss): log(1 + sum over i, j with
// scores[i] > scores[j] of exp(cosine_scale * (cos_j - cos_i))). One number a batch: `tokens` is 1,
// `correct` 0.
LossSum ordered_cosines(const Context& context, const Tensor& vectors,
                        std::span<const float> scores, const LossOptions& options,
                        double cosine_scale = kCosineScale);

}  // namespace ondol::ops
