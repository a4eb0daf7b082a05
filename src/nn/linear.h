// The small blocks: a weight with its bias, a norm with its weights. They own what they hold and
// are immutable after loading.
#pragma once

#include "ops/linear.h"
#include "ops/norm.h"

namespace ondol::nn {

// y[T, N] = x[T, K] * weight[N, K]^T + bias
struct Linear {
  PackedMatrix weight;
  Tensor bias;  // [N]; undefined: none

  // For ops::linear, alone or with others that read the same input.
  ops::LinearPart to(Tensor& out) const { return {.weight = &weight, .bias = &bias, .out = &out}; }
  ops::LinearPart add_to(Tensor& out) const {
    return {.weight = &weight, .bias = &bias, .out = &out, .accumulate = true};
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
