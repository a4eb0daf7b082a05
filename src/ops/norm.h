// Normalisation of rows: x[T, D] -> out[T, D]. `out` may be `x` itself.
#pragma once

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

void rms_norm(const Context& context, const Tensor& x, const Tensor& weight /* [D] */,
              float epsilon, Tensor& out);
void layer_norm(const Context& context, const Tensor& x, const Tensor& weight /* [D] */,
                const Tensor& bias /* [D] */, float epsilon, Tensor& out);

}  // namespace ondol::ops
