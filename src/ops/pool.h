// One vector of each sequence of a ragged batch, from the states of its tokens, as sentence
// encoders and classifiers take it (Reimers and Gurevych, "Sentence-BERT", 2019).
//
//   pool(context, states, begins, Pooling::kMean, vectors);
//   normalize_rows(context, vectors, unit);
//
// Sums run over the tokens in order, in double precision. Under a tape gradients flow back.
#pragma once

#include <cstdint>
#include <span>

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

enum class Pooling : uint8_t { kMean, kCls, kLast };

// states[T, D], begins[S + 1]: sequence s is rows [begins[s], begins[s + 1]), at least one. out[S,
// D]
void pool(const Context& context, const Tensor& states, std::span<const int64_t> begins,
          Pooling pooling, Tensor& out);

// Rows of length one. A row of zeros stays one, without a gradient. x[S, D], out[S, D]
void normalize_rows(const Context& context, const Tensor& x, Tensor& out);

}  // namespace ondol::ops
