// What adapters add to a product: the pair of LoRA, the lengths of DoRA, dropout. The way forward
// and back of one adapter on its rows; ops::linear puts them together.
#pragma once

#include <cstdint>

#include "ops/context.h"
#include "ops/tape.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// A low-rank addition to a weight (Hu et al., "LoRA", 2021): scale * (x * down) * up. `down` is the
// transposed lora_A and `up` the transposed lora_B of PEFT; f32.
struct LowRank {
  Tensor down;  // [K, r]; undefined: none
  Tensor up;    // [r, N]
  float scale = 1;
  // DoRA (Liu et al., "DoRA: weight-decomposed low-rank adaptation", 2024): row n of the sum of the
  // weight and the addition is brought to the length magnitude[n]. Undefined: LoRA.
  Tensor magnitude;  // [N]
  // The lengths which those rows have, row_lengths(). They follow down and up; gradients take them
  // as constants, as the paper (4.3) and PEFT do.
  Tensor lengths;  // [N]
};

// Zeros among the inputs of adapters while they are trained; what stays is divided by its share.
// Element (row, column) of the batch is zero as (seed, stream, row, column) say and nothing else.
struct Dropout {
  float rate = 0;  // in steps of 1 / 65536
  uint64_t seed = 0;
  uint64_t stream = 0;
};

// The rows [row_begin, row_end) of the input that have it: an adapter belongs to a sequence.
struct LowRankRows {
  int64_t row_begin;
  int64_t row_end;
  const LowRank* adapter;
  Dropout dropout = {};
};

// ||weight[n] + scale * (down * up)^T[n]|| of every row: [N], as the weight is dequantised.
Tensor row_lengths(const KernelContext& kernel, const PackedMatrix& weight, const LowRank& pair);

// inout[count, K], rows row_begin and on of the batch, with zeros.
void drop(const KernelContext& kernel, const Dropout& dropout, int64_t row_begin, Tensor& inout);

// ---- for ops::linear ----

// Throws unless rows and shapes fit an input [T, K] of a weight of N rows.
void check_low_rank(const Tensor& x, int64_t outputs, const LowRankRows& rows);

// out[count, N] += (scale * x[rows] * down) * up; returns the inner factor [count, r].
Tensor add_low_rank(const Context& context, const Tensor& x, const LowRankRows& rows, Tensor& out);

// What the way back of one adapter needs.
struct SavedLowRank {
  LowRankRows rows;
  LowRank pair;
  Tensor inner;  // scale * x * down
  Tape::Value down, up;
};

// From dout[T, N]: gradients of both matrices, and dx[T, K] += unless it is undefined. `x` is
// needed for the gradient of `down` only.
void low_rank_backward(const Context& context, const SavedLowRank& low, const Tensor& x,
                       const Tensor& dout, Tensor& dx);

// out[t][n] (or +=) magnitude[n] / lengths[n] * sum[t][n] + bias[n]; bias may be null. `out` points
// at the first of the rows.
void scale_rows(const KernelContext& kernel, const LowRank& pair, const Tensor& sum,
                const float* bias, bool accumulate, float* out);
// The same scale for a gradient, in place: rows row_begin and on of dout[T, N].
void scale_gradient(const KernelContext& kernel, const LowRankRows& rows, Tensor& dout);
// dmagnitude[n] += sum over t of dout[row_begin + t][n] * sum[t][n] / lengths[n]
void magnitude_backward(const KernelContext& kernel, const LowRankRows& rows, const Tensor& sum,
                        const Tensor& dout, Tensor& dmagnitude);

}  // namespace ondol::ops
