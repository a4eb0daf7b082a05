// Floats made packed weights are what pack() makes of encode_blocks().
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

std::vector<float> all_of(const PackedMatrix& matrix) {
  std::vector<float> out(static_cast<size_t>(matrix.rows() * matrix.columns()));
  matrix.dequantize(0, matrix.rows(), 0, matrix.columns(), out.data(), matrix.columns());
  return out;
}

std::vector<float> encoded(DType dtype, int64_t rows, int64_t columns,
                           const std::vector<float>& values, ThreadPool& pool) {
  std::vector<std::byte> bytes(static_cast<size_t>(rows * dtype_bytes(dtype, columns)));
  encode_blocks(dtype, values, bytes);
  return all_of(PackedMatrix::pack(dtype, rows, columns, bytes, pool));
}

TEST(Assign, IsPackOfEncodedBlocks) {
  constexpr int64_t kShapes[][2] = {{1, 32}, {16, 64}, {37, 96}, {48, 33}, {5, 1}, {130, 31}};
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kQ8_0}) {
    for (const auto& [rows, columns] : kShapes) {
      if (columns % dtype_info(dtype).block_elements != 0) continue;
      ThreadPool pool(3);
      const auto size = static_cast<size_t>(rows * columns);
      std::vector<float> values = random_floats(size, 3);
      values[size / 2] = 0;
      values[size / 3] = 1e-30F;
      values[size - 1] = -70;
      const std::vector<float> expected = encoded(dtype, rows, columns, values, pool);
      PackedMatrix made =
          PackedMatrix::from_floats(dtype, rows, columns, {values.data(), columns, 1}, pool);
      EXPECT_TRUE(same_bits(all_of(made), expected)) << dtype_info(dtype).name << " " << rows;
      // Other values in the same place, read from the transposed matrix.
      const std::vector<float> other = random_floats(size, 4, 50);
      std::vector<float> transposed(size);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < columns; ++c) transposed[c * rows + r] = other[r * columns + c];
      }
      made.assign({transposed.data(), 1, rows}, pool);
      EXPECT_TRUE(same_bits(all_of(made), encoded(dtype, rows, columns, other, pool)));
    }
  }
}

TEST(Assign, EveryCodeAndTieOfABlock) {
  ThreadPool pool(1);
  std::vector<float> values;
  for (int i = -127; i <= 128; ++i) values.push_back(static_cast<float>(i) * 0.5F);
  values[0] = 127;  // with a scale of one the halves are ties
  values[100] = -127;
  EXPECT_TRUE(same_bits(
      all_of(PackedMatrix::from_floats(DType::kQ8_0, 8, 32, {values.data(), 32, 1}, pool)),
      encoded(DType::kQ8_0, 8, 32, values, pool)));
}

TEST(Assign, WhatIsNotFiniteStaysSo) {
  ThreadPool pool(1);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> values(64, 1.0F);
    values[40] = bad;
    const std::vector<float> got =
        all_of(PackedMatrix::from_floats(DType::kQ8_0, 1, 64, {values.data(), 64, 1}, pool));
    EXPECT_TRUE(same_bits(got, encoded(DType::kQ8_0, 1, 64, values, pool)));
    EXPECT_TRUE(std::isnan(got[32]));
    EXPECT_NEAR(got[0], 1.0F, 1e-3F);
  }
}

TEST(Assign, OtherTypesAndBrokenBlocksAreRefused) {
  ThreadPool pool(1);
  const std::vector<float> values(96);
  const auto make = [&](DType dtype, int64_t columns) {
    PackedMatrix::from_floats(dtype, 1, columns, {values.data(), columns, 1}, pool);
  };
  EXPECT_THROW(make(DType::kQ4_0, 32), Error);
  EXPECT_THROW(make(DType::kQ8_0, 48), Error);
  EXPECT_THROW(make(DType::kF32, 0), Error);
}

}  // namespace
}  // namespace ondol::testing
