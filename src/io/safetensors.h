// Reads one safetensors file: an 8-byte length, a JSON header, then the bytes of the tensors.
//
//   SafetensorsFile file = SafetensorsFile::open("model.safetensors");
//   const TensorInfo& weight = file.require_tensor("encoder.layer.0.output.dense.weight");
//
// Everything is checked on opening: sizes match type and shape, and the tensors fill the byte
// buffer without holes or overlaps, as the format asks. Tensors of types that DType cannot say
// (BOOL, U8, F8_E4M3, ...) are checked and kept aside in unreadable(): they are often masks that no
// model needs; require_tensor refuses them. Throws Error naming file and field: kCorruptData,
// kUnsupported (an unknown type name), kResourceExhausted (limits). Source: README.md of
// huggingface/safetensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "io/tensor_source.h"

namespace ondol::io {

struct SafetensorsLimits {
  static constexpr uint64_t kHeaderBytes = 100'000'000;  // of the format
  static constexpr size_t kTensors = 1'000'000;
  static constexpr size_t kDimensions = 8;
};

struct UnreadableTensor {
  std::string name;
  std::string type;  // as the file says it: "BOOL"
};

class SafetensorsFile final : public TensorSource {
 public:
  static SafetensorsFile open(const std::filesystem::path& path);
  // Reads from memory that outlives the result; `name` stands in messages.
  static SafetensorsFile parse(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const override { return name_; }
  std::span<const TensorInfo> tensors() const override { return tensors_; }  // by offset
  const TensorInfo* find_tensor(std::string_view tensor) const override;
  void drop(const TensorInfo& tensor) const override;

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::span<const UnreadableTensor> unreadable() const { return unreadable_; }

 private:
  friend class SafetensorsParser;
  SafetensorsFile() = default;
  std::string unreadable_type(std::string_view tensor) const override;

  std::string name_;
  std::optional<MappedFile> mapping_;
  std::map<std::string, std::string> metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<UnreadableTensor> unreadable_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace ondol::io
