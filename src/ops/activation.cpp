#include "ops/activation.h"

#include <algorithm>
#include <utility>

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/saved.h"
#include "ops/tape.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

std::span<float> values(Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}
std::span<const float> values(const Tensor& tensor) {
  return {tensor.data(), static_cast<size_t>(tensor.size())};
}

// New storage for what is about to be overwritten.
void keep_apart(const Context& context, Tensor& inout) {
  inout = Tensor::zeros(DType::kF32, inout.shape());
  context.tape->forget(inout);
}
void copy_apart(const Context& context, Tensor& inout) {
  const Tensor before = inout;
  keep_apart(context, inout);
  std::ranges::copy(values(before), inout.data());
}

// out = silu(gate) * up; out may be gate.
void silu_into(const Context& context, const Tensor& gate, const Tensor& up, Tensor& out) {
  if (context.form == Form::kFused) {
    ondol::silu_multiply(context.kernel(), gate.data(), up.data(), gate.size(), out.data());
    return;
  }
  if (out.data() != gate.data()) std::ranges::copy(values(gate), out.data());
  reference::silu<float>(values(out));
  reference::multiply<float>(values(up), values(out));
}

void record_silu(const Context& context, const Tensor& gate, const Tensor& up, const Tensor& out) {
  Tape& tape = *context.tape;
  const Tape::Value g = tape.value_of(gate), u = tape.value_of(up);
  if (g == 0 && u == 0) return;
  const Tape::Value y = tape.define(out);
  const Saved kept_gate(context, gate), kept_up(context, up);
  tape.offer(out, [=] {
    const Tensor before = kept_gate.get(context);
    Tensor again = Tensor::zeros(DType::kF32, before.shape());
    silu_into(context, before, kept_up.get(context), again);
    return again;
  });
  tape.record([=, &tape] {
    const Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    const Tensor before = kept_gate.get(context), factor = kept_up.get(context);
    Tensor dgate = Tensor::zeros(DType::kF32, before.shape());
    Tensor dup = Tensor::zeros(DType::kF32, before.shape());
    silu_multiply_backward(context.kernel(), before.data(), factor.data(), dy.data(), dy.size(),
                           dgate.data(), dup.data());
    if (g) tape.add(g, std::move(dgate));
    if (u) tape.add(u, std::move(dup));
  });
}

using GeluBackward = void (*)(const KernelContext&, const float*, const float*, int64_t, float*);

void record_gelu(const Context& context, GeluBackward backward, Tensor& inout) {
  Tape& tape = *context.tape;
  const Tensor before = inout;
  const Tape::Value x = tape.value_of(before);
  copy_apart(context, inout);
  if (x == 0) return;
  const Tape::Value y = tape.define(inout);
  tape.record([=, &tape] {
    Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    backward(context.kernel(), before.data(), dy.data(), dy.size(), dy.data());
    tape.add(x, std::move(dy));
  });
}

void record_add(const Context& context, const Tensor& x, Tensor& inout) {
  Tape& tape = *context.tape;
  const Tape::Value a = tape.value_of(x), b = tape.value_of(inout);
  copy_apart(context, inout);
  if (a == 0 && b == 0) return;
  const Tape::Value y = tape.define(inout);
  tape.record([=, &tape] {
    Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    if (a && b) {
      Tensor copy = Tensor::zeros(DType::kF32, dy.shape());
      std::ranges::copy(values(std::as_const(dy)), copy.data());
      tape.add(a, std::move(copy));
    } else if (a) {
      return tape.add(a, std::move(dy));
    }
    tape.add(b, std::move(dy));
  });
}

constexpr int64_t kGrain = 1 << 14;  // elements of one thread's share

