// The "O16" layout of a packed matrix. A panel is 16 rows (zero padded), lane = row.
//
// codes, a block of 32 columns:
//   4-bit types: 4 lines of 64 bytes; line j, lane r, byte i holds column 4j + i in its low nibble
//                and column 16 + 4j + i in its high nibble.
//   others:      8 lines; line j, lane r, byte i holds the unsigned code of column 4j + i.
//   Codes are unsigned: the value of Q4_0 is code - 8, of Q5_0 code - 16, Q6_K code - 32, Q8_0
//   code - 128.
// floats: [column][16] at their own width.
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
  AlignedArray<std::byte> storage;
  int64_t bytes = 0;
};

// Arithmetic class of a type in kFast, and how its codes lie.
enum class QuantForm : uint8_t { kOffset, kMinimum, kSuperMinimum, kSuperHalves };
struct QuantTraits {
  QuantForm form;
  bool nibbles;
  int offset;
  int64_t scale_block;  // columns that share one group of scale bytes
  int64_t scale_bytes;  // of one panel, a scale_block
};
QuantTraits quant_traits(DType dtype);

// IEEE half to float, every value exact.
inline float half_to_float(uint16_t half) {
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

// The unsigned code of (row, column) in a packed quantised matrix.
inline int packed_code(const PackedView& w, bool nibbles, int64_t row, int64_t column) {
  const int64_t panel = row / kPanelRows, lane = row % kPanelRows;
  const int64_t block = column / kBlock, k = column % kBlock;
  const uint8_t* panel_codes = w.codes + panel * w.codes_stride;
  if (nibbles) {
    const int64_t k16 = k % 16;
    const uint8_t byte = panel_codes[block * 256 + (k16 / 4) * 64 + lane * 4 + k16 % 4];
    return k < 16 ? byte & 15 : byte >> 4;
  }
  return panel_codes[block * 512 + (k / 4) * 64 + lane * 4 + k % 4];
}

// One element; a line of scalar code for each type, in the file format's own order of operations.
float packed_value(const PackedView& weight, int64_t row, int64_t column);

}  // namespace ondol
