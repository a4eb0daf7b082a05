#include <algorithm>
#include <functional>

#include "kernels/ref/ref.h"
#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

using Values = std::vector<float>;
constexpr size_t kMost = 70;

// A kernel as a function of one input, for every length and a start off any alignment.
struct RowKernel {
  const char* name;
  std::function<Values(const KernelTable&, const Values& x)> run;
  std::function<std::vector<double>(const Values& x)> plain;
  double tolerance;
};

Values second(size_t count) { return random_floats(count, 99); }

std::vector<double> normed(const Values& x, bool centre, double epsilon) {
  double mean = 0, square = 0;
  for (const float v : x) mean += v;
  mean = centre ? mean / static_cast<double>(x.size()) : 0;
  for (const float v : x) square += (v - mean) * (v - mean);
  const double inverse = 1 / std::sqrt(square / static_cast<double>(x.size()) + epsilon);
  std::vector<double> out;
  for (const float v : x) out.push_back((v - mean) * inverse);
  return out;
}

template <class Function>
std::vector<double> each(const Values& x, Function function) {
  std::vector<double> out;
  for (const float v : x) out.push_back(function(static_cast<double>(v)));
  return out;
}

template <class Run>
auto in_place(Run run) {
  return [run](const KernelTable& t, const Values& x) {
    Values padded(x.size() + 3, 8.0F);  // a misaligned start, a guard behind
    std::copy(x.begin(), x.end(), padded.begin() + 1);
    run(t, padded.data() + 1, static_cast<int64_t>(x.size()));
    EXPECT_EQ(padded[0], 8.0F);
    EXPECT_EQ(padded[x.size() + 1], 8.0F);
    return Values(padded.begin() + 1, padded.begin() + 1 + static_cast<int64_t>(x.size()));
  };
}

std::vector<RowKernel> row_kernels() {
  std::vector<RowKernel> kernels;
  kernels.push_back({"rms_norm", in_place([](const KernelTable& t, float* x, int64_t n) {
                       const Values w(static_cast<size_t>(n), 1.0F);
                       t.rms_norm(x, w.data(), n, 1e-5F, x);
                     }),
                     [](const Values& x) { return normed(x, false, 1e-5); }, 2e-6});
  kernels.push_back({"rms_norm weighted", in_place([](const KernelTable& t, float* x, int64_t n) {
                       t.rms_norm(x, second(static_cast<size_t>(n)).data(), n, 1e-5F, x);
                     }),
                     [](const Values& x) {
                       auto out = normed(x, false, 1e-5);
                       for (size_t i = 0; i < x.size(); ++i) out[i] *= second(x.size())[i];
                       return out;
                     },
                     4e-6});
  kernels.push_back({"layer_norm", in_place([](const KernelTable& t, float* x, int64_t n) {
                       const Values w = second(static_cast<size_t>(n));
                       t.layer_norm(x, w.data(), w.data(), n, 1e-5F, x);
                     }),
                     [](const Values& x) {
                       auto out = normed(x, true, 1e-5);
                       const Values w = second(x.size());
                       for (size_t i = 0; i < x.size(); ++i) out[i] = out[i] * w[i] + w[i];
                       return out;
                     },
                     1e-5});
  kernels.push_back({"layer_norm without bias",
                     in_place([](const KernelTable& t, float* x, int64_t n) {
                       const Values w(static_cast<size_t>(n), 1.0F);
                       t.layer_norm(x, w.data(), nullptr, n, 1e-5F, x);
                     }),
                     [](const Values& x) { return normed(x, true, 1e-5); }, 1e-5});
  kernels.push_back({"add", in_place([](const KernelTable& t, float* x, int64_t n) {
                       t.add(second(static_cast<size_t>(n)).data(), n, x);
                     }),
                     [](const Values& x) {
                       std::vector<double> out(x.begin(), x.end());
                       const Values w = second(x.size());
                       for (size_t i = 0; i < x.size(); ++i) out[i] += w[i];
                       return out;
                     },
                     1e-6});
  kernels.push_back(
      {"silu_multiply", in_place([](const KernelTable& t, float* x, int64_t n) {
         const Values up(static_cast<size_t>(n), 2.0F);
         t.silu_multiply(x, up.data(), n, x);
       }),
       [](const Values& x) { return each(x, [](double v) { return 2 * v / (1 + std::exp(-v)); }); },
       1e-6});
  kernels.push_back(
      {"gelu", in_place([](const KernelTable& t, float* x, int64_t n) { t.gelu(x, n); }),
       [](const Values& x) {
         return each(x, [](double v) { return 0.5 * v * (1 + std::erf(v * std::sqrt(0.5))); });
       },
       1e-6});
  kernels.push_back(
      {"gelu_tanh", in_place([](const KernelTable& t, float* x, int64_t n) { t.gelu_tanh(x, n); }),
       [](const Values& x) {
         return each(x, [](double v) {
           const double inner = std::sqrt(2 / 3.14159265358979) * (v + 0.044715 * v * v * v);
           return 0.5 * v * (1 + std::tanh(inner));
         });
       },
       2e-6});
  kernels.push_back({"softmax",
                     in_place([](const KernelTable& t, float* x, int64_t n) { t.softmax(x, n); }),
                     [](const Values& x) {
                       const double max = *std::max_element(x.begin(), x.end());
                       double sum = 0;
                       for (const float v : x) sum += std::exp(v - max);
                       return each(x, [&](double v) { return std::exp(v - max) / sum; });
                     },
                     1e-6});
  kernels.push_back({"dot",
                     [](const KernelTable& t, const Values& x) {
                       const Values w = second(x.size());
                       return Values{t.dot(x.data(), w.data(), static_cast<int64_t>(x.size()))};
                     },
                     [](const Values& x) {
                       double sum = 0;
                       const Values w = second(x.size());
                       for (size_t i = 0; i < x.size(); ++i)
                         sum += static_cast<double>(x[i]) * w[i];
                       return std::vector<double>{sum};
                     },
                     2e-5});
  return kernels;
}

