#include <algorithm>

#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

struct Weight {
  std::vector<std::byte> blocks;
  PackedMatrix packed;
  int64_t rows, columns;
};

Weight make_weight(DType dtype, int64_t rows, int64_t columns, ThreadPool& pool) {
  Weight w{random_blocks(dtype, rows * columns, 3), {}, rows, columns};
  w.packed = PackedMatrix::pack(dtype, rows, columns, w.blocks, pool);
  return w;
}

std::vector<float> product(const KernelContext& context, const Weight& w,
                           const std::vector<float>& x, int64_t tokens,
                           const std::vector<float>* bias = nullptr) {
  std::vector<float> out(static_cast<size_t>(tokens * w.rows), -1.0F);
  const MatmulPart part{&w.packed, bias ? bias->data() : nullptr, out.data(), w.rows};
  matmul(context, {x.data(), tokens, w.columns}, {&part, 1});
  return out;
}

std::vector<double> plain_product(const Weight& w, DType dtype, const std::vector<float>& x,
                                  int64_t tokens) {
  std::vector<float> values(static_cast<size_t>(w.rows * w.columns));
  dequantize_blocks(dtype, w.blocks.data(), w.rows * w.columns, values.data());
  std::vector<double> out(static_cast<size_t>(tokens * w.rows));
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t r = 0; r < w.rows; ++r) {
      double sum = 0;
      for (int64_t k = 0; k < w.columns; ++k) {
        sum += static_cast<double>(values[r * w.columns + k]) * x[t * w.columns + k];
      }
      out[t * w.rows + r] = sum;
    }
  }
  return out;
}

// Root mean square of the difference over that of the truth.
double relative_error(const std::vector<float>& got, const std::vector<double>& truth) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    difference += (got[i] - truth[i]) * (got[i] - truth[i]);
    size += truth[i] * truth[i];
  }
  return std::sqrt(difference / size);
}

class MatmulTypes : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, MatmulTypes, ::testing::ValuesIn(kAllTypes),
                         [](const auto& type) { return std::string(dtype_info(type.param).name); });

TEST_P(MatmulTypes, ReferenceIsNearThePlainFormula) {
  ThreadPool pool(2);
  const Weight w = make_weight(GetParam(), 21, 768, pool);
  const auto x = random_floats(3 * 768, 9);
  const auto truth = plain_product(w, GetParam(), x, 3);
  const auto exact = product({pool, kernels_for("ref"), Precision::kExact}, w, x, 3);
  EXPECT_LT(relative_error(exact, truth), 2e-6);
  const auto fast = product({pool, kernels_for("ref"), Precision::kFast}, w, x, 3);
  // Rounding activations to 1/127 of a block's largest: about 0.3 % per product, at random.
  const bool rounded = !is_float(GetParam()) || GetParam() == DType::kBF16;
  EXPECT_LT(relative_error(fast, truth), rounded ? 0.015 : 2e-6);
  if (rounded) {
    EXPECT_GT(relative_error(fast, truth), 1e-5);
  }
}

// Every instruction set, batch size and thread count gives the bits of the reference.
TEST_P(MatmulTypes, SameBitsForEveryIsaBatchAndThreadCount) {
  constexpr int64_t kTokens = 64, kColumns = 512;
  for (const int64_t rows : {1, 16, 33, 100}) {
    ThreadPool one(1), two(2), three(3);
    const Weight w = make_weight(GetParam(), rows, kColumns, one);
    const auto x = random_floats(kTokens * kColumns, 4);
    const auto bias = random_floats(static_cast<size_t>(rows), 5);
    for (const Precision precision : {Precision::kExact, Precision::kFast}) {
      const auto want = product({one, kernels_for("ref"), precision}, w, x, kTokens, &bias);
      for (const KernelTable* table : vector_tables()) {
        for (const int64_t tokens : {1, 2, 3, 5, 7, 8, 13, 16, 17, 33, 64}) {
          for (ThreadPool* pool : {&one, &two, &three}) {
            const auto got = product({*pool, *table, precision}, w, x, tokens, &bias);
            ASSERT_TRUE(same_bits(got, {want.begin(), want.begin() + tokens * rows}))
                << kernel_isa(*table) << " rows " << rows << " tokens " << tokens << " threads "
                << pool->size() << " precision " << static_cast<int>(precision);
          }
        }
      }
    }
  }
}

TEST_P(MatmulTypes, TransposedIsTheSumOverRows) {
  ThreadPool one(1), three(3);
  const int64_t rows = 37, columns = 512, tokens = 5;
  const Weight w = make_weight(GetParam(), rows, columns, one);
  const auto y = random_floats(tokens * rows, 6);
  std::vector<float> values(rows * columns), want(tokens * columns);
  dequantize_blocks(GetParam(), w.blocks.data(), rows * columns, values.data());
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t k = 0; k < columns; ++k) {
      float acc = 0;
      for (int64_t n = 0; n < rows; ++n) {
        acc = std::fma(values[n * columns + k], y[t * rows + n], acc);
      }
      want[t * columns + k] = acc;
    }
  }
  for (const std::string_view isa : supported_isas()) {
    for (ThreadPool* pool : {&one, &three}) {
      std::vector<float> out(want.size(), 3.0F);
      matmul_transposed({*pool, kernels_for(isa)}, y.data(), tokens, rows, w.packed, out.data(),
                        columns);
      EXPECT_TRUE(same_bits(out, want)) << isa;
    }
  }
}

