// A tensor kept for the way back: whole in exact precision, rounded to bf16 in fast precision,
// where half the memory matters more than its last digits.
#pragma once

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

class Saved {
 public:
  Saved(const Context& context, const Tensor& tensor);
  Tensor get(const Context& context) const;  // f32

 private:
  Shape shape_;
  Tensor kept_;  // f32 or bf16
};

}  // namespace ondol::ops
