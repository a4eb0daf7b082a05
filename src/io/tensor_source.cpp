#include "io/tensor_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

// IEEE 754 binary16 to binary32; every value has an exact one.
float widen_f16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide_exponent = exponent == 0x1F ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide_exponent << 23 | mantissa << 13);
}

}  // namespace

std::string TensorSource::unreadable_type(std::string_view) const { return {}; }

const TensorInfo& TensorSource::require_tensor(std::string_view tensor) const {
  if (const TensorInfo* found = find_tensor(tensor)) return *found;
  const std::string type = unreadable_type(tensor);
  if (!type.empty()) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("[weights] '{}': tensor '{}' has type {}, which nothing here reads; "
                            "try a file whose weights are f32, f16 or bf16",
                            name(), printable(tensor), printable(type)));
  }
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[weights] '{}' has no tensor '{}'; got {} other tensors", name(),
                          printable(tensor), tensors().size()));
}

const TensorInfo& TensorSource::require_tensor(std::string_view tensor,
                                               std::span<const int64_t> expected_shape) const {
  const TensorInfo& found = require_tensor(tensor);
  if (!std::equal(found.shape.begin(), found.shape.end(), expected_shape.begin(),
                  expected_shape.end())) {
    throw Error(
        ErrorCode::kCorruptData,
        fmt::format("[weights] '{}': shape of tensor '{}'; got {}, expected {}", name(),
                    printable(tensor), shape_text(found.shape), shape_text(expected_shape)));
  }
  return found;
}

const TensorInfo& TensorSource::require_tensor(
    std::string_view tensor, std::initializer_list<int64_t> expected_shape) const {
  return require_tensor(tensor,
                        std::span<const int64_t>(expected_shape.begin(), expected_shape.size()));
}

std::vector<float> TensorSource::read_f32(std::string_view tensor) const {
  const TensorInfo& info = require_tensor(tensor);
  if (!is_float(info.dtype)) {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format("[weights] '{}': type of tensor '{}'; got {}, expected f32, f16 or bf16",
                    name(), printable(tensor), dtype_info(info.dtype).name));
  }
  std::vector<float> values(static_cast<size_t>(info.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    if (info.dtype == DType::kF32) {
      values[i] = load<float>(info.bytes, i * 4);
    } else if (info.dtype == DType::kF16) {
      values[i] = widen_f16(load<uint16_t>(info.bytes, i * 2));
    } else {
      const auto high = static_cast<uint32_t>(load<uint16_t>(info.bytes, i * 2));
      values[i] = std::bit_cast<float>(high << 16);
    }
  }
  return values;
}

}  // namespace ondol::io
