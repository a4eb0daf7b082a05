// Writes GGUF files, version 3.
//
//   GgufWriter writer;
//   writer.set_string("general.architecture", "llama");
//   writer.set<uint32_t>("llama.block_count", 30);
//   writer.add_tensor("token_embd.weight", DType::kF32, {vocabulary, width}, bytes);
//   writer.write("model.gguf");                 // or writer.build(): the file as a string
//
// Keys and tensors keep the order of the calls. Tensor bytes are not copied: they outlive the
// writer. Shapes are row-major. Throws Error(kInvalidArgument) for a key or tensor given twice and
// for bytes that do not fit the shape. set_raw writes what it is given (fixtures of broken files).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/gguf_metadata.h"
#include "io/tensor_source.h"

namespace ondol::io {

template <class T>
constexpr GgufType gguf_type_of() {
  if constexpr (std::is_same_v<T, uint8_t>) return GgufType::kU8;
  if constexpr (std::is_same_v<T, int8_t>) return GgufType::kI8;
  if constexpr (std::is_same_v<T, uint16_t>) return GgufType::kU16;
  if constexpr (std::is_same_v<T, int16_t>) return GgufType::kI16;
  if constexpr (std::is_same_v<T, uint32_t>) return GgufType::kU32;
  if constexpr (std::is_same_v<T, int32_t>) return GgufType::kI32;
  if constexpr (std::is_same_v<T, uint64_t>) return GgufType::kU64;
  if constexpr (std::is_same_v<T, int64_t>) return GgufType::kI64;
  if constexpr (std::is_same_v<T, float>) return GgufType::kF32;
  if constexpr (std::is_same_v<T, double>) return GgufType::kF64;
  if constexpr (std::is_same_v<T, bool>) return GgufType::kBool;
}

class GgufWriter {
 public:
  // Sets general.alignment when it is not the format's default of 32. A power of two.
  explicit GgufWriter(uint32_t alignment = 32);

  template <class T>
  void set(std::string_view key, std::type_identity_t<T> value) {
    set_raw(key, gguf_type_of<T>(), raw(value));
  }
  template <class T>
  void set_array(std::string_view key, const std::vector<T>& values) {
    std::string text = array_head(gguf_type_of<T>(), values.size());
    for (const T value : values) text += raw(value);
    set_raw(key, GgufType::kArray, std::move(text));
  }
  void set_string(std::string_view key, std::string_view value);
  void set_strings(std::string_view key, std::span<const std::string> values);
  // `value` is what stands in the file after the type.
  void set_raw(std::string_view key, GgufType type, std::string value);
  static std::string array_head(GgufType element, uint64_t count);

  void add_tensor(std::string_view name, DType dtype, Shape shape,
                  std::span<const std::byte> bytes);

  std::string build() const;
  void write(const std::filesystem::path& path) const;

 private:
  struct Pair {
    std::string key;
    GgufType type;
    std::string value;
  };
  template <class T>
  static std::string raw(T value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  }
  std::string head() const;
  void emit(const std::function<void(std::string_view)>& sink) const;

  uint32_t alignment_;
  std::vector<Pair> pairs_;
  std::vector<TensorInfo> tensors_;  // offset: from the start of the data
};

}  // namespace ondol::io
