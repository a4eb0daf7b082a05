// Parts that are computed again: the same bits, each as often as it has to be, memory of one part.
#include "ops/recompute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/rng.h"
#include "ops/activation.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "support/live_bytes.h"

namespace ondol::ops {
namespace {

constexpr int64_t kTokens = 96, kWidth = 64, kInner = 256;
constexpr size_t kParts = 6;

Tensor random_tensor(Shape shape, uint64_t seed, double size) {
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor.data()[i] = static_cast<float>(size * rng.normal());
  }
  return tensor;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.bytes(), b.bytes());
}

// x += down(silu(gate(norm(x))) * up(norm(x))), six times with other weights.
class RecomputedParts : public ::testing::Test {
 protected:
  struct Layer {
    PackedMatrix gate, up, down;
    Tensor norm;
  };
  struct Passed {
    std::vector<Tensor> gradients;  // of down and norm of every part, and of x
    Tensor out;
    int64_t kept = 0;                // live bytes after the way forward, beyond those before
    std::array<int, kParts> runs{};  // of each part
    std::vector<int64_t> live;       // when a part ran again, in that order
  };

  RecomputedParts() {
    for (size_t i = 0; i < kParts; ++i) {
      const auto matrix = [&](int64_t rows, int64_t columns, uint64_t seed) {
        const Tensor values = random_tensor({rows, columns}, 10 * i + seed, 0.1);
        return PackedMatrix::pack(DType::kF32, rows, columns, values.bytes(), pool);
      };
      layers[i] = {matrix(kInner, kWidth, 1), matrix(kInner, kWidth, 2), matrix(kWidth, kInner, 3),
                   random_tensor({kWidth}, 10 * i + 4, 1)};
    }
  }

  static void run_layer(const Context& context, const Layer& layer, Tensor& x) {
    Tensor normed, gate, up;
    rms_norm(context, x, layer.norm, 1e-5F, normed);
    const std::array parts = {LinearPart{.weight = &layer.gate, .out = &gate},
                              LinearPart{.weight = &layer.up, .out = &up}};
    linear(context, normed, parts);
    silu_multiply(context, gate, up);
    const LinearPart down{.weight = &layer.down, .out = &x, .accumulate = true};
    linear(context, gate, {&down, 1});
  }

  // Watches the parts from `first` on, and x itself when `watch_x`.
  Passed pass(Recompute level, size_t first, bool watch_x) {
    Passed result;
    const int64_t before = testing::live_bytes();
    Tape tape(nullptr, level);
    Context context{pool, best_kernels(), Precision::kFast};
    context.tape = &tape;
    for (size_t i = first; i < kParts; ++i) {
      tape.watch(layers[i].down);
      tape.watch(layers[i].norm);
    }
    if (watch_x) tape.watch(input);
    Tensor x = input;
    bool back = false;
    for (size_t i = 0; i < kParts; ++i) {
      recompute(context, Recompute::kLayers, x, [&, i](const Context& own, Tensor& state) {
        ++result.runs[i];
        if (back) result.live.push_back(testing::live_bytes() - before);
        run_layer(own, layers[i], state);
      });
    }
    result.out = x;
    result.kept = testing::live_bytes() - before;
    tape.add(tape.value_of(x), random_tensor(x.shape(), 99, 1));
    back = true;
    tape.backward();
    for (size_t i = first; i < kParts; ++i) {
      result.gradients.push_back(tape.gradient(layers[i].down));
      result.gradients.push_back(tape.gradient(layers[i].norm));
    }
    if (watch_x) result.gradients.push_back(tape.gradient(input));
    return result;
  }

  ThreadPool pool{2};
  std::array<Layer, kParts> layers;
  Tensor input = random_tensor({kTokens, kWidth}, 7, 1);
};

TEST_F(RecomputedParts, HaveTheBitsOfKeptOnes) {
  for (const size_t first : {size_t{0}, size_t{3}, kParts - 1}) {
    for (const bool watch_x : {false, true}) {
      const Passed kept = pass(Recompute::kOff, first, watch_x);
      const Passed again = pass(Recompute::kLayers, first, watch_x);
      EXPECT_TRUE(same_bits(kept.out, again.out));
      ASSERT_EQ(kept.gradients.size(), again.gradients.size());
      for (size_t i = 0; i < kept.gradients.size(); ++i) {
        const std::span<const std::byte> bytes = kept.gradients[i].bytes();
        EXPECT_TRUE(std::ranges::any_of(bytes, [](std::byte b) { return b != std::byte{}; }));
        EXPECT_TRUE(same_bits(kept.gradients[i], again.gradients[i])) << first << " " << i;
      }
    }
  }
}

TEST_F(RecomputedParts, RunAgainOnlyWhereAGradientPasses) {
  const std::array<int, kParts> once = {1, 1, 1, 1, 1, 1}, from_third = {1, 1, 1, 2, 2, 2},
                                all = {2, 2, 2, 2, 2, 2};
  EXPECT_EQ(pass(Recompute::kOff, 3, false).runs, once);
  EXPECT_EQ(pass(Recompute::kAttention, 3, true).runs, once);  // another level's parts
  EXPECT_EQ(pass(Recompute::kLayers, 3, false).runs, from_third);
  EXPECT_EQ(pass(Recompute::kLayers, 3, true).runs, all);
}

// Forward one state a part is kept; back at most one part's insides, and less from part to part.
TEST_F(RecomputedParts, HoldTheMemoryOfOnePart) {
  if (testing::live_bytes() == 0) GTEST_SKIP() << "this allocator does not count";
  constexpr int64_t kState = kTokens * kWidth * 4;
  constexpr int64_t kInside = kTokens * (2 * kInner * 2 + kWidth * 4);
  for (const bool watch_x : {false, true}) {
    pass(Recompute::kOff, 0, watch_x);  // what is allocated once and stays
    const Passed kept = pass(Recompute::kOff, 0, watch_x);
    const Passed again = pass(Recompute::kLayers, 0, watch_x);
    EXPECT_GT(kept.kept, static_cast<int64_t>(kParts) * kInside);
    EXPECT_LT(again.kept, static_cast<int64_t>(kParts + 1) * kState);
    ASSERT_EQ(again.live.size(), kParts);
    // A way back adds gradients of the parts behind it, takes away their states.
    constexpr int64_t kGradients = kWidth * kInner * 4 + kWidth * 4;
    for (size_t i = 0; i < kParts; ++i) {
      const auto behind = static_cast<int64_t>(i);
      EXPECT_LT(again.live[i], again.kept + 3 * kState + behind * (kGradients - kState) + 8192)
          << i;
    }
  }
}

TEST(RecomputeLevels, HaveNames) {
  for (const Recompute level : kRecomputeLevels) {
    EXPECT_EQ(recompute_named(recompute_name(level)), level);
  }
  EXPECT_FALSE(recompute_named("auto"));
  EXPECT_FALSE(recompute_named(""));
}

}  // namespace
}  // namespace ondol::ops
