// The key-value part of a GGUF file.
//
//   uint64_t layers = meta.require_u64("llama.block_count", 10'000);
//   double base = meta.find_f64("llama.rope.freq_base").value_or(10000.0);
//   std::vector<std::string_view> tokens = meta.require_string_views("tokenizer.ggml.tokens");
//
// find_*: nullopt when the key is absent. require_*: Error(kCorruptData) when it is. Both throw
// Error(kCorruptData) naming file and key when the value has another kind or is out of range. Any
// integer width is accepted where a number is asked for; nothing is rounded. Arrays are walked only
// when asked for; views live as long as the GgufFile. String values are bytes (usually UTF-8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ondol::io {

// Value types of the format (docs/gguf.md of the ggml project); persistent, do not change.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
inline constexpr uint32_t kGgufTypes = 13;

std::string_view gguf_type_name(GgufType type);  // "u8", "string", "array"

class GgufMetadata {
 public:
  struct Entry {
    std::string key;
    GgufType type = GgufType::kU8;
    GgufType element = GgufType::kU8;  // of an array
    uint64_t count = 1;                // of an array
    size_t begin = 0;                  // the value (an array's first element) in the file ...
    size_t end = 0;                    // ... and the byte after it
  };

  std::span<const Entry> entries() const { return entries_; }  // in file order
  std::vector<std::string> keys() const;                       // in file order
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  const Entry* find(std::string_view key) const;  // nullptr: absent
  // A short text for people: `u32 30`, `string "llama"`, `array of 49152 string`. Key must exist.
  std::string describe(std::string_view key) const;

  static constexpr uint64_t kAnyU64 = std::numeric_limits<uint64_t>::max();
  std::optional<std::string> find_string(std::string_view key) const;
  std::optional<uint64_t> find_u64(std::string_view key, uint64_t max = kAnyU64) const;
  std::optional<int64_t> find_i64(std::string_view key) const;
  std::optional<double> find_f64(std::string_view key) const;  // integers up to 2^53 too
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::vector<std::string_view>> find_string_views(std::string_view key) const;
  std::optional<std::vector<std::string>> find_strings(std::string_view key) const;
  std::optional<std::vector<int64_t>> find_ints(std::string_view key) const;  // bools as 0 and 1
  std::optional<std::vector<double>> find_floats(std::string_view key) const;

  std::string require_string(std::string_view key) const { return need(key, find_string(key)); }
  uint64_t require_u64(std::string_view key, uint64_t max = kAnyU64) const {
    return need(key, find_u64(key, max));
  }
  int64_t require_i64(std::string_view key) const { return need(key, find_i64(key)); }
  double require_f64(std::string_view key) const { return need(key, find_f64(key)); }
  bool require_bool(std::string_view key) const { return need(key, find_bool(key)); }
  std::vector<std::string_view> require_string_views(std::string_view key) const {
    return need(key, find_string_views(key));
  }
  std::vector<std::string> require_strings(std::string_view key) const {
    return need(key, find_strings(key));
  }
  std::vector<int64_t> require_ints(std::string_view key) const {
    return need(key, find_ints(key));
  }
  std::vector<double> require_floats(std::string_view key) const {
    return need(key, find_floats(key));
  }

 private:
  friend class GgufParser;
  const Entry* find_array(std::string_view key, std::string_view expected) const;
  [[noreturn]] void wrong(const Entry& entry, std::string_view expected) const;
  [[noreturn]] void absent(std::string_view key) const;
  template <class T>
  T need(std::string_view key, std::optional<T> value) const {
    if (!value) absent(key);
    return std::move(*value);
  }

  std::string file_;
  std::span<const std::byte> bytes_;  // the whole file
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace ondol::io
