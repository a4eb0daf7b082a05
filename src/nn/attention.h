// The attention block of a layer: projections, rotary positions, keys and values into pages, the
// attention itself, and the output projection added to the residual stream.
#pragma once

#include "nn/linear.h"
#include "nn/rope.h"
#include "nn/sequence_batch.h"
#include "ops/attention.h"

namespace ondol::nn {

// Buffers that live across the layers of one forward, so that memory is taken once.
struct AttentionBuffers {
  Tensor q, k, v, attended;
  std::vector<std::vector<KvPage>> pages;  // of one layer, one list a sequence
};

struct Attention {
  Linear query, key, value, output;
  AttentionShape shape{};
  bool causal = true;

  // residual[T, D] += output(attention(x)); x[T, D] may be the residual itself. Keys and values go
  // to `layer` of the batch's pages. `biases`: what is added to the scores [H, rows, keys], one
  // tensor a sequence; empty: nothing.
  void forward(const ops::Context& context, const Tensor& x, const SequenceBatch& batch,
               int64_t layer, const ops::RopeRows& rope, AttentionBuffers& buffers,
               Tensor& residual, std::span<const Tensor> biases = {}) const;
};

// The attention of a decoder's layer over the states of an encoder.
struct CrossAttention {
  Linear query, key, value, output;
  AttentionShape shape{};

  // residual[T, D] += output(attention(x)) over the tokens that `memory` names; x[T, D] may be the
  // residual itself.
  void forward(const ops::Context& context, const Tensor& x, const SequenceBatch& batch,
               const EncoderMemory& memory, int64_t layer, AttentionBuffers& buffers,
               Tensor& residual) const;
};

// Throws Error(kInvalidArgument) unless the slices cover rows 0 .. tokens in order and each has
// pages for its tokens.
void check_batch(const SequenceBatch& batch, int64_t tokens);

}  // namespace ondol::nn
