#include "ops/norm.h"

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/tape.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

std::span<const float> values(const Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}
std::span<float> values(Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}

void rms_into(const Context& context, const Tensor& x, const Tensor& weight, float epsilon,
              Tensor& out) {
  const int64_t tokens = x.dim(0), width = x.dim(1);
  if (context.form == Form::kFused) {
    ondol::rms_norm(context.kernel(), x.data(), weight.data(), tokens, width, epsilon, out.data());
  } else {
    reference::rms_norm<float>(values(x), values(weight), epsilon, values(out));
  }
}

using NormBackward = void (*)(const KernelContext&, const NormGradient&, int64_t, int64_t, float);

struct NormInputs {
  Tensor x, weight, bias;
};

void record_norm(const Context& context, NormBackward backward, const NormInputs& in, float epsilon,
                 const Tensor& out) {
  Tape& tape = *context.tape;
  const Tape::Value x = tape.value_of(in.x), weight = tape.value_of(in.weight),
                    bias = tape.value_of(in.bias);
  if (x == 0 && weight == 0 && bias == 0) return;
  const Tape::Value y = tape.define(out);
  tape.record([=, &tape] {
    const Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    const auto sum = [&](Tape::Value value, const Tensor& like) {
      return value ? tape.sum(value, like.shape()).data() : nullptr;
    };
    backward(context.kernel(),
             {in.x.data(), in.weight.data(), dy.data(), sum(x, in.x), sum(weight, in.weight),
              sum(bias, in.bias)},
             in.x.dim(0), in.x.dim(1), epsilon);
  });
}

}  // namespace

void rms_norm(const Context& context, const Tensor& x, const Tensor& weight, float epsilon,
              Tensor& out) {
  expect_f32("rms_norm", "input", x, {-1, -1});
  const ProfileScope scope(context.profile, "rms_norm", [&] { return rows_work(x); });
  const int64_t tokens = x.dim(0), width = x.dim(1);
  expect_f32("rms_norm", "weight", weight, {width});
  const Tensor from = x;  // `out` may be x
  prepare_output(context, out, {tokens, width});
  rms_into(context, from, weight, epsilon, out);
  if (!context.tape) return;
  record_norm(context, rms_norm_backward, {from, weight, Tensor()}, epsilon, out);
  context.tape->offer(out, [=] {
    Tensor again = Tensor::zeros(DType::kF32, from.shape());
    rms_into(context, from, weight, epsilon, again);
    return again;
  });
}

void layer_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                float epsilon, Tensor& out) {
  expect_f32("layer_norm", "input", x, {-1, -1});
  const ProfileScope scope(context.profile, "layer_norm", [&] { return rows_work(x); });
  const int64_t tokens = x.dim(0), width = x.dim(1);
  expect_f32("layer_norm", "weight", weight, {width});
  expect_f32("layer_norm", "bias", bias, {width});
  const Tensor from = x;
  prepare_output(context, out, {tokens, width});
  if (context.form == Form::kFused) {
    ondol::layer_norm(context.kernel(), from.data(), weight.data(), bias.data(), tokens, width,
                      epsilon, out.data());
  } else {
    reference::layer_norm<float>(values(from), values(weight), values(bias), epsilon, values(out));
  }
  if (context.tape) record_norm(context, layer_norm_backward, {from, weight, bias}, epsilon, out);
}

}  // namespace ondol::ops
