// Pooled vectors and the losses over them against their formulas, gradients against differences.
#include "ops/pool.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/rng.h"
#include "ops/pair_loss.h"
#include "ops/tape.h"

namespace ondol::ops {
namespace {

Tensor random_rows(int64_t rows, int64_t width, uint64_t seed) {
  Rng rng(seed);
  Tensor tensor = Tensor::zeros(DType::kF32, {rows, width});
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = static_cast<float>(rng.normal());
  return tensor;
}

class Pool : public ::testing::Test {
 protected:
  ThreadPool pool_{1};
  Context context() { return {pool_, best_kernels(), Precision::kExact}; }
  using Loss = std::function<double(const Context&, const Tensor&)>;

  // The gradient of `loss` at x against central differences of it.
  void expect_gradient(Tensor x, const Loss& loss) {
    Tape tape;
    tape.watch(x);
    Context recording = context();
    recording.tape = &tape;
    loss(recording, x);
    tape.backward();
    const Tensor gradient = tape.gradient(x);
    double largest = 0;
    for (int64_t i = 0; i < x.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(gradient.data()[i])));
    }
    ASSERT_GT(largest, 0);
    for (int64_t i = 0; i < x.size(); ++i) {
      const float before = x.data()[i];
      constexpr float kStep = 1e-2F;
      x.data()[i] = before + kStep;
      const double above = loss(context(), x);
      x.data()[i] = before - kStep;
      const double below = loss(context(), x);
      x.data()[i] = before;
      EXPECT_NEAR(gradient.data()[i], (above - below) / (2 * kStep), 2e-3 * largest + 1e-4) << i;
    }
  }
};

TEST_F(Pool, TakesTheRowsItSays) {
  const Tensor x = random_rows(5, 3, 1);
  const std::vector<int64_t> begins = {0, 2, 5};
  Tensor mean, cls, last;
  pool(context(), x, begins, Pooling::kMean, mean);
  pool(context(), x, begins, Pooling::kCls, cls);
  pool(context(), x, begins, Pooling::kLast, last);
  for (size_t d = 0; d < 3; ++d) {
    EXPECT_FLOAT_EQ(mean.row(0)[d], (x.row(0)[d] + x.row(1)[d]) / 2);
    EXPECT_NEAR(mean.row(1)[d], (x.row(2)[d] + x.row(3)[d] + x.row(4)[d]) / 3, 1e-6);
    EXPECT_EQ(cls.row(1)[d], x.row(2)[d]);
    EXPECT_EQ(last.row(0)[d], x.row(1)[d]);
  }
}

TEST_F(Pool, RefusesSequencesThatAreNone) {
  const Tensor x = random_rows(4, 3, 1);
  Tensor out;
  for (const std::vector<int64_t>& begins :
       {std::vector<int64_t>{}, {0}, {0, 2, 2, 4}, {1, 4}, {0, 5}, {0, 3}}) {
    EXPECT_THROW(pool(context(), x, begins, Pooling::kMean, out), Error);
  }
}

TEST_F(Pool, AZeroRowHasNoDirection) {
  Tensor x = Tensor::zeros(DType::kF32, {1, 4});
  Tape tape;
  tape.watch(x);
  Context recording = context();
  recording.tape = &tape;
  Tensor unit;
  normalize_rows(recording, x, unit);
  for (size_t d = 0; d < 4; ++d) EXPECT_EQ(unit.row(0)[d], 0);
}

double through(const Context& context, const Tensor& states, Pooling pooling,
               const std::function<LossSum(const Tensor&)>& loss) {
  const std::vector<int64_t> begins = {0, 2, 3, 6, 8, 9, 11};  // six sequences
  Tensor pooled, unit;
  pool(context, states, begins, pooling, pooled);
  normalize_rows(context, pooled, unit);
  return loss(unit).loss;
}

TEST_F(Pool, GradientsOfInBatchNegatives) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kCls, Pooling::kLast}) {
    for (const int64_t pairs : {2, 3}) {  // two pairs have two more negatives
      expect_gradient(random_rows(11, 4, 7), [&](const Context& c, const Tensor& x) {
        return through(c, x, pooling,
                       [&](const Tensor& v) { return in_batch_negatives(c, v, pairs, {}, 3); });
      });
    }
  }
}

TEST_F(Pool, GradientsOfOrderedCosines) {
  const std::vector<float> scores = {2.5F, 0, 2.5F};
  expect_gradient(random_rows(11, 4, 9), [&](const Context& c, const Tensor& x) {
    return through(c, x, Pooling::kMean,
                   [&](const Tensor& v) { return ordered_cosines(c, v, scores, {}, 3); });
  });
}

TEST_F(Pool, LossesAreTheirFormulas) {
  Tensor x = random_rows(4, 3, 5), v;
  normalize_rows(context(), x, v);
  const auto cosine = [&](int64_t i, int64_t j) {
    double sum = 0;
    for (size_t d = 0; d < 3; ++d) sum += double{v.row(i)[d]} * v.row(j)[d];
    return sum;
  };
  double expected = 0;
  for (const int64_t i : {0, 1}) {
    expected +=
        std::log(std::exp(20 * cosine(i, 2)) + std::exp(20 * cosine(i, 3))) - 20 * cosine(i, 2 + i);
  }
  const LossSum sum = in_batch_negatives(context(), v, 2, {});
  EXPECT_NEAR(sum.loss, expected, 1e-9);
  EXPECT_EQ(sum.tokens, 2);
  const std::vector<float> scores = {1, 0};
  EXPECT_NEAR(ordered_cosines(context(), v, scores, {}).loss,
              std::log(1 + std::exp(20 * (cosine(1, 3) - cosine(0, 2)))), 1e-9);
  const std::vector<float> same = {1, 1};
  EXPECT_EQ(ordered_cosines(context(), v, same, {}).loss, 0);
  EXPECT_THROW(in_batch_negatives(context(), v, 3, {}), Error);
  EXPECT_THROW(in_batch_negatives(context(), v, 0, {}), Error);
}

}  // namespace
}  // namespace ondol::ops
