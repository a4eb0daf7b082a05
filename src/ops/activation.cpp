#include "ops/activation.h"

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

std::span<float> values(Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}
std::span<const float> values(const Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}

}  // namespace

void silu_multiply(const Context& context, Tensor& gate, const Tensor& up) {
  expect_f32("silu_multiply", "gate", gate, {-1, -1});
  expect_f32("silu_multiply", "up", up, {gate.dim(0), gate.dim(1)});
  const ProfileScope scope(context.profile, "silu_multiply", [&] { return rows_work(gate); });
  if (context.form == Form::kFused) {
    ondol::silu_multiply(context.kernel(), gate.data(), up.data(), gate.size(), gate.data());
    return;
  }
  reference::silu<float>(values(gate));
  reference::multiply<float>(values(up), values(gate));
}

void gelu(const Context& context, Tensor& inout) {
  expect_f32("gelu", "input", inout, {-1, -1});
  const ProfileScope scope(context.profile, "gelu", [&] { return rows_work(inout); });
  if (context.form == Form::kFused) {
    ondol::gelu(context.kernel(), inout.data(), inout.size());
  } else {
    reference::gelu<float>(values(inout));
  }
}

void gelu_tanh(const Context& context, Tensor& inout) {
  expect_f32("gelu_tanh", "input", inout, {-1, -1});
  const ProfileScope scope(context.profile, "gelu_tanh", [&] { return rows_work(inout); });
  if (context.form == Form::kFused) {
    ondol::gelu_tanh(context.kernel(), inout.data(), inout.size());
  } else {
    reference::gelu_tanh<float>(values(inout));
  }
}

void add(const Context& context, const Tensor& x, Tensor& inout) {
  expect_f32("add", "input", x, {-1, -1});
  expect_f32("add", "output", inout, {x.dim(0), x.dim(1)});
  const ProfileScope scope(context.profile, "add", [&] { return rows_work(x); });
  if (context.form == Form::kFused) {
    ondol::add(context.kernel(), x.data(), x.size(), inout.data());
  } else {
    reference::add<float>(values(x), values(inout));
  }
}

}  // namespace ondol::ops
