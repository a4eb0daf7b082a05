#include "io/safetensors_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

// Empty: the format has no such type.
std::string_view type_name(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return "F64";
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    case DType::kI64:
      return "I64";
    case DType::kI32:
      return "I32";
    case DType::kI16:
      return "I16";
    case DType::kI8:
      return "I8";
    default:
      return {};
  }
}

}  // namespace

void SafetensorsWriter::set_metadata(std::string_view key, std::string_view value) {
  metadata_.insert_or_assign(std::string(key), std::string(value));
}

void SafetensorsWriter::add_tensor(std::string_view name, DType dtype, Shape shape,
                                   std::span<const std::byte> bytes) {
  const size_t expected = static_cast<size_t>(dtype_bytes(dtype, element_count(shape)));
  if (type_name(dtype).empty() || bytes.size() != expected ||
      tensors_.contains(std::string(name))) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("[safetensors writer] tensor '{}' stands twice, has a block type, or its bytes "
                    "do not fit; got {} bytes, expected {} for {} {}",
                    printable(name), bytes.size(), expected, dtype_info(dtype).name,
                    shape_text(shape)));
  }
  tensors_.emplace(name, TensorInfo{std::string(name), dtype, std::move(shape), 0, bytes});
}

void SafetensorsWriter::emit(const std::function<void(std::string_view)>& sink) const {
  std::vector<const TensorInfo*> order;
  for (const auto& [name, tensor] : tensors_) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const TensorInfo* a, const TensorInfo* b) {
    return dtype_info(a->dtype).block_bytes > dtype_info(b->dtype).block_bytes;
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata_.empty()) header["__metadata__"] = metadata_;
  size_t offset = 0;
  for (const TensorInfo* tensor : order) {
    const size_t end = offset + tensor->bytes.size();
    header[tensor->name] = {{"dtype", type_name(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data starts aligned for every type
  const uint64_t size = text.size();
  sink({reinterpret_cast<const char*>(&size), sizeof size});
  sink(text);
  for (const TensorInfo* tensor : order) sink(as_text(tensor->bytes));
}

std::string SafetensorsWriter::build() const {
  std::string file;
  emit([&](std::string_view piece) { file += piece; });
  return file;
}

void SafetensorsWriter::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  emit([&](std::string_view piece) { file.write(piece); });
  file.commit();
}

}  // namespace ondol::io