TEST(Matmul, PartsOfDifferentTypesShareTheInputAndAccumulate) {
  ThreadPool pool(2);
  constexpr int64_t kTokens = 19, kColumns = 256;
  const auto x = random_floats(kTokens * kColumns, 1);
  std::vector<Weight> weights;
  int64_t rows = 20;
  for (const DType dtype : {DType::kQ4_1, DType::kF32, DType::kQ6_K, DType::kQ8_0, DType::kQ4_0,
                            DType::kQ5_0, DType::kBF16}) {
    weights.push_back(make_weight(dtype, rows, kColumns, pool));
    rows += 13;
  }
  for (const std::string_view isa : supported_isas()) {
    const KernelContext context{pool, kernels_for(isa)};
    for (const int64_t tokens : {int64_t{1}, int64_t{4}, kTokens}) {
      std::vector<std::vector<float>> outs;
      std::vector<MatmulPart> parts;
      for (const Weight& w : weights) {
        outs.push_back(random_floats(static_cast<size_t>(tokens * w.rows), 8));
        parts.push_back({&w.packed, nullptr, outs.back().data(), w.rows, true});
      }
      matmul(context, {x.data(), tokens, kColumns}, parts);
      for (size_t i = 0; i < weights.size(); ++i) {
        const Weight& w = weights[i];
        const auto alone = product(context, w, x, tokens);
        auto want = random_floats(alone.size(), 8);
        for (size_t j = 0; j < want.size(); ++j) want[j] += alone[j];
        EXPECT_TRUE(same_bits(outs[i], want)) << isa << " part " << i << " tokens " << tokens;
      }
    }
  }
}

TEST(Matmul, StridesAreHonouredAndNeighboursUntouched) {
  ThreadPool pool(2);
  const Weight w = make_weight(DType::kQ4_0, 17, 64, pool);
  const auto x = random_floats(3 * 64, 1);
  std::vector<float> wide(3 * 80, 77.0F);
  for (int64_t t = 0; t < 3; ++t) std::copy_n(x.begin() + t * 64, 64, wide.begin() + t * 80 + 5);
  for (const std::string_view isa : supported_isas()) {
    const KernelContext context{pool, kernels_for(isa)};
    const auto want = product(context, w, x, 3);
    std::vector<float> out(3 * 40, 5.0F);
    const MatmulPart part{&w.packed, nullptr, out.data() + 1, 40};
    matmul(context, {wide.data() + 5, 3, 80}, {&part, 1});
    for (int64_t t = 0; t < 3; ++t) {
      for (int64_t i = 0; i < 40; ++i) {
        const bool inside = i >= 1 && i < 18;
        EXPECT_EQ(out[t * 40 + i], inside ? want[t * 17 + i - 1] : 5.0F) << isa << " " << i;
      }
    }
  }
}

// Zeros, tiny values, infinities and NaNs: never a wrong finite number.
TEST(Matmul, SpecialActivations) {
  ThreadPool pool(1);
  for (const DType dtype : kQuantTypes) {
    const Weight w = make_weight(dtype, 16, 256, pool);
    for (const std::string_view isa : supported_isas()) {
      const KernelContext context{pool, kernels_for(isa)};
      std::vector<float> x(256, 0.0F);
      for (const float v : product(context, w, x, 1)) EXPECT_EQ(v, 0.0F);
      std::fill(x.begin(), x.end(), 1e-40F);
      for (const float v : product(context, w, x, 1)) EXPECT_EQ(v, 0.0F);
      for (const float bad : {NAN, INFINITY, -INFINITY}) {
        x = random_floats(256, 2);
        x[200] = bad;
        for (const float v : product(context, w, x, 1)) EXPECT_TRUE(std::isnan(v)) << isa;
      }
    }
  }
}

// Those of this machine, and the one with vdpbf16ps where the machine has it, preferred or not.
std::vector<KernelTable> bf16_tables() {
  std::vector<KernelTable> tables;
  for (const KernelTable* table : vector_tables()) tables.push_back(*table);
#if defined(__x86_64__)
  if (std::ranges::count(cpu_features(), "avx512_bf16")) {
    KernelTable table = kernels_for("avx512");
    table.name = "avx512 with vdpbf16ps";
    table.round_bf16 = avx512::round_bf16_pairs;
    table.matmul_bf16 = avx512::matmul_bf16_dot;
    tables.push_back(table);
  }
#endif
  return tables;
}

