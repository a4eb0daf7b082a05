// Several weight matrices applied to one input, which is read (and quantised) once: the query, key
// and value projections of a layer, or the gate and up projections of an MLP.
//
//   linear(context, x, {{{.weight = &wq, .out = &q}, {.weight = &wk, .out = &k}}});
#pragma once

#include "ops/context.h"
#include "ops/low_rank.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// One product x[T, K] * weight[N, K]^T.
struct LinearPart {
  const PackedMatrix* weight;
  const Tensor* bias = nullptr;  // [N]; null or undefined: none
  Tensor* out;                   // [T, N]
  bool accumulate = false;       // out += instead of out =: a residual stream; out has its shape
  // Several may be on one row, but only one with magnitudes (DoRA), and then no other.
  std::vector<LowRankRows> adapters = {};
};

void linear(const Context& context, const Tensor& x, std::span<const LinearPart> parts);

// Entries `rows` (ascending, each in [0, N)) of the product of x[1, K] with weight[N, K], as
// linear() gives them; some others of out[N] may be written too.
void linear_rows(const Context& context, const Tensor& x, const PackedMatrix& weight,
                 std::span<const int32_t> rows, std::span<float> out);

}  // namespace ondol::ops
