// Helpers of this room's tests: random inputs, every table this machine runs, comparisons by bits.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/rng.h"
#include "kernels/packed.h"

namespace ondol::testing {

inline std::vector<const KernelTable*> vector_tables() {
  std::vector<const KernelTable*> tables;
  for (const std::string_view isa : supported_isas()) {
    if (isa != "ref") tables.push_back(&kernels_for(isa));
  }
  return tables;
}

inline std::vector<float> random_floats(size_t count, uint64_t stream, float scale = 1.0F) {
  Rng rng(7, stream);
  std::vector<float> values(count);
  for (float& v : values) v = static_cast<float>(rng.normal()) * scale;
  return values;
}

// Random blocks of a type whose scales are ordinary numbers.
std::vector<std::byte> random_blocks(DType dtype, int64_t elements, uint64_t stream);

// Equal bits; two NaNs are equal.
::testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b);

inline constexpr DType kQuantTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                                        DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};
inline constexpr DType kAllTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                                      DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                                      DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

}  // namespace ondol::testing
