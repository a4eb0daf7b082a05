// Adapters of ops::linear beyond the plain pair: magnitudes (DoRA), several on one row, dropout.
#include "ops/low_rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/rng.h"
#include "ops/linear.h"

namespace ondol::ops {
namespace {

constexpr int64_t kTokens = 13, kInputs = 21, kOutputs = 19, kRank = 3;

Tensor random_tensor(Shape shape, uint64_t seed, double size = 1) {
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(size * rng.normal());
  }
  return tensor;
}

double product(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += double{a.data()[i]} * b.data()[i];
  return sum;
}

class LowRankOps : public ::testing::Test {
 protected:
  LowRankOps() {
    const Tensor values = random_tensor({kOutputs, kInputs}, 1);
    weight = PackedMatrix::pack(DType::kF32, kOutputs, kInputs, values.bytes(), pool);
    plain = pair_of(2);
    dora = pair_of(3);
    dora.magnitude = random_tensor({kOutputs}, 4);
    dora.lengths = row_lengths(kernel, weight, dora);
  }

  static LowRank pair_of(uint64_t seed) {
    return {random_tensor({kInputs, kRank}, 10 * seed, 0.4),
            random_tensor({kRank, kOutputs}, 10 * seed + 1, 0.4),
            0.7F,
            {},
            {}};
  }

  Tensor run(const Context& context, const std::vector<LowRankRows>& adapters, bool accumulate) {
    Tensor out = accumulate ? random_tensor({kTokens, kOutputs}, 7) : Tensor();
    const LinearPart part{&weight, &bias, &out, accumulate, adapters};
    linear(context, x, {&part, 1});
    return out;
  }

