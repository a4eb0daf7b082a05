// The gradients of whole arrays: sums over tokens, float products, cross entropy. Against double
// precision, and the same bits for every instruction set and thread count.
#include <algorithm>

#include "kernels/gradient_test_support.h"

namespace ondol::testing {
namespace {

TEST(GradientDrivers, NormsAddUpTheTokens) {
  for (const auto& [tokens, width] :
       {std::pair<int64_t, int64_t>{1, 40}, {63, 3}, {65, 5}, {130, 4}, {0, 6}}) {
    const auto count = static_cast<size_t>(tokens * width), w = static_cast<size_t>(width);
    const Values x = random_floats(count, 1), weight = random_floats(w, 2),
                 bias = random_floats(w, 3), dy = random_floats(count, 4);
    const std::vector<Doubles> inputs = {
        {x.begin(), x.end()}, {weight.begin(), weight.end()}, {bias.begin(), bias.end()}};
    const Doubles slope(dy.begin(), dy.end());
    for (const bool centre : {false, true}) {
      std::vector<Values> first;
      for (const std::string_view isa : supported_isas()) {
        for (const int threads : {1, 2, 3}) {
          ThreadPool pool(threads);
          std::vector<Values> out = {Values(count, 0.5F), Values(w, 0.25F), Values(w, -1.0F)};
          const NormGradient g{x.data(),      weight.data(), dy.data(),
                               out[0].data(), out[1].data(), centre ? out[2].data() : nullptr};
          (centre ? layer_norm_backward : rms_norm_backward)({pool, kernels_for(isa)}, g, tokens,
                                                             width, 1e-2F);
          if (first.empty()) first = out;
          for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(same_bits(out[i], first[i])) << isa << threads;
        }
      }
      const double start[] = {0.5, 0.25, -1};
      for (size_t which = 0; which < (centre ? 3U : 2U); ++which) {
        const auto forward = [&](const auto& in) {
          return normed(in[0], centre, in[1], centre ? in[2] : Doubles());
        };
        const Doubles want = differences(forward, inputs, slope, which);
        for (size_t i = 0; i < want.size(); ++i) {
          ASSERT_NEAR(first[which][i], start[which] + want[i], 2e-5)
              << "tokens " << tokens << " centre " << centre << " input " << which;
        }
      }
    }
  }
}

TEST(GradientDrivers, ElementsAreThoseOfTheTable) {
  for (const size_t count : {0, 1, 4095, 4097, 20001}) {
    const auto n = static_cast<int64_t>(count);
    const Values x = random_floats(count, 1), up = random_floats(count, 2),
                 dy = random_floats(count, 3);
    const KernelTable& ref = kernels_for("ref");
    Values gate_want(count), up_want(count), gelu_want(count), tanh_want(count);
    ref.silu_multiply_backward(x.data(), up.data(), dy.data(), n, gate_want.data(), up_want.data());
    ref.gelu_backward(x.data(), dy.data(), n, gelu_want.data());
    ref.gelu_tanh_backward(x.data(), dy.data(), n, tanh_want.data());
    for (const std::string_view isa : supported_isas()) {
      for (const int threads : {1, 2, 3}) {
        ThreadPool pool(threads);
        const KernelContext context{pool, kernels_for(isa)};
        Values dgate(count), dup(count), dx(count);
        silu_multiply_backward(context, x.data(), up.data(), dy.data(), n, dgate.data(),
                               dup.data());
        EXPECT_TRUE(same_bits(dgate, gate_want) && same_bits(dup, up_want)) << isa << threads;
        gelu_backward(context, x.data(), dy.data(), n, dx.data());
        EXPECT_TRUE(same_bits(dx, gelu_want)) << isa << threads;
        gelu_tanh_backward(context, x.data(), dy.data(), n, dx.data());
        EXPECT_TRUE(same_bits(dx, tanh_want)) << isa << threads;
      }
    }
  }
}

// ---- float products ----

struct GemmCase {
  int64_t m, n, k;
  bool transposed;  // x is read column after column
  bool accumulate;
};

// Rows wider than they need to be, filled with a guard; returned whole.
Values multiply(const KernelContext& context, const GemmCase& c, const Values& x, const Values& w) {
  Values out = random_floats(static_cast<size_t>(c.m * (c.n + 3)), 5);
  Gemm work{x.data(), c.k + 2, 1,   w.data(), c.n + 1,     out.data(),
            c.n + 3,  c.m,     c.n, c.k,      c.accumulate};
  if (c.transposed) work.x_row = 1, work.x_column = c.m + 2;
  gemm(context, work);
  return out;
}

TEST(GradientDrivers, GemmIsTheSumInTheOrderOfK) {
  for (const GemmCase& c : {GemmCase{1, 1, 1, false, false},
                            {1, 17, 5, false, true},
                            {7, 33, 64, true, false},
                            {13, 16, 255, false, true},
                            {97, 130, 257, true, true},
                            {5, 129, 600, false, false},
                            {192, 15, 3, true, false},
                            {6, 31, 0, false, false},
                            {6, 31, 0, false, true}}) {
    const auto x_size = static_cast<size_t>((c.m + 2) * (c.k + 2));
    const Values x = random_floats(x_size, 1);
    const Values w = random_floats(static_cast<size_t>((c.k + 1) * (c.n + 1)), 2);
    Values first;
    for (const std::string_view isa : supported_isas()) {
      for (const int threads : {1, 2, 3}) {
        ThreadPool pool(threads);
        const Values out = multiply({pool, kernels_for(isa)}, c, x, w);
        if (first.empty()) first = out;
        ASSERT_TRUE(same_bits(out, first)) << isa << " " << c.m << "x" << c.n << "x" << c.k;
      }
    }
    const Values start = random_floats(first.size(), 5);
    for (int64_t i = 0; i < c.m; ++i) {
      for (int64_t j = 0; j < c.n + 3; ++j) {
        const auto at = static_cast<size_t>(i * (c.n + 3) + j);
        double sum = c.accumulate || j >= c.n ? start[at] : 0;
        for (int64_t k = 0; k < c.k && j < c.n; ++k) {
          const int64_t from = c.transposed ? k * (c.m + 2) + i : i * (c.k + 2) + k;
          sum += double{x[static_cast<size_t>(from)]} * w[static_cast<size_t>(k * (c.n + 1) + j)];
        }
        ASSERT_NEAR(first[at], sum, 2e-6 * std::sqrt(static_cast<double>(c.k + 1)) * 4)
            << c.m << "x" << c.n << "x" << c.k << " at " << i << ", " << j;
      }
    }
  }
}

TEST(GradientDrivers, TransposedProductsAccumulate) {
  constexpr int64_t kRows = 37, kColumns = 512, kTokens = 5, kStride = kColumns + 7;
  ThreadPool pool(2);
  for (const DType dtype : kAllTypes) {
    const auto blocks = random_blocks(dtype, kRows * kColumns, 3);
    const auto weight = PackedMatrix::pack(dtype, kRows, kColumns, blocks, pool);
    Values plain(kRows * kColumns);
    dequantize_blocks(dtype, blocks.data(), kRows * kColumns, plain.data());
    const Values y = random_floats(kTokens * (kRows + 2), 4);
    const Values start = random_floats(kTokens * kStride, 5);
    Values first;
    for (const std::string_view isa : supported_isas()) {
      for (const int threads : {1, 2, 3}) {
        ThreadPool own(threads);
        Values out = start;
        matmul_transposed({own, kernels_for(isa)}, y.data(), kTokens, kRows + 2, weight, out.data(),
                          kStride, true);
        if (first.empty()) first = out;
        ASSERT_TRUE(same_bits(out, first)) << isa << " " << dtype_info(dtype).name;
      }
    }
    for (int64_t t = 0; t < kTokens; ++t) {
      for (int64_t k = 0; k < kStride; ++k) {
        double sum = start[static_cast<size_t>(t * kStride + k)], size = 1;
        for (int64_t n = 0; n < kRows && k < kColumns; ++n) {
          const double part = double{y[static_cast<size_t>(t * (kRows + 2) + n)]} *
                              plain[static_cast<size_t>(n * kColumns + k)];
          sum += part, size += std::abs(part);
        }
        ASSERT_NEAR(first[static_cast<size_t>(t * kStride + k)], sum, 1e-6 * size)
            << dtype_info(dtype).name << " token " << t << " column " << k;
      }
    }
  }
}

// ---- cross entropy ----

struct Losses {
  Values gradient;
  Doubles loss;
  std::vector<uint8_t> correct;
};

Losses cross_entropy_of(const KernelContext& context, const Values& logits,
                        const std::vector<int32_t>& targets, float scale, float smoothing) {
  const auto rows = static_cast<int64_t>(targets.size());
  Losses out{logits, Doubles(targets.size()), std::vector<uint8_t>(targets.size())};
  cross_entropy(context, {out.gradient.data(), rows, static_cast<int64_t>(logits.size()) / rows,
                          targets.data(), scale, smoothing, out.loss.data(), out.correct.data()});
  return out;
}

double plain_loss(const Doubles& logits, size_t target, double smoothing) {
  double largest = logits[0], sum = 0, mean = 0;
  for (const double v : logits) largest = std::max(largest, v);
  for (const double v : logits) sum += std::exp(v - largest), mean += v;
  const double total = largest + std::log(sum);
  return (1 - smoothing) * (total - logits[target]) +
         smoothing * (total - mean / static_cast<double>(logits.size()));
}

TEST(GradientDrivers, CrossEntropyAndItsGradient) {
  for (const size_t width : {1, 2, 17, 257}) {
    for (const float size : {1e-6F, 1.0F, 30.0F, 3000.0F}) {
      for (const float smoothing : {0.0F, 0.1F, 1.0F}) {
        const std::vector<int32_t> targets = {0, static_cast<int32_t>(width) - 1,
                                              static_cast<int32_t>(width / 2)};
        const Values logits = random_floats(3 * width, width, size);
        ThreadPool pool(1);
        const Losses got =
            cross_entropy_of({pool, kernels_for("ref")}, logits, targets, 0.75F, smoothing);
        for (size_t row = 0; row < 3; ++row) {
          const auto begin = logits.begin() + static_cast<int64_t>(row * width);
          const Doubles x(begin, begin + static_cast<int64_t>(width));
          const auto target = static_cast<size_t>(targets[row]);
          const double rate = double{smoothing}, want = plain_loss(x, target, rate);
          EXPECT_NEAR(got.loss[row], want, 1e-6 * std::max(1.0, double{size} * 5));
          EXPECT_EQ(got.correct[row], *std::max_element(x.begin(), x.end()) == x[target]);
          const auto forward = [&](const auto& in) {
            return Doubles{plain_loss(in[0], target, rate)};
          };
          const Doubles slope = differences(forward, {x}, {0.75}, 0);
          for (size_t i = 0; i < width; ++i) {
            ASSERT_NEAR(got.gradient[row * width + i], slope[i], 2e-6)
                << "width " << width << " size " << size << " smoothing " << smoothing;
          }
        }
      }
    }
  }
}

TEST(GradientDrivers, CrossEntropyHasTheSameBitsEverywhere) {
  for (const size_t width : {3, 64, 1001}) {
    const Values logits = random_floats(7 * width, 3, 4.0F);
    const std::vector<int32_t> targets = {0, 1, 2, 2, 1, 0, 1};
    ThreadPool one(1);
    const Losses want = cross_entropy_of({one, kernels_for("ref")}, logits, targets, 0.1F, 0.05F);
    for (const std::string_view isa : supported_isas()) {
      for (const int threads : {1, 2, 3}) {
        ThreadPool pool(threads);
        const Losses got = cross_entropy_of({pool, kernels_for(isa)}, logits, targets, 0.1F, 0.05F);
        EXPECT_TRUE(same_bits(got.gradient, want.gradient)) << isa << threads;
        EXPECT_EQ(got.loss, want.loss);
        EXPECT_EQ(got.correct, want.correct);
      }
    }
  }
}

TEST(GradientDrivers, CrossEntropyDoesNotHideANaN) {
  ThreadPool pool(1);
  for (const std::string_view isa : supported_isas()) {
    Values logits = random_floats(40, 1);
    logits[7] = NAN;
    const Losses got = cross_entropy_of({pool, kernels_for(isa)}, logits, {3, 3}, 1, 0);
    EXPECT_TRUE(std::isnan(got.loss[0])) << isa;
    EXPECT_TRUE(std::isnan(got.gradient[3])) << isa;
    EXPECT_TRUE(std::isfinite(got.loss[1])) << isa;
  }
}

// ---- an optimizer's step ----

struct AdamState {
  Values value, mean, square;
};

AdamState adam_steps(const KernelContext& context, const AdamFactors& f, size_t count) {
  AdamState s{guarded(random_floats(count, 1)), Values(count + 2), Values(count + 2)};
  for (uint64_t step = 0; step < 3; ++step) {
    const Values g = guarded(random_floats(count, 10 + step, step == 1 ? 1e-12F : 2.0F));
    adam(context, f, g.data() + 1, static_cast<int64_t>(count), s.value.data() + 1,
         s.mean.data() + 1, s.square.data() + 1);
  }
  EXPECT_EQ(s.value.front(), kGuard);
  EXPECT_EQ(s.value.back(), kGuard);
  return s;
}

TEST(GradientDrivers, AdamFollowsItsFormulaWithTheSameBits) {
  const AdamFactors f{0.1F, 0.99F, 0.01F, 0.999F, 0.02F, 1.5F, 1e-8F};
  for (const size_t count : {0, 1, 15, 16, 17, 70, 9001}) {
    ThreadPool one(1);
    const AdamState want = adam_steps({one, kernels_for("ref")}, f, count);
    for (size_t i = 0; i < count && count < 100; ++i) {
      double value = random_floats(count, 1)[i], mean = 0, square = 0;
      for (uint64_t step = 0; step < 3; ++step) {
        const double g = random_floats(count, 10 + step, step == 1 ? 1e-12F : 2.0F)[i];
        mean += double{f.take1} * (g - mean);
        square = square * f.keep2 + double{f.take2} * g * g;
        value = value * f.shrink - f.step * mean / (std::sqrt(square) * f.widen + f.epsilon);
      }
      ASSERT_NEAR(want.value[i + 1], value, 1e-6 * std::max(1.0, std::abs(value))) << i;
    }
    for (const std::string_view isa : supported_isas()) {
      for (const int threads : {1, 2, 3}) {
        ThreadPool pool(threads);
        const AdamState got = adam_steps({pool, kernels_for(isa)}, f, count);
        ASSERT_TRUE(same_bits(got.value, want.value) && same_bits(got.mean, want.mean) &&
                    same_bits(got.square, want.square))
            << isa << " threads " << threads << " count " << count;
      }
    }
  }
}

}  // namespace
}  // namespace ondol::testing