TEST(Matmul, Bf16HasTheReferencesBitsForEveryBatch) {
  constexpr int64_t kTokens = 29, kColumns = 150;
  for (const int64_t rows : {5, 48, 100}) {
    ThreadPool one(1), three(3);
    const Weight w = make_weight(DType::kBF16, rows, kColumns, one);
    const auto x = random_floats(kTokens * kColumns, 4);
    const auto want = product({one, kernels_for("ref")}, w, x, kTokens);
    for (const KernelTable& table : bf16_tables()) {
      for (const int64_t tokens : {1, 2, 7, 12, 13, 29}) {
        for (ThreadPool* pool : {&one, &three}) {
          EXPECT_TRUE(same_bits(product({*pool, table}, w, x, tokens),
                                {want.begin(), want.begin() + tokens * rows}))
              << kernel_isa(table) << " rows " << rows << " tokens " << tokens;
        }
      }
    }
  }
}

// bf16 weights, an odd count of columns, subnormal numbers on either side, infinities and NaNs.
TEST(Matmul, Bf16RoundsAndFlushesAsTheReference) {
  constexpr int64_t kRows = 19, kColumns = 77, kTokens = 3;
  ThreadPool pool(2);
  Rng rng(3);
  Weight w{std::vector<std::byte>(2 * kRows * kColumns), {}, kRows, kColumns};
  for (int64_t i = 0; i < kRows * kColumns; ++i) {
    // Products and sums from far below to above the smallest normal number.
    const float value =
        static_cast<float>(rng.normal()) * std::ldexp(1.0F, i % 5 == 0 ? -127 : -66);
    const auto bits = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    std::memcpy(w.blocks.data() + 2 * i, &bits, 2);
  }
  w.packed = PackedMatrix::pack(DType::kBF16, kRows, kColumns, w.blocks, pool);
  auto x = random_floats(kTokens * kColumns, 5, 0x1p-60F);
  for (size_t i = 0; i < x.size(); i += 7) x[i] = std::ldexp(x[i], -68);
  const auto bias = random_floats(kRows, 6, 0x1p-126F);
  for (const float bad : {0.0F, INFINITY, NAN}) {
    if (bad != 0.0F) x[kColumns + 4] = bad;
    const auto want = product({pool, kernels_for("ref")}, w, x, kTokens, &bias);
    EXPECT_TRUE(std::ranges::any_of(want, [](float v) { return v == 0.0F; }));
    EXPECT_TRUE(std::ranges::any_of(want, [](float v) { return v != 0.0F; }));
    for (const KernelTable& table : bf16_tables()) {
      EXPECT_TRUE(same_bits(product({pool, table}, w, x, kTokens, &bias), want))
          << kernel_isa(table) << " " << bad;
    }
  }
}

TEST(RoundBf16, TiesGoToEvenAndNansStay) {
  const float inputs[] = {1.0F,        1.00390625F, 1.01171875F, -1.0039065F, 3.4e38F,
                          0x1.8p-130F, INFINITY,    -0.0F,       NAN};
  const uint32_t want[] = {0x3f80, 0x3f80, 0x3f82, 0xbf81, 0x7f80, 0x000c, 0x7f80, 0x8000};
  for (const std::string_view isa : {"ref", "avx2"}) {  // these keep floats
    if (!std::ranges::count(supported_isas(), isa)) continue;
    for (const int64_t count : {1, 5, 9}) {
      std::vector<float> out(12, 7.0F);
      kernels_for(isa).round_bf16(inputs, count, reinterpret_cast<std::byte*>(out.data()));
      for (int64_t i = 0; i < std::min<int64_t>(count, 8); ++i) {
        EXPECT_EQ(std::bit_cast<uint32_t>(out[i]), want[i] << 16) << isa;
      }
      EXPECT_EQ(out[count], 0.0F) << isa;  // the zero of a pair
      EXPECT_EQ(out[10], 7.0F);
      if (count == 9) {
        EXPECT_TRUE(std::isnan(out[8])) << isa;
      }
    }
  }
}

TEST(Quantize, CodesAndSumsAreTheReferences) {
  constexpr int64_t kColumns = 96;
  auto x = random_floats(2 * kColumns, 12, 3.0F);
  x[40] = 1e6F;
  for (int i = 64; i < 96; ++i) x[i] = 0.0F;
  x[100] = NAN;
  const auto run = [&](const KernelTable& table) {
    std::vector<int8_t> codes(2 * kColumns);
    std::vector<float> floats(18);
    std::vector<int32_t> starts(36);
    int32_t* s = starts.data();
    const Activations a{codes.data(),
                        floats.data(),
                        floats.data() + 6,
                        floats.data() + 12,
                        {s, s + 6, s + 12, s + 18}};
    for (int64_t t = 0; t < 2; ++t) table.quantize(x.data() + t * kColumns, kColumns, t, a);
    return std::tuple(codes, floats, starts);
  };
  const auto [codes, floats, starts] = run(kernels_for("ref"));
  EXPECT_EQ(codes[40], 127);
  for (const KernelTable* table : vector_tables()) {
    const auto [c, f, s] = run(*table);
    EXPECT_EQ(c, codes) << kernel_isa(*table);
    EXPECT_TRUE(same_bits(f, floats)) << kernel_isa(*table);
    EXPECT_EQ(s, starts) << kernel_isa(*table);
  }
}

}  // namespace
}  // namespace ondol::testing
