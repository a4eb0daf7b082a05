// The checks every op makes on what callers hand it. A failed one is an Error, because shapes come
// from model files: `[op] what; got X, expected Y`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

[[noreturn]] void fail_check(std::string_view op, std::string_view what, const std::string& got,
                             const std::string& expected);

// f32 with exactly this shape; -1 stands for any length.
void expect_f32(std::string_view op, std::string_view what, const Tensor& tensor,
                std::initializer_list<int64_t> shape);
void expect_equal(std::string_view op, std::string_view what, int64_t got, int64_t expected);

// Gives `out` this shape: kept when it has it already (buffers live across layers), else allocated.
// Under a tape always new storage: what stood there may be needed on the way back.
void prepare_output(const Context& context, Tensor& out, Shape shape);

}  // namespace ondol::ops
