#include "io/gguf_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr uint32_t kVersion = 3;
constexpr uint32_t kDefaultAlignment = 32;

template <class T>
void append(std::string& text, T value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_string(std::string& text, std::string_view value) {
  append<uint64_t>(text, value.size());
  text += value;
}

size_t padding(size_t size, size_t alignment) { return (alignment - size % alignment) % alignment; }

}  // namespace

GgufWriter::GgufWriter(uint32_t alignment) : alignment_(alignment) {
  if (!std::has_single_bit(alignment)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[gguf writer] alignment; got {}, expected a power of two", alignment));
  }
  if (alignment != kDefaultAlignment) set<uint32_t>("general.alignment", alignment);
}

void GgufWriter::set_string(std::string_view key, std::string_view value) {
  std::string text;
  append_string(text, value);
  set_raw(key, GgufType::kString, std::move(text));
}

void GgufWriter::set_strings(std::string_view key, std::span<const std::string> values) {
  std::string text = array_head(GgufType::kString, values.size());
  for (const std::string& value : values) append_string(text, value);
  set_raw(key, GgufType::kArray, std::move(text));
}

void GgufWriter::set_raw(std::string_view key, GgufType type, std::string value) {
  const auto same = [&](const Pair& pair) { return pair.key == key; };
  if (std::any_of(pairs_.begin(), pairs_.end(), same)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[gguf writer] key '{}' was set before", printable(key)));
  }
  pairs_.push_back({std::string(key), type, std::move(value)});
}

std::string GgufWriter::array_head(GgufType element, uint64_t count) {
  std::string text;
  append(text, static_cast<uint32_t>(element));
  append(text, count);
  return text;
}

void GgufWriter::add_tensor(std::string_view name, DType dtype, Shape shape,
                            std::span<const std::byte> bytes) {
  const auto same = [&](const TensorInfo& tensor) { return tensor.name == name; };
  const int64_t row = shape.empty() ? 1 : shape.back();
  const size_t expected = static_cast<size_t>(dtype_bytes(dtype, element_count(shape)));
  if (std::any_of(tensors_.begin(), tensors_.end(), same) ||
      row % dtype_info(dtype).block_elements != 0 || bytes.size() != expected) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "[gguf writer] tensor '{}' stands twice, or its bytes do not fit; got {} bytes, "
            "expected {} for {} {}",
            printable(name), bytes.size(), expected, dtype_info(dtype).name, shape_text(shape)));
  }
  size_t offset = 0;
  if (!tensors_.empty()) {
    offset = tensors_.back().offset + tensors_.back().bytes.size();
    offset += padding(offset, alignment_);
  }
  tensors_.push_back({std::string(name), dtype, std::move(shape), offset, bytes});
}

std::string GgufWriter::head() const {
  std::string text(kMagic);
  append(text, kVersion);
  append<uint64_t>(text, tensors_.size());
  append<uint64_t>(text, pairs_.size());
  for (const Pair& pair : pairs_) {
    append_string(text, pair.key);
    append(text, static_cast<uint32_t>(pair.type));
    text += pair.value;
  }
  for (const TensorInfo& tensor : tensors_) {
    append_string(text, tensor.name);
    append(text, static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) append(text, tensor.shape[i]);
    append(text, static_cast<uint32_t>(tensor.dtype));
    append<uint64_t>(text, tensor.offset);
  }
  text.append(padding(text.size(), alignment_), '\0');
  return text;
}

void GgufWriter::emit(const std::function<void(std::string_view)>& sink) const {
  sink(head());
  for (const TensorInfo& tensor : tensors_) {
    sink(as_text(tensor.bytes));
    sink(std::string(padding(tensor.bytes.size(), alignment_), '\0'));
  }
}

std::string GgufWriter::build() const {
  std::string file;
  emit([&](std::string_view piece) { file += piece; });
  return file;
}

void GgufWriter::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  emit([&](std::string_view piece) { file.write(piece); });
  file.commit();
}

}  // namespace ondol::io