// body(i) for every element, shared out among the threads.
template <class Body>
void for_each(const Context& context, int64_t count, Body body) {
  context.pool.parallel_for(count, kGrain, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

void record_relu(const Context& context, Tensor& inout) {
  Tape& tape = *context.tape;
  const Tape::Value x = tape.value_of(inout);
  copy_apart(context, inout);
  if (x == 0) return;
  const Tape::Value y = tape.define(inout);
  tape.record([=, &tape, out = inout] {
    Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    const float* kept = out.data();
    float* to = dy.data();
    for_each(context, dy.size(), [&](int64_t i) { to[i] = kept[i] > 0 ? to[i] : 0.0F; });
    tape.add(x, std::move(dy));
  });
}

void record_multiply(const Context& context, const Tensor& x, Tensor& inout) {
  Tape& tape = *context.tape;
  const Tensor before = inout;
  const Tape::Value a = tape.value_of(x), b = tape.value_of(before);
  copy_apart(context, inout);
  if (a == 0 && b == 0) return;
  const Tape::Value y = tape.define(inout);
  const Saved kept_x(context, x), kept_before(context, before);
  tape.record([=, &tape] {
    const Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    const auto times = [&](const Saved& kept) {
      const Tensor factor = kept.get(context);
      Tensor out = Tensor::zeros(DType::kF32, dy.shape());
      const float *from = dy.data(), *by = factor.data();
      float* to = out.data();
      for_each(context, out.size(), [&](int64_t i) { to[i] = from[i] * by[i]; });
      return out;
    };
    if (a) tape.add(a, times(kept_before));
    if (b) tape.add(b, times(kept_x));
  });
}

void record_scale(const Context& context, float factor, Tensor& inout) {
  Tape& tape = *context.tape;
  const Tape::Value x = tape.value_of(inout);
  copy_apart(context, inout);
  if (x == 0) return;
  const Tape::Value y = tape.define(inout);
  tape.record([=, &tape] {
    Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    for (float& value : values(dy)) value *= factor;
    tape.add(x, std::move(dy));
  });
}

}  // namespace

void silu_multiply(const Context& context, Tensor& gate, const Tensor& up) {
  expect_f32("silu_multiply", "gate", gate, {-1, -1});
  expect_f32("silu_multiply", "up", up, {gate.dim(0), gate.dim(1)});
  const ProfileScope scope(context.profile, "silu_multiply", [&] { return rows_work(gate); });
  const Tensor before = gate;
  if (context.tape) keep_apart(context, gate);
  silu_into(context, before, up, gate);
  if (context.tape) record_silu(context, before, up, gate);
}

void gelu(const Context& context, Tensor& inout) {
  expect_f32("gelu", "input", inout, {-1, -1});
  const ProfileScope scope(context.profile, "gelu", [&] { return rows_work(inout); });
  if (context.tape) record_gelu(context, gelu_backward, inout);
  if (context.form == Form::kFused) {
    ondol::gelu(context.kernel(), inout.data(), inout.size());
  } else {
    reference::gelu<float>(values(inout));
  }
}

void gelu_tanh(const Context& context, Tensor& inout) {
  expect_f32("gelu_tanh", "input", inout, {-1, -1});
  const ProfileScope scope(context.profile, "gelu_tanh", [&] { return rows_work(inout); });
  if (context.tape) record_gelu(context, gelu_tanh_backward, inout);
  if (context.form == Form::kFused) {
    ondol::gelu_tanh(context.kernel(), inout.data(), inout.size());
  } else {
    reference::gelu_tanh<float>(values(inout));
  }
}

void relu(const Context& context, Tensor& inout) {
  expect_f32("relu", "input", inout, {-1, -1});
  const ProfileScope scope(context.profile, "relu", [&] { return rows_work(inout); });
  if (context.tape) record_relu(context, inout);
  if (context.form == Form::kComposed) return reference::relu<float>(values(inout));
  float* x = inout.data();
  for_each(context, inout.size(), [&](int64_t i) { x[i] = x[i] < 0 ? 0.0F : x[i]; });
}

void multiply(const Context& context, const Tensor& x, Tensor& inout) {
  expect_f32("multiply", "input", x, {-1, -1});
  expect_f32("multiply", "output", inout, {x.dim(0), x.dim(1)});
  const ProfileScope scope(context.profile, "multiply", [&] { return rows_work(x); });
  if (context.tape) record_multiply(context, x, inout);
  if (context.form == Form::kComposed) return reference::multiply<float>(values(x), values(inout));
  const float* by = x.data();
  float* to = inout.data();
  for_each(context, inout.size(), [&](int64_t i) { to[i] *= by[i]; });
}

void scale(const Context& context, float factor, Tensor& inout) {
  expect_f32("scale", "input", inout, {-1, -1});
  const ProfileScope scope(context.profile, "scale", [&] { return rows_work(inout); });
  if (context.tape) record_scale(context, factor, inout);
  for (float& value : values(inout)) value *= factor;
}

void add(const Context& context, const Tensor& x, Tensor& inout) {
  expect_f32("add", "input", x, {-1, -1});
  expect_f32("add", "output", inout, {x.dim(0), x.dim(1)});
  const ProfileScope scope(context.profile, "add", [&] { return rows_work(x); });
  if (context.tape) record_add(context, x, inout);
  if (context.form == Form::kFused) {
    ondol::add(context.kernel(), x.data(), x.size(), inout.data());
  } else {
    reference::add<float>(values(x), values(inout));
  }
}

}  // namespace ondol::ops
