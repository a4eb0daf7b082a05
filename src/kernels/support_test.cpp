#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

void put_half(std::byte* target, Rng& rng, float scale) {
  // A positive or negative half of magnitude about `scale`, built from its bits.
  const float value = scale * static_cast<float>(0.25 + rng.uniform());
  const auto bits = std::bit_cast<uint32_t>(value);
  auto half = static_cast<uint16_t>(((bits >> 23) - 112U) << 10 | ((bits >> 13) & 1023U));
  if (rng.below(2)) half = static_cast<uint16_t>(half | 0x8000U);
  std::memcpy(target, &half, sizeof half);
}

}  // namespace

std::vector<std::byte> random_blocks(DType dtype, int64_t elements, uint64_t stream) {
  Rng rng(11, stream);
  const DTypeInfo& info = dtype_info(dtype);
  std::vector<std::byte> bytes(static_cast<size_t>(dtype_bytes(dtype, elements)));
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.below(256));
  for (int64_t i = 0; i < elements / info.block_elements; ++i) {
    std::byte* block = bytes.data() + i * info.block_bytes;
    switch (dtype) {
      case DType::kF32: {
        const auto value = static_cast<float>(rng.normal());
        std::memcpy(block, &value, sizeof value);
        break;
      }
      case DType::kBF16: {
        const auto value = static_cast<float>(rng.normal());
        const auto high = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
        std::memcpy(block, &high, sizeof high);
        break;
      }
      case DType::kQ6_K:
        put_half(block + 208, rng, 0.001F);
        break;
      default:
        put_half(block, rng, 0.05F);
        if (info.block_bytes % 4 == 0) put_half(block + 2, rng, 0.05F);  // the types with minimums
    }
  }
  return bytes;
}

::testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return ::testing::AssertionFailure() << "sizes differ";
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::bit_cast<uint32_t>(a[i]) == std::bit_cast<uint32_t>(b[i])) continue;
    return ::testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
  }
  return ::testing::AssertionSuccess();
}

TEST(TestSupport, RandomBlocksDequantiseToFiniteValues) {
  for (const DType dtype : kAllTypes) {
    std::vector<float> values(512);
    dequantize_blocks(dtype, random_blocks(dtype, 512, 1).data(), 512, values.data());
    float largest = 0;
    for (const float v : values) {
      ASSERT_TRUE(std::isfinite(v)) << dtype_info(dtype).name;
      largest = std::max(largest, std::fabs(v));
    }
    EXPECT_GT(largest, 0.01F) << dtype_info(dtype).name;
    EXPECT_LT(largest, 300.0F) << dtype_info(dtype).name;
  }
}

}  // namespace ondol::testing
