#include "io/gguf_metadata.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

constexpr std::array<std::string_view, kGgufTypes> kTypeNames = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64",
};

size_t scalar_bytes(GgufType type) {
  constexpr std::array<size_t, kGgufTypes> kBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kBytes[static_cast<size_t>(type)];
}

bool is_unsigned(GgufType type) {
  return type == GgufType::kU8 || type == GgufType::kU16 || type == GgufType::kU32 ||
         type == GgufType::kU64;
}
bool is_signed(GgufType type) {
  return type == GgufType::kI8 || type == GgufType::kI16 || type == GgufType::kI32 ||
         type == GgufType::kI64;
}
bool is_integer(GgufType type) { return is_unsigned(type) || is_signed(type); }
bool is_real(GgufType type) { return type == GgufType::kF32 || type == GgufType::kF64; }

// The readers below are for a checked type at a checked offset.
uint64_t load_unsigned(std::span<const std::byte> bytes, size_t at, GgufType type) {
  switch (scalar_bytes(type)) {
    case 1:
      return load<uint8_t>(bytes, at);
    case 2:
      return load<uint16_t>(bytes, at);
    case 4:
      return load<uint32_t>(bytes, at);
    default:
      return load<uint64_t>(bytes, at);
  }
}

int64_t load_signed(std::span<const std::byte> bytes, size_t at, GgufType type) {
  switch (scalar_bytes(type)) {
    case 1:
      return load<int8_t>(bytes, at);
    case 2:
      return load<int16_t>(bytes, at);
    case 4:
      return load<int32_t>(bytes, at);
    default:
      return load<int64_t>(bytes, at);
  }
}

double load_real(std::span<const std::byte> bytes, size_t at, GgufType type) {
  return type == GgufType::kF32 ? static_cast<double>(load<float>(bytes, at))
                                : load<double>(bytes, at);
}

// nullopt: an unsigned value above the largest int64_t.
std::optional<int64_t> load_integer(std::span<const std::byte> bytes, size_t at, GgufType type) {
  if (is_signed(type)) return load_signed(bytes, at, type);
  const uint64_t value = load_unsigned(bytes, at, type);
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return static_cast<int64_t>(value);
}

// nullopt: an integer that a double cannot hold exactly.
std::optional<double> load_number(std::span<const std::byte> bytes, size_t at, GgufType type) {
  if (is_real(type)) return load_real(bytes, at, type);
  constexpr int64_t kExact = int64_t{1} << 53;
  const std::optional<int64_t> integer = load_integer(bytes, at, type);
  if (!integer || *integer > kExact || *integer < -kExact) return std::nullopt;
  return static_cast<double>(*integer);
}

// The string whose u64 length stands at `at`.
std::string_view load_string(std::span<const std::byte> bytes, size_t at) {
  return as_text(bytes.subspan(at + 8, load<uint64_t>(bytes, at)));
}

}  // namespace

std::string_view gguf_type_name(GgufType type) { return kTypeNames.at(static_cast<size_t>(type)); }

const GgufMetadata::Entry* GgufMetadata::find(std::string_view key) const {
  const auto found = index_.find(std::string(key));
  return found == index_.end() ? nullptr : &entries_[found->second];
}

std::vector<std::string> GgufMetadata::keys() const {
  std::vector<std::string> keys;
  keys.reserve(entries_.size());
  for (const Entry& entry : entries_) keys.push_back(entry.key);
  return keys;
}

std::string GgufMetadata::describe(std::string_view key) const {
  const Entry* entry = find(key);
  if (entry == nullptr) absent(key);
  const std::string_view type = gguf_type_name(entry->type);
  const size_t at = entry->begin;
  switch (entry->type) {
    case GgufType::kArray:
      return fmt::format("array of {} {}", entry->count, gguf_type_name(entry->element));
    case GgufType::kString:
      return fmt::format("string \"{}\"", printable(load_string(bytes_, at)));
    case GgufType::kBool:
      return load<uint8_t>(bytes_, at) == 1 ? "bool true" : "bool false";
    default:
      if (is_real(entry->type)) {
        return fmt::format("{} {}", type, load_real(bytes_, at, entry->type));
      }
      return is_signed(entry->type)
                 ? fmt::format("{} {}", type, load_signed(bytes_, at, entry->type))
                 : fmt::format("{} {}", type, load_unsigned(bytes_, at, entry->type));
  }
}

std::optional<std::string> GgufMetadata::find_string(std::string_view key) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->type != GgufType::kString) wrong(*entry, "a string");
  return std::string(load_string(bytes_, entry->begin));
}

