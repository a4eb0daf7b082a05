// Several weight matrices applied to one input, which is read (and quantised) once: the query, key
// and value projections of a layer, or the gate and up projections of an MLP.
//
//   linear(context, x, {{{.weight = &wq, .out = &q}, {.weight = &wk, .out = &k}}});
#pragma once

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// A low-rank addition to a weight (Hu et al., "LoRA", 2021): scale * (x * down) * up. `down` is the
// transposed lora_A and `up` the transposed lora_B of PEFT; f32.
struct LowRank {
  Tensor down;  // [K, r]; undefined: none
  Tensor up;    // [r, N]
  float scale = 1;
};

// The rows [row_begin, row_end) of the input that have it: an adapter belongs to a sequence.
struct LowRankRows {
  int64_t row_begin;
  int64_t row_end;
  const LowRank* adapter;
};

// One product x[T, K] * weight[N, K]^T.
struct LinearPart {
  const PackedMatrix* weight;
  const Tensor* bias = nullptr;  // [N]; null or undefined: none
  Tensor* out;                   // [T, N]
  bool accumulate = false;       // out += instead of out =: a residual stream; out has its shape
  std::vector<LowRankRows> adapters = {};
};

void linear(const Context& context, const Tensor& x, std::span<const LinearPart> parts);

// Entries `rows` (ascending, each in [0, N)) of the product of x[1, K] with weight[N, K], as
// linear() gives them; some others of out[N] may be written too.
void linear_rows(const Context& context, const Tensor& x, const PackedMatrix& weight,
                 std::span<const int32_t> rows, std::span<float> out);

}  // namespace ondol::ops
