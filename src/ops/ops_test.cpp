// Each op: fused form against composed form, composed formula against double precision where the
// formula is the op's own, and what it says about shapes that do not fit.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>

#include "base/rng.h"
#include "ops/activation.h"
#include "ops/attention.h"
#include "ops/embed.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "ops/reference.h"

namespace ondol::ops {
namespace {

constexpr float kTolerance = 2e-5F;  // sums of up to 300 products of normal numbers

Tensor random_tensor(Shape shape, uint64_t seed) {
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = static_cast<float>(rng.normal());
  return tensor;
}

Tensor copy_of(const Tensor& x) {
  return Tensor::from({x.data(), static_cast<size_t>(x.size())}, x.shape());
}

void expect_near(const Tensor& a, const Tensor& b, float tolerance = kTolerance) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.size(); ++i) {
    const float x = a.data()[i], y = b.data()[i];
    ASSERT_NEAR(x, y, tolerance * std::max(1.0F, std::abs(y))) << "element " << i;
  }
}

class Ops : public ::testing::Test {
 protected:
  PackedMatrix matrix(int64_t rows, int64_t columns, uint64_t seed) {
    const Tensor values = random_tensor({rows, columns}, seed);
    return PackedMatrix::pack(DType::kF32, rows, columns, values.bytes(), pool);
  }
  // Runs both forms of an op that writes `out`.
  void compare(const std::function<void(const Context&, Tensor& out)>& op,
               const Tensor& start = {}) {
    Tensor a = start.defined() ? copy_of(start) : Tensor();
    Tensor b = start.defined() ? copy_of(start) : Tensor();
    op(fused, a);
    op(composed, b);
    expect_near(a, b);
  }
  static void expect_message(const std::function<void()>& call, const std::string& message) {
    try {
      call();
      ADD_FAILURE() << "no error; expected " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(error.what(), message);
    }
  }

  ThreadPool pool{2};
  Context fused{pool, best_kernels(), Precision::kExact};
  Context composed{pool, best_kernels(), Precision::kExact, Form::kComposed};
};

TEST_F(Ops, Embed) {
  const PackedMatrix table = matrix(21, 33, 1);
  const std::vector<int32_t> ids = {20, 0, 7, 7};
  compare([&](const Context& c, Tensor& out) { embed(c, table, ids, out); });
  Tensor out;
  for (int32_t id : {-1, 21}) {
    expect_message(
        [&] { embed(fused, table, std::array{id}, out); },
        "[embed] token id outside the table; got " + std::to_string(id) + ", expected 0 to 20");
  }
}

TEST_F(Ops, Norms) {
  for (int64_t width : {1, 16, 37, 300}) {
    const Tensor x = random_tensor({5, width}, 2), weight = random_tensor({width}, 3);
    const Tensor bias = random_tensor({width}, 4);
    compare([&](const Context& c, Tensor& out) { rms_norm(c, x, weight, 1e-5F, out); });
    compare([&](const Context& c, Tensor& out) { layer_norm(c, x, weight, bias, 1e-5F, out); });
    compare([&](const Context& c, Tensor& out) { rms_norm(c, out, weight, 1e-5F, out); }, x);
  }
  Tensor out;
  const Tensor x = random_tensor({5, 8}, 2), weight = random_tensor({9}, 3);
  expect_message([&] { rms_norm(fused, x, weight, 1e-5F, out); },
                 "[rms_norm] weight; got f32 [9], expected f32 [8]");
  expect_message([&] { layer_norm(fused, x, x.reshape({40}), weight, 1e-5F, out); },
                 "[layer_norm] weight; got f32 [40], expected f32 [8]");
  expect_message([&] { rms_norm(fused, Tensor(), weight, 1e-5F, out); },
                 "[rms_norm] input; got no tensor, expected f32 [any, any]");
}