  ThreadPool pool{2};
  KernelContext kernel{pool, best_kernels(), Precision::kExact};
  Context fused{pool, best_kernels(), Precision::kExact};
  Context composed{pool, best_kernels(), Precision::kExact, Form::kComposed};
  PackedMatrix weight;
  Tensor bias = random_tensor({kOutputs}, 5);
  Tensor x = random_tensor({kTokens, kInputs}, 6);
  LowRank plain, dora;
};

TEST_F(LowRankOps, LengthsAreThoseOfTheSum) {
  for (int64_t n = 0; n < kOutputs; ++n) {
    std::vector<float> row(kInputs);
    weight.dequantize(n, n + 1, 0, kInputs, row.data(), kInputs);
    double square = 0;
    for (size_t k = 0; k < kInputs; ++k) {
      double value = double{row[k]};
      for (int64_t r = 0; r < kRank; ++r) {
        value += double{dora.scale} *
                 dora.down.row(static_cast<int64_t>(k))[static_cast<size_t>(r)] *
                 dora.up.row(r)[static_cast<size_t>(n)];
      }
      square += value * value;
    }
    EXPECT_NEAR(dora.lengths.data()[n], std::sqrt(square), 1e-5 * std::sqrt(square));
  }
}

TEST_F(LowRankOps, MagnitudesScaleTheirRowsAlone) {
  const std::vector<LowRankRows> mixed = {
      {0, 4, &dora}, {4, 9, &plain}, {6, 9, &plain}, {10, 13, &dora}};
  for (const bool accumulate : {false, true}) {
    const Tensor a = run(fused, mixed, accumulate), b = run(composed, mixed, accumulate);
    for (int64_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a.data()[i], b.data()[i], 1e-4) << i;
    const Tensor none = run(fused, {}, accumulate);
    EXPECT_TRUE(std::ranges::equal(a.row(9), none.row(9)));
    // Element by element: magnitude / length * (W x + s B A x) + bias.
    LowRank without = dora;
    without.magnitude = {};
    const Tensor sums = run(fused, {{0, 4, &without}}, false);
    const Tensor before = accumulate ? random_tensor({kTokens, kOutputs}, 7)
                                     : Tensor::zeros(DType::kF32, {kTokens, kOutputs});
    for (int64_t t = 0; t < 4; ++t) {
      for (size_t n = 0; n < kOutputs; ++n) {
        const auto at = static_cast<int64_t>(n);
        const float sum = sums.row(t)[n] - bias.data()[at];
        const float wanted = before.row(t)[n] +
                             dora.magnitude.data()[at] / dora.lengths.data()[at] * sum +
                             bias.data()[at];
        EXPECT_NEAR(a.row(t)[n], wanted, 1e-4);
      }
    }
  }
}

// Gradients against differences, with lengths held as they are (they are constants by definition).
TEST_F(LowRankOps, GradientsFollowTheLoss) {
  const Tensor seed = random_tensor({kTokens, kOutputs}, 8);
  const Dropout dropout{0.3F, 99, 4};
  const std::vector<LowRankRows> adapters = {{0, 7, &dora, dropout}, {7, 12, &plain, dropout}};
  for (const bool accumulate : {false, true}) {
    Tape tape;
    for (const Tensor& leaf : {dora.down, dora.up, dora.magnitude, plain.down, plain.up, x, bias}) {
      tape.watch(leaf);
    }
    Context context = fused;
    context.tape = &tape;
    const Tensor out = run(context, adapters, accumulate);
    tape.add(tape.value_of(out), random_tensor({kTokens, kOutputs}, 8));
    tape.backward();
    for (Tensor* leaf :
         {&dora.down, &dora.up, &dora.magnitude, &plain.down, &plain.up, &x, &bias}) {
      const Tensor gradient = tape.gradient(*leaf);
      const Tensor direction = random_tensor(leaf->shape(), 9);
      const auto loss_at = [&](float step) {
        const auto move = [&](float by) {
          for (int64_t i = 0; i < leaf->size(); ++i) leaf->data()[i] += by * direction.data()[i];
        };
        move(step);
        const double loss = product(run(fused, adapters, accumulate), seed);
        move(-step);
        return loss;
      };
      const double measured = (loss_at(0.01F) - loss_at(-0.01F)) / 0.02;
      EXPECT_NEAR(product(gradient, direction), measured, 0.003 * std::abs(measured) + 0.02);
      EXPECT_GT(std::abs(measured), 0.1);
    }
  }
}

TEST_F(LowRankOps, DropoutKeepsTheMeanAndDependsOnPlaceAlone) {
  constexpr int64_t kRows = 400, kWidth = 333;
  const auto ones = [] {
    Tensor tensor = Tensor::zeros(DType::kF32, {kRows, kWidth});
    std::fill_n(tensor.data(), tensor.size(), 1.0F);
    return tensor;
  };
  const Dropout dropout{0.25F, 7, 3};
  Tensor a = ones();
  drop(kernel, dropout, 0, a);
  double sum = 0;
  int64_t zeros = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    sum += double{a.data()[i]};
    zeros += a.data()[i] == 0;
    EXPECT_TRUE(a.data()[i] == 0 || std::abs(a.data()[i] - 4.0F / 3) < 1e-6F);
  }
  const auto count = static_cast<double>(a.size());
  const double deviation = std::sqrt(0.25 * 0.75 / count);
  EXPECT_NEAR(static_cast<double>(zeros) / count, 0.25, 4 * deviation);
  EXPECT_NEAR(sum / count, 1, 4 * deviation * 4 / 3);

  ThreadPool three(3);
  Tensor b = ones();
  Tensor tail = b.rows(150, kRows);
  drop({three, best_kernels()}, dropout, 150, tail);
  EXPECT_TRUE(std::ranges::equal(a.rows(150, kRows).bytes(), tail.bytes()));
  for (const Dropout& other : {Dropout{0.25F, 8, 3}, Dropout{0.25F, 7, 4}}) {
    Tensor c = ones();
    drop(kernel, other, 0, c);
    int64_t same = 0;
    for (int64_t i = 0; i < a.size(); ++i) same += a.data()[i] == c.data()[i];
    EXPECT_NEAR(static_cast<double>(same) / count, 0.625, 0.01);
  }
}

TEST_F(LowRankOps, RefusesWhatDoesNotFit) {
  EXPECT_THROW(run(fused, {{0, 5, &dora}, {4, 9, &plain}}, false), Error);
  LowRank wrong = dora;
  wrong.magnitude = random_tensor({kOutputs - 1}, 4);
  EXPECT_THROW(run(fused, {{0, 5, &wrong}}, false), Error);
  wrong = dora;
  wrong.lengths = {};
  EXPECT_THROW(run(fused, {{0, 5, &wrong}}, false), Error);
}

}  // namespace
}  // namespace ondol::ops
