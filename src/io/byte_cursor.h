// A bounds-checked reader over the bytes of an untrusted file (internal to this room).
//
//   ByteCursor cursor("gguf", "model.gguf", bytes);
//   auto count = cursor.read<uint64_t>("tensor count");
//
// Little-endian. Every read names the field it is for; a short file throws Error(kCorruptData).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace ondol::io {

static_assert(std::endian::native == std::endian::little, "the readers copy little-endian values");

// Text of a hostile name that is safe in a message: printable ASCII and UTF-8, at most 80 bytes.
std::string printable(std::string_view text);
bool is_utf8(std::string_view text);

template <class T>
T load(std::span<const std::byte> bytes, size_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteCursor {
 public:
  ByteCursor(std::string_view reader, std::string_view file, std::span<const std::byte> bytes)
      : reader_(reader), file_(file), bytes_(bytes) {}

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

  template <class T>
  T read(std::string_view field) {
    need(sizeof(T), field);
    const T value = load<T>(bytes_, offset_);
    offset_ += sizeof(T);
    return value;
  }
  // A u64 length, then that many bytes.
  std::string_view read_string(std::string_view field, uint64_t bytes_max);
  void skip(uint64_t size, std::string_view field);

  // `[reader] 'file': what`
  [[noreturn]] void fail(ErrorCode code, const std::string& what) const;

 private:
  void need(uint64_t size, std::string_view field) const;

  std::string_view reader_;
  std::string_view file_;
  std::span<const std::byte> bytes_;
  size_t offset_ = 0;
};

}  // namespace ondol::io
