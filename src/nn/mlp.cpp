#include "nn/mlp.h"

#include <array>

#include "ops/activation.h"

namespace ondol::nn {

void Mlp::forward(const ops::Context& context, const Tensor& x, const SequenceBatch& batch,
                  MlpBuffers& buffers, Tensor& residual) const {
  Tensor* hidden = &buffers.up;
  if (activation == Activation::kSiluGated) {
    const std::array parts = {gate->to(buffers.gate, batch), up.to(buffers.up, batch)};
    ops::linear(context, x, parts);
    ops::silu_multiply(context, buffers.gate, buffers.up);
    hidden = &buffers.gate;
  } else {
    const std::array parts = {up.to(buffers.up, batch)};
    ops::linear(context, x, parts);
    if (activation == Activation::kGelu) {
      ops::gelu(context, buffers.up);
    } else {
      ops::gelu_tanh(context, buffers.up);
    }
  }
  const std::array parts = {down.add_to(residual, batch)};
  ops::linear(context, *hidden, parts);
}

}  // namespace ondol::nn