TEST(Rows, ReferenceIsNearThePlainFormula) {
  for (const RowKernel& kernel : row_kernels()) {
    for (size_t count = 1; count <= kMost; ++count) {
      const Values x = random_floats(count, count, 2.0F);
      const Values got = kernel.run(kernels_for("ref"), x);
      const auto want = kernel.plain(x);
      ASSERT_EQ(got.size(), want.size());
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], want[i], kernel.tolerance * std::max(1.0, std::fabs(want[i])))
            << kernel.name << " length " << count << " element " << i;
      }
    }
  }
}

TEST(Rows, EveryIsaHasTheReferencesBits) {
  for (const RowKernel& kernel : row_kernels()) {
    for (const KernelTable* table : vector_tables()) {
      for (size_t count = 1; count <= kMost; ++count) {
        for (const float scale : {0.3F, 5.0F, 60.0F}) {
          const Values x = random_floats(count, 500 + count, scale);
          ASSERT_TRUE(same_bits(kernel.run(*table, x), kernel.run(kernels_for("ref"), x)))
              << kernel.name << " " << kernel_isa(*table) << " length " << count;
        }
      }
    }
  }
}

TEST(Rows, EmptyRowsAreLeftAlone) {
  for (const std::string_view isa : supported_isas()) {
    const KernelTable& t = kernels_for(isa);
    EXPECT_EQ(t.dot(nullptr, nullptr, 0), 0.0F);
    t.add(nullptr, 0, nullptr);
    t.gelu(nullptr, 0);
    t.silu_multiply(nullptr, nullptr, 0, nullptr);
  }
}

TEST(Rows, RopeRotatesBothLayoutsByTheTables) {
  ThreadPool pool(2);
  constexpr int64_t kTokens = 5, kHeads = 3, kWidth = 70;
  for (const int64_t rotary : {2, 8, 16, 18, 32, 64, 70}) {
    const int64_t half = rotary / 2;
    std::vector<float> cos(10 * half), sin(10 * half);
    for (int64_t i = 0; i < 10 * half; ++i) {
      cos[i] = static_cast<float>(std::cos(0.1 * static_cast<double>(i)));
      sin[i] = static_cast<float>(std::sin(0.1 * static_cast<double>(i)));
    }
    const std::vector<int32_t> positions = {3, 0, 9, 4, 4};
    const Values x = random_floats(kTokens * kHeads * kWidth, 3);
    for (const RopeLayout layout : {RopeLayout::kPairs, RopeLayout::kHalves}) {
      Values first;
      for (const std::string_view isa : supported_isas()) {
        Values y = x;
        rope({pool, kernels_for(isa)}, y.data(), kTokens, kHeads * kWidth, kHeads, kWidth, rotary,
             layout, positions, cos.data(), sin.data());
        if (first.empty()) first = y;
        ASSERT_TRUE(same_bits(y, first)) << isa << " rotary " << rotary;
      }
      const int64_t t = 2, head = 1, i = half - 1;
      const float* in = x.data() + (t * kHeads + head) * kWidth;
      const float* out = first.data() + (t * kHeads + head) * kWidth;
      const int64_t a = layout == RopeLayout::kPairs ? 2 * i : i;
      const int64_t b = layout == RopeLayout::kPairs ? 2 * i + 1 : i + half;
      const double c = cos[9 * half + i], s = sin[9 * half + i];
      EXPECT_NEAR(out[a], in[a] * c - in[b] * s, 1e-6);
      EXPECT_NEAR(out[b], in[a] * s + in[b] * c, 1e-6);
      if (rotary < kWidth) {
        EXPECT_EQ(out[kWidth - 1], in[kWidth - 1]);
      }
    }
  }
}

