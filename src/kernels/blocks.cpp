// Dequantisation of the file's own blocks (GGUF; research/inference.md section 6). The order of the
// float operations is that of the gguf Python package, whose results tests/golden/kernels holds.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"
#include "kernels/file_blocks.h"
#include "kernels/packed.h"

namespace ondol {
namespace {

constexpr int64_t kSuper = 256;

void floats(DType dtype, const uint8_t* source, int64_t elements, float* out) {
  for (int64_t i = 0; i < elements; ++i) {
    if (dtype == DType::kF32) {
      std::memcpy(out + i, source + 4 * i, 4);
    } else {
      const uint16_t raw = load_u16(source + 2 * i);
      out[i] = dtype == DType::kF16 ? half_to_float(raw) : bf16_to_float(raw);
    }
  }
}

void legacy_block(const FileBlock& block, float* out) {
  const float d = half_to_float(block.d);
  const float m = half_to_float(block.m);
  for (int64_t k = 0; k < kBlock; ++k) {
    out[k] = block.has_minimum ? d * static_cast<float>(block.codes[k]) + m
                               : d * static_cast<float>(block.codes[k] - block.offset);
  }
}

void super_block(const FileSuperBlock& block, float* out) {
  const float d = half_to_float(block.d);
  const float dmin = half_to_float(block.m);
  for (int64_t k = 0; k < kSuper; ++k) {
    const int64_t part = k / block.part_columns;
    const float scale = d * static_cast<float>(block.scales[part]);
    if (block.has_minimum) {
      const float minimum = dmin * static_cast<float>(block.minimums[part]);
      out[k] = scale * static_cast<float>(block.codes[k]) - minimum;
    } else {
      out[k] = scale * static_cast<float>(block.codes[k] - 32);
    }
  }
}

void put_u16(uint8_t* target, uint16_t value) { std::memcpy(target, &value, sizeof value); }

void encode_q8(const float* values, uint8_t* block) {
  float largest = 0;
  bool finite = true;
  for (int64_t k = 0; k < kBlock; ++k) {
    finite = finite && std::isfinite(values[k]);
    largest = std::max(largest, std::fabs(values[k]));
  }
  const uint16_t scale = finite ? float_to_half(largest / 127.0F) : uint16_t{0x7e00};
  // The codes are of the scale as it is stored; a scale that rounds to zero keeps nothing.
  const float d = half_to_float(scale);
  put_u16(block, scale);
  for (int64_t k = 0; k < kBlock; ++k) {
    const float code = finite && d > 0 ? std::nearbyint(values[k] / d) : 0.0F;
    block[2 + k] = static_cast<uint8_t>(static_cast<int8_t>(std::clamp(code, -127.0F, 127.0F)));
  }
}

void unpack_scales(const uint8_t* packed, FileSuperBlock& out) {
  for (int j = 0; j < 8; ++j) {
    if (j < 4) {
      out.scales[j] = packed[j] & 63;
      out.minimums[j] = packed[j + 4] & 63;
    } else {
      out.scales[j] = static_cast<int16_t>((packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4);
      out.minimums[j] = static_cast<int16_t>((packed[j + 4] >> 4) | (packed[j] >> 6) << 4);
    }
  }
}

void read_q6(const uint8_t* source, FileSuperBlock& out) {
  const uint8_t* low = source;
  const uint8_t* high = source + 128;
  for (int k = 0; k < kSuper; ++k) {
    const int half = k / 128, in_half = k % 128;
    const uint8_t low_byte = low[64 * half + in_half % 64];
    const uint8_t high_byte = high[32 * half + in_half % 32];
    const int low_bits = in_half < 64 ? low_byte & 15 : low_byte >> 4;
    const int high_bits = (high_byte >> (2 * (in_half / 32))) & 3;
    out.codes[k] = static_cast<uint8_t>(low_bits | high_bits << 4);
  }
  for (int j = 0; j < 16; ++j) out.scales[j] = static_cast<int8_t>(source[192 + j]);
  out.d = load_u16(source + 208);
}

}  // namespace

FileBlock read_block(DType dtype, const uint8_t* source) {
  FileBlock out{};
  out.d = load_u16(source);
  const bool five = dtype == DType::kQ5_0 || dtype == DType::kQ5_1;
  out.has_minimum = dtype == DType::kQ4_1 || dtype == DType::kQ5_1;
  if (out.has_minimum) out.m = load_u16(source + 2);
  const uint8_t* rest = source + (out.has_minimum ? 4 : 2);
  if (dtype == DType::kQ8_0) {
    out.offset = 128;
    for (int k = 0; k < kBlock; ++k) {
      out.codes[k] = static_cast<uint8_t>(static_cast<int8_t>(rest[k]) + 128);
    }
    return out;
  }
  out.offset = five ? 16 : 8;
  if (!five) {  // most weights there are: eight bytes at a time
    for (int k = 0; k < 16; k += 8) {
      uint64_t eight;
      std::memcpy(&eight, rest + k, sizeof eight);
      const uint64_t low = eight & 0x0f0f0f0f0f0f0f0fU, upper = eight >> 4 & 0x0f0f0f0f0f0f0f0fU;
      std::memcpy(out.codes + k, &low, sizeof low);
      std::memcpy(out.codes + k + 16, &upper, sizeof upper);
    }
    return out;
  }
  uint32_t high = 0;
  std::memcpy(&high, rest, 4);
  rest += 4;
  for (int k = 0; k < 16; ++k) {
    out.codes[k] = static_cast<uint8_t>((rest[k] & 15) | ((high >> k) & 1) << 4);
    out.codes[k + 16] = static_cast<uint8_t>((rest[k] >> 4) | ((high >> (k + 16)) & 1) << 4);
  }
  return out;
}

FileSuperBlock read_super_block(DType dtype, const uint8_t* source) {
  FileSuperBlock out{};
  if (dtype == DType::kQ6_K) {
    out.part_columns = 16;
    read_q6(source, out);
    return out;
  }
  out.part_columns = 32;
  out.has_minimum = true;
  out.d = load_u16(source);
  out.m = load_u16(source + 2);
  unpack_scales(source + 4, out);
  const uint8_t* high = dtype == DType::kQ5_K ? source + 16 : nullptr;
  const uint8_t* low = source + (high ? 48 : 16);
  for (int k = 0; k < kSuper; ++k) {
    const int pair = k / 64, in_pair = k % 64;
    const uint8_t byte = low[32 * pair + in_pair % 32];
    int code = in_pair < 32 ? byte & 15 : byte >> 4;
    if (high) code |= ((high[k % 32] >> (k / 32)) & 1) << 4;
    out.codes[k] = static_cast<uint8_t>(code);
  }
  return out;
}

void encode_blocks(DType dtype, std::span<const float> values, std::span<std::byte> blocks) {
  const auto count = static_cast<int64_t>(values.size());
  auto* target = reinterpret_cast<uint8_t*>(blocks.data());
  const bool known = is_float(dtype) || dtype == DType::kQ8_0;
  if (!known || count % dtype_info(dtype).block_elements != 0 ||
      static_cast<int64_t>(blocks.size()) != dtype_bytes(dtype, count)) {
    throw Error(known ? ErrorCode::kInvalidArgument : ErrorCode::kUnsupported,
                "[kernels] got " + std::to_string(count) + " floats and " +
                    std::to_string(blocks.size()) + " bytes to encode as " +
                    std::string(dtype_info(dtype).name) +
                    ", expected f32, f16, bf16 or q8_0 that fits");
  }
  if (dtype == DType::kF32) {
    std::memcpy(target, values.data(), blocks.size());
    return;
  }
  if (dtype == DType::kF16) {
    for (int64_t i = 0; i < count; ++i) put_u16(target + 2 * i, float_to_half(values[i]));
    return;
  }
  if (dtype == DType::kBF16) {
    for (int64_t i = 0; i < count; ++i) put_u16(target + 2 * i, float_to_bf16(values[i]));
    return;
  }
  for (int64_t i = 0; i < count; i += kBlock, target += 34) encode_q8(values.data() + i, target);
}

void dequantize_blocks(DType dtype, const std::byte* blocks, int64_t elements, float* out) {
  const DTypeInfo& info = dtype_info(dtype);
  const auto* source = reinterpret_cast<const uint8_t*>(blocks);
  if (is_float(dtype)) return floats(dtype, source, elements, out);
  for (int64_t i = 0; i < elements; i += info.block_elements, source += info.block_bytes) {
    if (info.block_elements == kSuper) {
      super_block(read_super_block(dtype, source), out + i);
    } else {
      legacy_block(read_block(dtype, source), out + i);
    }
  }
}

}  // namespace ondol
