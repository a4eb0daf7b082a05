// Elementwise parts of a block: the gated activation of an MLP, GELU, the residual sum.
#pragma once

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// gate[T, D] = silu(gate) * up (Shazeer, "GLU variants improve transformer", 2020).
void silu_multiply(const Context& context, Tensor& gate, const Tensor& up);
void gelu(const Context& context, Tensor& inout);       // exact, with erf
void gelu_tanh(const Context& context, Tensor& inout);  // the tanh approximation
void add(const Context& context, const Tensor& x, Tensor& inout);

}  // namespace ondol::ops