std::optional<uint64_t> GgufMetadata::find_u64(std::string_view key, uint64_t max) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const std::string expected = fmt::format("an integer from 0 to {}", max);
  if (!is_integer(entry->type)) wrong(*entry, expected);
  uint64_t value = 0;
  if (is_signed(entry->type)) {
    const int64_t number = load_signed(bytes_, entry->begin, entry->type);
    if (number < 0) wrong(*entry, expected);
    value = static_cast<uint64_t>(number);
  } else {
    value = load_unsigned(bytes_, entry->begin, entry->type);
  }
  if (value > max) wrong(*entry, expected);
  return value;
}

std::optional<int64_t> GgufMetadata::find_i64(std::string_view key) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  constexpr std::string_view kExpected = "an integer below 2^63";
  if (!is_integer(entry->type)) wrong(*entry, kExpected);
  const std::optional<int64_t> value = load_integer(bytes_, entry->begin, entry->type);
  if (!value) wrong(*entry, kExpected);
  return value;
}

std::optional<double> GgufMetadata::find_f64(std::string_view key) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  constexpr std::string_view kExpected = "a number that a double holds exactly";
  if (!is_real(entry->type) && !is_integer(entry->type)) wrong(*entry, kExpected);
  const std::optional<double> value = load_number(bytes_, entry->begin, entry->type);
  if (!value) wrong(*entry, kExpected);
  return value;
}

std::optional<bool> GgufMetadata::find_bool(std::string_view key) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (entry->type != GgufType::kBool) wrong(*entry, "a bool");
  return load<uint8_t>(bytes_, entry->begin) == 1;
}

std::optional<std::vector<std::string_view>> GgufMetadata::find_string_views(
    std::string_view key) const {
  constexpr std::string_view kExpected = "an array of strings";
  const Entry* entry = find_array(key, kExpected);
  if (entry == nullptr) return std::nullopt;
  if (entry->element != GgufType::kString) wrong(*entry, kExpected);
  std::vector<std::string_view> strings;
  strings.reserve(entry->count);
  size_t at = entry->begin;
  for (uint64_t i = 0; i < entry->count; ++i) {
    strings.push_back(load_string(bytes_, at));
    at += 8 + strings.back().size();
  }
  return strings;
}

std::optional<std::vector<std::string>> GgufMetadata::find_strings(std::string_view key) const {
  const auto views = find_string_views(key);
  if (!views) return std::nullopt;
  return std::vector<std::string>(views->begin(), views->end());
}

std::optional<std::vector<int64_t>> GgufMetadata::find_ints(std::string_view key) const {
  constexpr std::string_view kExpected = "an array of integers below 2^63";
  const Entry* entry = find_array(key, kExpected);
  if (entry == nullptr) return std::nullopt;
  const bool bools = entry->element == GgufType::kBool;
  if (!is_integer(entry->element) && !bools) wrong(*entry, kExpected);
  const GgufType element = bools ? GgufType::kU8 : entry->element;
  std::vector<int64_t> values(entry->count);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto value = load_integer(bytes_, entry->begin + i * scalar_bytes(element), element);
    if (!value) wrong(*entry, kExpected);
    values[i] = *value;
  }
  return values;
}

std::optional<std::vector<double>> GgufMetadata::find_floats(std::string_view key) const {
  constexpr std::string_view kExpected = "an array of numbers that doubles hold exactly";
  const Entry* entry = find_array(key, kExpected);
  if (entry == nullptr) return std::nullopt;
  if (!is_integer(entry->element) && !is_real(entry->element)) wrong(*entry, kExpected);
  std::vector<double> values(entry->count);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto value =
        load_number(bytes_, entry->begin + i * scalar_bytes(entry->element), entry->element);
    if (!value) wrong(*entry, kExpected);
    values[i] = *value;
  }
  return values;
}

const GgufMetadata::Entry* GgufMetadata::find_array(std::string_view key,
                                                    std::string_view expected) const {
  const Entry* entry = find(key);
  if (entry != nullptr && entry->type != GgufType::kArray) wrong(*entry, expected);
  return entry;
}

void GgufMetadata::wrong(const Entry& entry, std::string_view expected) const {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[gguf] '{}': value of key '{}'; got {}, expected {}", file_,
                          printable(entry.key), describe(entry.key), expected));
}

void GgufMetadata::absent(std::string_view key) const {
  throw Error(ErrorCode::kCorruptData, fmt::format("[gguf] '{}' has no key '{}'; got {} other keys",
                                                   file_, printable(key), entries_.size()));
}

}  // namespace ondol::io
