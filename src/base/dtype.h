// Element types of tensors and weights. Values equal GGUF's ggml_type ids (docs of the GGUF
// format), so they are persistent: do not change.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ondol {

enum class DType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kBF16 = 30,
};

struct DTypeInfo {
  DType dtype;
  std::string_view name;   // "q4_1"
  int64_t block_elements;  // consecutive elements of one row that are stored together
  int64_t block_bytes;
};

// nullopt for an id that is no type here (removed ids 4, 5, 31-33, 36-38 among them).
std::optional<DTypeInfo> find_dtype(uint32_t id);
const DTypeInfo& dtype_info(DType dtype);  // dtype is one of the enumerators

inline bool is_float(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}
inline bool is_quantized(DType dtype) { return dtype_info(dtype).block_elements > 1; }

// Bytes of `elements` consecutive elements; elements is a multiple of the block.
inline int64_t dtype_bytes(DType dtype, int64_t elements) {
  const DTypeInfo& info = dtype_info(dtype);
  return elements / info.block_elements * info.block_bytes;
}

}  // namespace ondol
