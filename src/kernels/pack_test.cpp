#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "kernels/test_support.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

struct Golden {
  std::vector<std::byte> blocks;
  std::vector<float> values;
};

Golden read_golden(DType dtype) {
  const auto path = golden_dir() / "kernels" / (std::string(dtype_info(dtype).name) + ".bin");
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  Golden golden;
  uint32_t count = 0;
  if (bytes.size() < sizeof count) return golden;
  std::memcpy(&count, bytes.data(), sizeof count);
  golden.blocks.resize(count * static_cast<size_t>(dtype_info(dtype).block_bytes));
  std::memcpy(golden.blocks.data(), bytes.data() + 4, golden.blocks.size());
  golden.values.resize(count * static_cast<size_t>(dtype_info(dtype).block_elements));
  std::memcpy(golden.values.data(), bytes.data() + 4 + golden.blocks.size(),
              4 * golden.values.size());
  return golden;
}

class Dequantize : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, Dequantize, ::testing::ValuesIn(kQuantTypes),
                         [](const auto& type) { return std::string(dtype_info(type.param).name); });

TEST_P(Dequantize, BlocksEqualTheGgufPackage) {
  const Golden golden = read_golden(GetParam());
  ASSERT_FALSE(golden.values.empty());
  std::vector<float> values(golden.values.size());
  dequantize_blocks(GetParam(), golden.blocks.data(), static_cast<int64_t>(values.size()),
                    values.data());
  EXPECT_TRUE(same_bits(values, golden.values));
}

TEST_P(Dequantize, PackedMatrixEqualsTheGgufPackage) {
  const Golden golden = read_golden(GetParam());
  const auto elements = static_cast<int64_t>(golden.values.size());
  ThreadPool pool(2);
  // 24 blocks: as one row, as 24 rows, and as 6 rows of 4 blocks.
  for (const int64_t rows : {1, 6, 24}) {
    const auto matrix = PackedMatrix::pack(GetParam(), rows, elements / rows, golden.blocks, pool);
    std::vector<float> values(golden.values.size());
    matrix.dequantize(0, rows, 0, elements / rows, values.data(), elements / rows);
    EXPECT_TRUE(same_bits(values, golden.values)) << rows << " rows";
  }
}

TEST(PackedMatrix, RefusesWhatDoesNotFit) {
  ThreadPool pool(1);
  const auto blocks = random_blocks(DType::kQ4_0, 64 * 3, 1);
  EXPECT_THROW(PackedMatrix::pack(DType::kQ4_0, 3, 63, blocks, pool), Error);
  EXPECT_THROW(PackedMatrix::pack(DType::kQ4_0, 4, 64, blocks, pool), Error);
  EXPECT_THROW(PackedMatrix::pack(DType::kQ4_0, 0, 64, {}, pool), Error);
  EXPECT_THROW(PackedMatrix::pack(DType::kI32, 1, 1, std::span(blocks).first(4), pool), Error);
  EXPECT_NO_THROW(PackedMatrix::pack(DType::kQ4_0, 3, 64, blocks, pool));
}

TEST(PackedMatrix, DequantizeTakesAnyRectangleAndGatherTakesRows) {
  ThreadPool pool(2);
  for (const DType dtype : kAllTypes) {
    const int64_t rows = 37, columns = 512;
    const auto blocks = random_blocks(dtype, rows * columns, 5);
    std::vector<float> whole(rows * columns);
    dequantize_blocks(dtype, blocks.data(), rows * columns, whole.data());
    const auto matrix = PackedMatrix::pack(dtype, rows, columns, blocks, pool);
    std::vector<float> part(3 * 50);
    matrix.dequantize(15, 18, 31, 80, part.data(), 50);
    for (int64_t r = 0; r < 3; ++r) {
      for (int64_t c = 0; c < 49; ++c)
        EXPECT_EQ(part[r * 50 + c], whole[(15 + r) * columns + 31 + c]);
    }
    for (const std::string_view isa : supported_isas()) {
      const std::vector<int32_t> ids = {36, 0, 17, 17};
      std::vector<float> out(4 * columns), expected;
      gather_rows({pool, kernels_for(isa)}, matrix, ids, out.data());
      for (const int32_t id : ids) {
        expected.insert(expected.end(), whole.begin() + id * columns,
                        whole.begin() + (id + 1) * columns);
      }
      EXPECT_TRUE(same_bits(out, expected)) << dtype_info(dtype).name << " " << isa;
    }
  }
}

