#include "ops/norm.h"

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

std::span<const float> values(const Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}
std::span<float> values(Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}

}  // namespace

void rms_norm(const Context& context, const Tensor& x, const Tensor& weight, float epsilon,
              Tensor& out) {
  expect_f32("rms_norm", "input", x, {-1, -1});
  const ProfileScope scope(context.profile, "rms_norm", [&] { return rows_work(x); });
  const int64_t tokens = x.dim(0), width = x.dim(1);
  expect_f32("rms_norm", "weight", weight, {width});
  prepare_output(out, {tokens, width});
  if (context.form == Form::kFused) {
    ondol::rms_norm(context.kernel(), x.data(), weight.data(), tokens, width, epsilon, out.data());
  } else {
    reference::rms_norm<float>(values(x), values(weight), epsilon, values(out));
  }
}

void layer_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                float epsilon, Tensor& out) {
  expect_f32("layer_norm", "input", x, {-1, -1});
  const ProfileScope scope(context.profile, "layer_norm", [&] { return rows_work(x); });
  const int64_t tokens = x.dim(0), width = x.dim(1);
  expect_f32("layer_norm", "weight", weight, {width});
  expect_f32("layer_norm", "bias", bias, {width});
  prepare_output(out, {tokens, width});
  if (context.form == Form::kFused) {
    ondol::layer_norm(context.kernel(), x.data(), weight.data(), bias.data(), tokens, width,
                      epsilon, out.data());
  } else {
    reference::layer_norm<float>(values(x), values(weight), values(bias), epsilon, values(out));
  }
}

}  // namespace ondol::ops
