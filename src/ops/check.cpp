#include "ops/check.h"

#include "ops/tape.h"

namespace ondol::ops {

void fail_check(std::string_view op, std::string_view what, const std::string& got,
                const std::string& expected) {
  throw Error(ErrorCode::kInvalidArgument, "[" + std::string(op) + "] " + std::string(what) +
                                               "; got " + got + ", expected " + expected);
}

void expect_f32(std::string_view op, std::string_view what, const Tensor& tensor,
                std::initializer_list<int64_t> shape) {
  bool fits = tensor.defined() && tensor.dtype() == DType::kF32 && tensor.rank() == shape.size();
  size_t axis = 0;
  for (int64_t dim : shape) {
    fits = fits && (dim == -1 || tensor.dim(axis) == dim);
    ++axis;
  }
  if (fits) return;
  std::string expected = "f32 [";
  for (int64_t dim : shape) {
    expected += (expected.back() == '[' ? "" : ", ") + (dim == -1 ? "any" : std::to_string(dim));
  }
  const std::string got = tensor.defined() ? std::string(dtype_info(tensor.dtype()).name) + " " +
                                                 shape_text(tensor.shape())
                                           : "no tensor";
  fail_check(op, what, got, expected + "]");
}

void expect_equal(std::string_view op, std::string_view what, int64_t got, int64_t expected) {
  if (got != expected) fail_check(op, what, std::to_string(got), std::to_string(expected));
}

void prepare_output(const Context& context, Tensor& out, Shape shape) {
  if (!context.tape && out.defined() && out.dtype() == DType::kF32 && out.shape() == shape) return;
  out = Tensor::zeros(DType::kF32, std::move(shape));
  if (context.tape) context.tape->forget(out);
}

}  // namespace ondol::ops