TEST(HalfToFloat, EveryFiniteHalfIsExact) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const int exponent = static_cast<int>(bits >> 10);
    const double mantissa = bits & 1023U;
    const double value =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    ASSERT_EQ(half_to_float(static_cast<uint16_t>(bits)), value) << bits;
    ASSERT_EQ(half_to_float(static_cast<uint16_t>(bits | 0x8000U)), -value) << bits;
  }
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7e00)));
}

TEST(HalfToFloat, EveryHalfAndTheTiesBetweenComeBack) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    ASSERT_EQ(float_to_half(value), half);
    ASSERT_EQ(float_to_half(-value), half | 0x8000);
    const double above = bits == 0x7bff ? 65536.0 : half_to_float(static_cast<uint16_t>(bits + 1));
    const auto middle = static_cast<float>((value + above) / 2);  // exact
    ASSERT_EQ(float_to_half(middle), bits + (bits & 1)) << bits;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0F)), bits) << bits;
    ASSERT_EQ(float_to_half(std::nextafter(middle, INFINITY)), bits + 1) << bits;
  }
  EXPECT_EQ(float_to_half(INFINITY), 0x7c00);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(NAN))));
}

TEST(EncodeBlocks, Q8IsNearItsValuesAndKeepsWhatItCanHold) {
  const auto values = random_floats(64 * 32, 3, 0.05F);
  std::vector<std::byte> blocks(64 * 34);
  encode_blocks(DType::kQ8_0, values, blocks);
  std::vector<float> back(values.size()), again(values.size());
  dequantize_blocks(DType::kQ8_0, blocks.data(), 64 * 32, back.data());
  for (size_t i = 0; i < values.size(); i += 32) {
    float largest = 0;
    for (size_t k = i; k < i + 32; ++k) largest = std::max(largest, std::fabs(values[k]));
    for (size_t k = i; k < i + 32; ++k) EXPECT_NEAR(back[k], values[k], largest / 250) << k;
  }
  encode_blocks(DType::kQ8_0, back, blocks);  // what a block holds it holds again
  dequantize_blocks(DType::kQ8_0, blocks.data(), 64 * 32, again.data());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(again[i], back[i], 2e-5F);

  std::vector<float> odd(32, 0.0F);
  blocks.resize(34);
  encode_blocks(DType::kQ8_0, odd, blocks);
  dequantize_blocks(DType::kQ8_0, blocks.data(), 32, odd.data());
  for (const float v : odd) EXPECT_EQ(v, 0.0F);
  odd[7] = INFINITY;
  encode_blocks(DType::kQ8_0, odd, blocks);
  dequantize_blocks(DType::kQ8_0, blocks.data(), 32, odd.data());
  for (const float v : odd) EXPECT_TRUE(std::isnan(v));
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {  // exact where it can be
    const std::vector<float> exact = {1.5F, -0.25F, 1024, 0};
    std::vector<std::byte> bytes(static_cast<size_t>(dtype_bytes(dtype, 4)));
    std::vector<float> read(4);
    encode_blocks(dtype, exact, bytes);
    dequantize_blocks(dtype, bytes.data(), 4, read.data());
    EXPECT_EQ(read, exact);
  }
  EXPECT_THROW(encode_blocks(DType::kQ8_0, std::span(values).first(31), blocks), Error);
  EXPECT_THROW(encode_blocks(DType::kQ4_0, std::span(values).first(32), blocks), Error);
}

TEST(Dispatch, NamesWhatItSupports) {
  EXPECT_EQ(supported_isas().back(), "ref");
  for (const std::string_view isa : supported_isas()) {
    EXPECT_EQ(kernel_isa(kernels_for(isa)), isa);
  }
  try {
    kernels_for("sse9");
    FAIL() << "an unknown instruction set was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("ref"), std::string::npos);
  }
}

TEST(Dispatch, TheEnvironmentForcesAnInstructionSet) {
  const char* before = std::getenv("ONDOL_ISA");
  const std::string kept = before ? before : "";
  for (const std::string_view isa : supported_isas()) {
    setenv("ONDOL_ISA", std::string(isa).c_str(), 1);
    EXPECT_EQ(kernel_isa(best_kernels()), isa);
  }
  setenv("ONDOL_ISA", "altivec", 1);
  EXPECT_THROW(best_kernels(), Error);
  setenv("ONDOL_ISA", kept.c_str(), 1);  // an empty name forces nothing
}

}  // namespace
}  // namespace ondol::testing
