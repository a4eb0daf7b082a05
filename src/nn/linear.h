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
  std::vector<ops::LowRankRows> adapters(const SequenceBatch& batch) const {
    std::vector<ops::LowRankRows> rows;
    add_rows(batch, &Adapter::by_slot,
             {batch.noise.adapter_dropout, batch.noise.seed, uint64_t{slot} + 1}, rows);
    add_rows(batch, &Adapter::fixed_by_slot, {}, rows);
    return rows;
  }
  // Neighbouring sequences with one adapter are one range of rows.
  void add_rows(const SequenceBatch& batch, std::vector<ops::LowRank> Adapter::*pairs,
                const ops::Dropout& dropout, std::vector<ops::LowRankRows>& rows) const {
    const size_t first = rows.size();
    for (const SequenceSlice& s : batch.sequences) {
      if (!s.adapter || slot >= (s.adapter->*pairs).size()) continue;
      const ops::LowRank* pair = &(s.adapter->*pairs)[slot];
      if (!pair->down.defined() || s.token_begin == s.token_end) continue;
      if (rows.size() > first && rows.back().adapter == pair &&
          rows.back().row_end == s.token_begin) {
        rows.back().row_end = s.token_end;
      } else {
        rows.push_back({s.token_begin, s.token_end, pair, dropout});
      }
    }
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
