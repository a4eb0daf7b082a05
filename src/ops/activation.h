// Elementwise parts of a block: activations and gates of an MLP, the residual sum.
#pragma once

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// gate[T, D] = silu(gate) * up (Shazeer, "GLU variants improve transformer", 2020).
void silu_multiply(const Context& context, Tensor& gate, const Tensor& up);
void gelu(const Context& context, Tensor& inout);       // exact, with erf
void gelu_tanh(const Context& context, Tensor& inout);  // the tanh approximation
void relu(const Context& context, Tensor& inout);
void add(const Context& context, const Tensor& x, Tensor& inout);
// inout[T, D] *= x: the gate of other activations than silu.
void multiply(const Context& context, const Tensor& x, Tensor& inout);
// inout *= factor
void scale(const Context& context, float factor, Tensor& inout);

}  // namespace ondol::ops
