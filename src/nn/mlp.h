// The feed-forward block of a layer, gated (silu(gate) * up) or plain (gelu(up)), added to the
// residual stream.
#pragma once

#include <optional>

#include "nn/linear.h"

namespace ondol::nn {

struct MlpBuffers {
  Tensor gate, up;
};

struct Mlp {
  enum class Activation : uint8_t { kSiluGated, kGeluTanhGated, kGelu, kGeluTanh, kRelu };
  Activation activation = Activation::kSiluGated;
  std::optional<Linear> gate;  // of a gated activation, else none
  Linear up, down;

  // residual[T, D] += down(activation(x)); x[T, D] may be the residual itself.
  void forward(const ops::Context& context, const Tensor& x, const SequenceBatch& batch,
               MlpBuffers& buffers, Tensor& residual) const;
};

}  // namespace ondol::nn
