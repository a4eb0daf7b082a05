#include "nn/mlp.h"

#include <array>

#include "ops/activation.h"

namespace ondol::nn {

void Mlp::forward(const ops::Context& context, const Tensor& x, const SequenceBatch& batch,
                  MlpBuffers& buffers, Tensor& residual) const {
  Tensor* hidden = gate ? &buffers.gate : &buffers.up;
  if (gate) {
    const std::array parts = {gate->to(buffers.gate, batch), up.to(buffers.up, batch)};
    ops::linear(context, x, parts);
  } else {
    const std::array parts = {up.to(buffers.up, batch)};
    ops::linear(context, x, parts);
  }
  switch (activation) {
    case Activation::kSiluGated:
      ops::silu_multiply(context, *hidden, buffers.up);
      break;
    case Activation::kGeluTanhGated:
      ops::gelu_tanh(context, *hidden);
      ops::multiply(context, buffers.up, *hidden);
      break;
    case Activation::kGelu:
      ops::gelu(context, *hidden);
      break;
    case Activation::kGeluTanh:
      ops::gelu_tanh(context, *hidden);
      break;
    case Activation::kRelu:
      ops::relu(context, *hidden);
      break;
  }
  const std::array parts = {down.add_to(residual, batch)};
  ops::linear(context, *hidden, parts);
}

}  // namespace ondol::nn
