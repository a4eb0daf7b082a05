// Named weights, whatever the file format. GgufFile, SafetensorsFile and ModelFolder are sources.
//
//   const io::TensorInfo& weight = source.require_tensor("output_norm.weight", {576});
//   std::vector<float> norm = source.read_f32("output_norm.weight");
//   ... pack weight.bytes ...
//   source.drop(weight);                       // its pages may leave memory
//
// Shapes are row-major ([rows, columns], last dimension contiguous) for every format. `bytes` looks
// into a mapped file and lives as long as the source; it is not aligned: copy, never cast to wider
// types. Pack or copy on load and do not keep it (a truncated mapped file is SIGBUS). Quantised
// blocks are not decoded here (kernels does that). Immutable after opening: safe from many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "tensor/tensor.h"

namespace ondol::io {

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;                       // row-major; empty for a scalar
  size_t offset = 0;                 // of the first byte in its file
  std::span<const std::byte> bytes;  // exactly dtype_bytes(dtype, elements)

  int64_t elements() const { return element_count(shape); }
};

class TensorSource {
 public:
  virtual ~TensorSource() = default;

  virtual const std::string& name() const = 0;  // file or folder, for messages
  virtual std::span<const TensorInfo> tensors() const = 0;
  virtual const TensorInfo* find_tensor(std::string_view tensor) const = 0;  // nullptr: absent
  // Says that the bytes of a tensor of this source are no longer needed in memory (a hint).
  virtual void drop(const TensorInfo& tensor) const = 0;

  // Throw Error naming the source and the tensor: kCorruptData when it is absent or has another
  // shape, kUnsupported when it is there with an element type that nothing here reads.
  const TensorInfo& require_tensor(std::string_view tensor) const;
  const TensorInfo& require_tensor(std::string_view tensor,
                                   std::span<const int64_t> expected_shape) const;
  const TensorInfo& require_tensor(std::string_view tensor,
                                   std::initializer_list<int64_t> expected_shape) const;

  // Values of an f32, f16 or bf16 tensor, widened exactly. Throws kUnsupported for other types.
  std::vector<float> read_f32(std::string_view tensor) const;

 protected:
  TensorSource() = default;
  TensorSource(const TensorSource&) = default;
  TensorSource(TensorSource&&) = default;
  TensorSource& operator=(const TensorSource&) = default;
  TensorSource& operator=(TensorSource&&) = default;

  // The element type of a tensor that exists but cannot be represented ("BOOL"); empty: absent.
  virtual std::string unreadable_type(std::string_view tensor) const;
};

}  // namespace ondol::io
