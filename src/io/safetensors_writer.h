// Writes safetensors files.
//
//   SafetensorsWriter writer;
//   writer.set_metadata("format", "pt");
//   writer.add_tensor("linear.weight", DType::kF32, {rows, columns}, bytes);
//   writer.write("model.safetensors");          // or writer.build(): the file as a string
//
// Tensors are laid out widest type first, then by name, as the format's own library does, so that
// each is aligned. Tensor bytes are not copied: they outlive the writer. Throws
// Error(kInvalidArgument) for a name given twice, for block types, which the format does not have,
// and for bytes that do not fit the shape.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "io/tensor_source.h"

namespace ondol::io {

class SafetensorsWriter {
 public:
  void set_metadata(std::string_view key, std::string_view value);
  void add_tensor(std::string_view name, DType dtype, Shape shape,
                  std::span<const std::byte> bytes);

  std::string build() const;
  void write(const std::filesystem::path& path) const;

 private:
  void emit(const std::function<void(std::string_view)>& sink) const;

  std::map<std::string, std::string> metadata_;
  std::map<std::string, TensorInfo> tensors_;
};

}  // namespace ondol::io