// The float formula against the same in double: what f32 itself costs.
TEST(OpsReference, FloatFormulasAreCloseToDouble) {
  const Tensor x = random_tensor({4, 96}, 5), weight = random_tensor({96}, 6);
  const auto doubles = [](const Tensor& t) {
    return std::vector<double>(t.data(), t.data() + t.size());
  };
  const auto floats = [](const Tensor& t) {
    return std::vector<float>(t.data(), t.data() + t.size());
  };
  const std::vector<double> dx = doubles(x), dw = doubles(weight);
  const std::vector<float> fx = floats(x), fw = floats(weight);
  std::vector<double> d(dx.size());
  std::vector<float> f(fx.size());
  const auto check = [&](const char* what) {
    for (size_t i = 0; i < d.size(); ++i) ASSERT_NEAR(f[i], d[i], 1e-5) << what << " " << i;
  };
  reference::rms_norm<double>(dx, dw, 1e-5, d);
  reference::rms_norm<float>(fx, fw, 1e-5F, f);
  check("rms_norm");
  reference::layer_norm<double>(dx, dw, dw, 1e-5, d);
  reference::layer_norm<float>(fx, fw, fw, 1e-5F, f);
  check("layer_norm");
  d = dx, f = fx;
  reference::silu<double>(d), reference::silu<float>(f);
  check("silu");
  d = dx, f = fx;
  reference::gelu<double>(d), reference::gelu<float>(f);
  check("gelu");
  d = dx, f = fx;
  reference::softmax<double>(d), reference::softmax<float>(f);
  check("softmax");
}

// Values that a person can check.
TEST(OpsReference, KnownValues) {
  std::vector<double> x = {0, 1, -1};
  reference::gelu<double>(x);
  EXPECT_DOUBLE_EQ(x[0], 0);
  EXPECT_NEAR(x[1], 0.8413447460685429, 1e-15);  // Phi(1)
  EXPECT_NEAR(x[2], -0.15865525393145707, 1e-15);
  std::vector<double> s = {std::log(2.0)};
  reference::silu<double>(s);
  EXPECT_NEAR(s[0], std::log(2.0) * 2 / 3, 1e-15);
  std::vector<double> n = {3, 4}, out(2);
  reference::rms_norm<double>(n, std::vector<double>{1, 2}, 0, out);
  EXPECT_NEAR(out[0], 3 / std::sqrt(12.5), 1e-15);
  EXPECT_NEAR(out[1], 8 / std::sqrt(12.5), 1e-15);
  // A quarter turn takes (1, 0) to (0, 1).
  std::vector<double> head = {1, 0};
  reference::rotate<double>(head, std::vector<double>{0}, std::vector<double>{1},
                            [](size_t) { return std::pair<size_t, size_t>(0, 1); });
  EXPECT_EQ(head, (std::vector<double>{0, 1}));
  // Equal scores average the values; a bias of log 3 weighs the second three times.
  std::vector<double> attended(1);
  const std::vector<double> query = {0}, keys = {1, 5}, values = {2, 10};
  reference::attend<double>(query, keys, values, {}, 1, attended);
  EXPECT_NEAR(attended[0], 6, 1e-12);
  reference::attend<double>(query, keys, values, std::vector<double>{0, std::log(3.0)}, 1,
                            attended);
  EXPECT_NEAR(attended[0], 8, 1e-12);
}