TEST(Rows, Int8DotProductsAreExact) {
  Rng rng(5);
  for (const int64_t width : {0, 1, 15, 31, 32, 33, 63, 64, 65, 100, 384}) {
    std::vector<int8_t> query(static_cast<size_t>(width)), rows(static_cast<size_t>(7 * width));
    for (int8_t& v : query) v = static_cast<int8_t>(rng.below(256));
    for (int8_t& v : rows) v = static_cast<int8_t>(rng.below(256));
    if (width > 2) query[0] = rows[0] = rows[width] = -128;
    ThreadPool pool(2);
    for (const std::string_view isa : supported_isas()) {
      std::vector<int32_t> out(7, -1);
      dot_i8_rows({pool, kernels_for(isa)}, query.data(), rows.data(), 7, width, out.data());
      for (int64_t row = 0; row < 7; ++row) {
        int64_t want = 0;
        for (int64_t i = 0; i < width; ++i) want += query[i] * rows[row * width + i];
        ASSERT_EQ(out[row], want) << isa << " width " << width;
      }
    }
  }
}

TEST(Rows, LogSumExpIsNearThePlainFormulaAndTheSameEverywhere) {
  ThreadPool pool(1);
  for (const size_t width : {1, 2, 17, 1000, 49152}) {
    const Values x = random_floats(width, width, 4.0F);
    double sum = 0;
    for (const float v : x) sum += std::exp(static_cast<double>(v));
    const float ref =
        log_sum_exp({pool, kernels_for("ref")}, x.data(), static_cast<int64_t>(width));
    EXPECT_NEAR(ref, std::log(sum), 2e-6 * std::max(1.0, std::log(sum)));
    for (const KernelTable* table : vector_tables()) {
      EXPECT_EQ(log_sum_exp({pool, *table}, x.data(), static_cast<int64_t>(width)), ref);
    }
  }
}

// Largest error in units of the last place of the result, over a dense walk.
template <class Mine, class True>
double worst_ulp(double from, double to, Mine mine, True truth) {
  double worst = 0;
  for (int i = 0; i <= 400000; ++i) {
    const auto x = static_cast<float>(from + (to - from) * i / 400000);
    const double want = truth(static_cast<double>(x));
    const auto rounded = static_cast<float>(want);
    const double ulp = static_cast<double>(std::nextafter(std::fabs(rounded), INFINITY)) -
                       static_cast<double>(std::fabs(rounded));
    worst = std::max(worst, std::fabs(mine(x) - want) / ulp);
  }
  return worst;
}

TEST(Math, PolynomialsAreWithinAFewUlp) {
  const auto e = [](double x) { return std::exp(x); };
  EXPECT_LT(worst_ulp(-87.3, 88.7, ref::exp, e), 1.5);
  EXPECT_LT(worst_ulp(-1, 1, ref::exp, e), 1.5);
  EXPECT_LT(worst_ulp(-103.9, -87.3, ref::exp, e), 1.5);  // subnormal results
  EXPECT_LT(worst_ulp(-5, 5, ref::erf, [](double x) { return std::erf(x); }), 2.5);
  EXPECT_LT(worst_ulp(-0.01, 0.01, ref::erf, [](double x) { return std::erf(x); }), 2.5);
  EXPECT_LT(worst_ulp(-12, 12, ref::tanh, [](double x) { return std::tanh(x); }), 2.5);
  EXPECT_LT(worst_ulp(-0.7, 0.7, ref::tanh, [](double x) { return std::tanh(x); }), 2.5);
}

TEST(Math, EndsOfTheRange) {
  EXPECT_EQ(ref::exp(0.0F), 1.0F);
  EXPECT_EQ(ref::exp(-INFINITY), 0.0F);
  EXPECT_EQ(ref::exp(-1000.0F), 0.0F);
  EXPECT_EQ(ref::exp(INFINITY), INFINITY);
  EXPECT_EQ(ref::exp(1000.0F), INFINITY);
  EXPECT_TRUE(std::isnan(ref::exp(NAN)));
  EXPECT_EQ(ref::erf(INFINITY), 1.0F);
  EXPECT_EQ(ref::erf(-9.0F), -1.0F);
  EXPECT_EQ(ref::tanh(50.0F), 1.0F);
  EXPECT_EQ(ref::tanh(-INFINITY), -1.0F);
  EXPECT_TRUE(std::isnan(ref::erf(NAN)));
}

}  // namespace
}  // namespace ondol::testing
