// Rows of an embedding table: out[T, D] = table[ids].
#pragma once

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// Throws Error(kInvalidArgument) for an id outside the table. `out` keeps its storage when it has
// the shape already.
void embed(const Context& context, const PackedMatrix& table, std::span<const int32_t> ids,
           Tensor& out);

}  // namespace ondol::ops
