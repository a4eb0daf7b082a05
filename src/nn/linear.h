// The small blocks: a weight with its bias, a norm with its weights. They own what they hold and
// are immutable after loading.
#pragma once

#include "nn/sequence_batch.h"
#include "ops/linear.h"
#include "ops/norm.h"

namespace ondol::nn {

// y[T, N] = x[T, K] * weight[N, K]^T + bias
struct Linear {
  PackedMatrix weight;
  Tensor bias;      // [N]; undefined: none
  size_t slot = 0;  // where an Adapter keeps what it adds to this weight

  // For ops::linear, alone or with others that read the same input.
  ops::LinearPart to(Tensor& out, const SequenceBatch& batch) const {
    return {.weight = &weight, .bias = &bias, .out = &out, .adapters = adapters(batch)};
  }
  ops::LinearPart add_to(Tensor& out, const SequenceBatch& batch) const {
    return {.weight = &weight,
            .bias = &bias,
            .out = &out,
            .accumulate = true,
            .adapters = adapters(batch)};
  }

 private:
  // Neighbouring sequences with one adapter are one range of rows.
  std::vector<ops::LowRankRows> adapters(const SequenceBatch& batch) const {
    std::vector<ops::LowRankRows> rows;
    for (const SequenceSlice& s : batch.sequences) {
      if (!s.adapter || slot >= s.adapter->by_slot.size()) continue;
      const ops::LowRank* pair = &s.adapter->by_slot[slot];
      if (!pair->down.defined() || s.token_begin == s.token_end) continue;
      if (!rows.empty() && rows.back().adapter == pair && rows.back().row_end == s.token_begin) {
        rows.back().row_end = s.token_end;
      } else {
        rows.push_back({s.token_begin, s.token_end, pair});
      }
    }
    return rows;
  }
};

struct Norm {
  enum class Kind : uint8_t { kRms, kLayer };
  Kind kind = Kind::kRms;
  Tensor weight;  // [D]
  Tensor bias;    // [D]; layer norm only
  float epsilon = 1e-5F;

  void forward(const ops::Context& context, const Tensor& x, Tensor& out) const {
    if (kind == Kind::kRms) {
      ops::rms_norm(context, x, weight, epsilon, out);
    } else {
      ops::layer_norm(context, x, weight, bias, epsilon, out);
    }
  }
};

}  // namespace ondol::nn