TEST_F(Ops, LinearGroups) {
  const Tensor x = random_tensor({6, 64}, 7), bias = random_tensor({40}, 8);
  const PackedMatrix wide = matrix(40, 64, 9), narrow = matrix(3, 64, 10);
  Tensor second;
  compare([&](const Context& c, Tensor& out) {
    const std::array parts = {LinearPart{.weight = &wide, .bias = &bias, .out = &out},
                              LinearPart{.weight = &narrow, .out = &second}};
    linear(c, x, parts);
  });
  const Tensor residual = random_tensor({6, 40}, 11);
  compare(
      [&](const Context& c, Tensor& out) {
        const std::array parts = {
            LinearPart{.weight = &wide, .bias = &bias, .out = &out, .accumulate = true}};
        linear(c, x, parts);
      },
      residual);
  const auto run = [&](const Tensor& input, LinearPart part) {
    return [this, &input, part] { linear(fused, input, std::array{part}); };
  };
  Tensor out = random_tensor({6, 41}, 12);
  const Tensor small = random_tensor({6, 63}, 13);
  expect_message(run(small, {.weight = &wide, .out = &out}),
                 "[linear] columns of the weight against the input's width; got 64, expected 63");
  expect_message(run(x, {.weight = &narrow, .bias = &bias, .out = &out}),
                 "[linear] bias; got f32 [40], expected f32 [3]");
  expect_message(run(x, {.weight = &wide, .out = &out, .accumulate = true}),
                 "[linear] output to add to; got f32 [6, 41], expected f32 [6, 40]");
}

TEST_F(Ops, LinearRows) {
  const PackedMatrix w = matrix(70, 48, 31);
  const Tensor x = random_tensor({1, 48}, 32);
  Tensor whole;
  linear(fused, x, std::array{LinearPart{.weight = &w, .out = &whole}});
  const std::vector<int32_t> rows = {0, 15, 16, 50, 69};
  for (const Context* context : {&fused, &composed}) {
    std::vector<float> out(70, 100.0F);
    linear_rows(*context, x, w, rows, out);
    for (const int32_t r : rows) EXPECT_NEAR(out[r], whole.data()[r], kTolerance * 10);
    EXPECT_EQ(out[40], 100.0F);
    const std::string rule = ", expected ascending ones below 70";
    expect_message(
        [&] {
          linear_rows(*context, x, w, std::array{3, 70}, out);
        },
        "[linear_rows] rows; got 3 to 70" + rule);
    expect_message(
        [&] {
          linear_rows(*context, x, w, std::array{5, 3}, out);
        },
        "[linear_rows] rows; got 5 to 3" + rule);
    expect_message([&] { linear_rows(*context, x, w, std::array{-1}, out); },
                   "[linear_rows] rows; got -1 to -1" + rule);
    expect_message([&] { linear_rows(*context, x, w, rows, std::span(out).first(60)); },
                   "[linear_rows] entries of the output; got 60, expected 70");
  }
}

TEST_F(Ops, Activations) {
  const Tensor x = random_tensor({7, 45}, 14), up = random_tensor({7, 45}, 15);
  compare([&](const Context& c, Tensor& out) { silu_multiply(c, out, up); }, x);
  compare([&](const Context& c, Tensor& out) { gelu(c, out); }, x);
  compare([&](const Context& c, Tensor& out) { gelu_tanh(c, out); }, x);
  compare([&](const Context& c, Tensor& out) { add(c, up, out); }, x);
  Tensor gate = copy_of(x);
  const Tensor other = random_tensor({7, 44}, 16);
  expect_message([&] { silu_multiply(fused, gate, other); },
                 "[silu_multiply] up; got f32 [7, 44], expected f32 [7, 45]");
  expect_message([&] { add(fused, other, gate); },
                 "[add] output; got f32 [7, 45], expected f32 [7, 44]");
}

TEST(OpsOutputs, KeepTheirStorageWhenTheShapeFits) {
  ThreadPool pool(1);
  const Context context{pool, best_kernels(), Precision::kExact};
  const Tensor x = random_tensor({3, 8}, 17), weight = random_tensor({8}, 18);
  Tensor out;
  rms_norm(context, x, weight, 1e-5F, out);
  const float* const before = out.data();
  rms_norm(context, x, weight, 1e-5F, out);
  EXPECT_EQ(out.data(), before);
  rms_norm(context, x.rows(0, 2), weight, 1e-5F, out);
  EXPECT_EQ(out.shape(), (Shape{2, 8}));
}

}  // namespace
}  // namespace ondol::ops
