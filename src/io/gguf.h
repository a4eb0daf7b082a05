// Reads GGUF files: metadata and tensors in one file (version 3, and 2, which has the same bytes).
//
//   GgufFile file = GgufFile::open("model.gguf");
//   std::string arch = file.metadata().require_string("general.architecture");
//   const TensorInfo& embedding = file.require_tensor("token_embd.weight");   // [V, D]
//
// Everything is checked on opening: after it, each tensor's bytes are inside the file, do not
// overlap, and have the size that type and shape ask for. Throws Error naming file, field, got and
// expected: kCorruptData for a file that breaks the format, kUnsupported for valid files that
// nothing here reads (big-endian, version 1, split files, other block types), kResourceExhausted
// above the limits below. Dimensions, which the file stores fastest first, are turned to row-major
// order. Source: docs/gguf.md of the ggml project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "io/gguf_metadata.h"
#include "io/tensor_source.h"

namespace ondol::io {

// Limits on what a file may ask for; real files stay far below (largest met: about 2,000 tensors,
// 60 keys, 300,000 merges, chat templates of 30 KiB).
struct GgufLimits {
  static constexpr uint64_t kTensors = 100'000;
  static constexpr uint64_t kKeys = 65'536;
  static constexpr uint64_t kKeyBytes = 65'535;        // of the format
  static constexpr uint64_t kTensorNameBytes = 255;    // the format says 64; forks use 128
  static constexpr uint64_t kStringBytes = 64u << 20;  // of one string value
  static constexpr uint64_t kArrayElements = 1u << 24;
  static constexpr int kArrayDepth = 4;
  static constexpr uint32_t kDimensions = 4;         // of the format
  static constexpr uint64_t kAlignment = 1u << 20;   // a power of two from 8 on
  static constexpr uint64_t kDefaultAlignment = 32;  // of the format
};

class GgufFile final : public TensorSource {
 public:
  static GgufFile open(const std::filesystem::path& path);
  // Reads from memory that outlives the result; `name` stands in messages.
  static GgufFile parse(std::span<const std::byte> bytes, std::string name);

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  const GgufMetadata& metadata() const { return metadata_; }

  const std::string& name() const override { return name_; }
  std::span<const TensorInfo> tensors() const override { return tensors_; }  // in file order
  const TensorInfo* find_tensor(std::string_view tensor) const override;
  void drop(const TensorInfo& tensor) const override;

 private:
  friend class GgufParser;
  GgufFile() = default;

  std::string name_;
  std::optional<MappedFile> mapping_;
  uint32_t version_ = 0;
  uint64_t alignment_ = GgufLimits::kDefaultAlignment;
  GgufMetadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace ondol::io
