// The "O16" layout of a packed matrix. A panel is 16 rows (zero padded), lane = row.
//
// codes, a block of 32 columns:
//   4-bit types: 4 lines of 64 bytes; line j, lane r, byte i holds column 4j + i in its low nibble
//                and column 16 + 4j + i in its high nibble.
//   5-bit types: the same of the low 4 bits, then a line of high bits: byte i of lane r holds the
//                bit of column 4j + i at j, and that of column 16 + 4j + i at j + 4 (j = 0 .. 3).
//   6-bit types: the same, then 2 lines of high bit pairs: line h, byte i of lane r holds the pair
//                of column 4j + i at 2 (j mod 2), and that of column 16 + 4j + i at 4 more
//                (j = 2h, 2h + 1).
//   8-bit types: 8 lines; line j, lane r, byte i holds the unsigned code of column 4j + i.
//   Codes are unsigned: the value of Q4_0 is code - 8, of Q5_0 code - 16, Q6_K code - 32, Q8_0
//   code - 128.
// f32, f16: [column][16]. bf16: [column / 2][16][2], one zero column more where the count is odd.
// scales: Q4_0 Q5_0 Q8_0: a block f16 d[16]; Q4_1 Q5_1: a block f16 d[16], f16 m[16];
//   Q4_K Q5_K: a super-block of 256 f16 d[16], f16 dmin[16], then 8 times u8 scale[16], u8 min[16];
//   Q6_K: f16 d[16], then 16 times i8 scale[16] (each 16 columns).
#pragma once

#include <bit>
#include <cstdlib>
#include <cstring>

#include "kernels/table.h"

namespace ondol {

struct AlignedFree {
  void operator()(void* pointer) const { std::free(pointer); }
};
template <class T>
using AlignedArray = std::unique_ptr<T[], AlignedFree>;
// Uninitialised, aligned to a cache line. Throws Error(kResourceExhausted).
AlignedArray<std::byte> allocate_aligned(int64_t bytes);

struct PackedMatrix::Data {
  PackedView view{};
  std::shared_ptr<std::byte> storage;
  int64_t bytes = 0;
};

// Arithmetic class of a type in kFast, and how its codes lie.
enum class QuantForm : uint8_t { kOffset, kMinimum, kSuperMinimum, kSuperHalves };
struct QuantTraits {
  QuantForm form;
  int bits;  // of a packed code: 4, 5, 6 or 8
  int offset;
  int64_t scale_block;  // columns that share one group of scale bytes
  int64_t scale_bytes;  // of one panel, a scale_block
};
QuantTraits quant_traits(DType dtype);
// Bytes of the codes of a block of 32 columns of one panel.
inline int64_t code_block_bytes(int bits) { return 64 * bits; }

// IEEE half to float, every value exact.
[[gnu::always_inline]] inline float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 31U;
  const uint32_t mantissa = half & 1023U;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t high = exponent == 31 ? 255U : exponent + 112U;
  return std::bit_cast<float>(sign | high << 23 | mantissa << 13);
}
// To nearest, ties to even; a NaN stays one.
[[gnu::always_inline]] inline uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000U);
  const uint32_t size = bits & 0x7fffffffU;
  if (size > 0x7f800000U) return static_cast<uint16_t>(sign | 0x7e00U);
  if (size >= 0x477ff000U) return static_cast<uint16_t>(sign | 0x7c00U);  // 65,520 and more
  if (size < 0x38800000U) {  // subnormal: a fixed point sum does the rounding
    const float sum = std::bit_cast<float>(size) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(sum) - 0x3f000000U));
  }
  const uint32_t rounded = size + 0xfffU + (size >> 13 & 1U);
  return static_cast<uint16_t>(sign | (rounded - 0x38000000U) >> 13);
}
[[gnu::always_inline]] inline uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const bool nan = (bits & 0x7fffffffU) > 0x7f800000U;
  return static_cast<uint16_t>((nan ? bits | 0x400000U : bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}
inline float bf16_to_float(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}
inline uint16_t load_u16(const void* pointer) {
  uint16_t value;
  std::memcpy(&value, pointer, sizeof value);
  return value;
}
inline float load_half(const void* pointer, int64_t index) {
  return half_to_float(load_u16(static_cast<const uint8_t*>(pointer) + 2 * index));
}

// Where column k of a lane lies in a panel of bf16, in elements.
inline int64_t bf16_index(int64_t k, int64_t lane) {
  return (k / 2 * kPanelRows + lane) * 2 + k % 2;
}

// The unsigned code of (row, column) in a packed quantised matrix.
inline int packed_code(const PackedView& w, int bits, int64_t row, int64_t column) {
  const int64_t panel = row / kPanelRows, lane = row % kPanelRows;
  const int64_t block = column / kBlock, k = column % kBlock;
  const uint8_t* codes = w.codes + panel * w.codes_stride + block * code_block_bytes(bits);
  const int64_t at = lane * 4 + k % 4;
  if (bits == 8) return codes[k / 4 * 64 + at];
  const int64_t j = k % 16 / 4, upper = k / 16 * 4;  // where in a byte the second 16 columns are
  const int low = codes[j * 64 + at] >> upper & 15;
  if (bits == 4) return low;
  if (bits == 5) return low | (codes[256 + at] >> (j + upper) & 1) << 4;
  return low | (codes[256 + j / 2 * 64 + at] >> (j % 2 * 2 + upper) & 3) << 4;
}

// One element; a line of scalar code for each type, in the file format's own order of operations.
float packed_value(const PackedView& weight, int64_t row, int64_t column);

}  // namespace ondol
