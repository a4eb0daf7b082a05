#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

using json = nlohmann::json;
using Limits = SafetensorsLimits;

struct FileType {
  std::string_view name;
  uint64_t bits;
  std::optional<DType> dtype;  // nullopt: known, but no tensor here can have it
};
// The names of the format's Dtype enumeration, version 0.6.
constexpr std::array<FileType, 21> kTypes = {{
    {"F64", 64, DType::kF64},     {"F32", 32, DType::kF32},     {"F16", 16, DType::kF16},
    {"BF16", 16, DType::kBF16},   {"I64", 64, DType::kI64},     {"I32", 32, DType::kI32},
    {"I16", 16, DType::kI16},     {"I8", 8, DType::kI8},        {"U64", 64, std::nullopt},
    {"U32", 32, std::nullopt},    {"U16", 16, std::nullopt},    {"U8", 8, std::nullopt},
    {"BOOL", 8, std::nullopt},    {"C64", 64, std::nullopt},    {"F8_E4M3", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt}, {"F8_E8M0", 8, std::nullopt}, {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt}, {"F4", 4, std::nullopt},      {"F8_E4M3FNUZ", 8, std::nullopt},
}};

}  // namespace

class SafetensorsParser {
 public:
  SafetensorsParser(std::span<const std::byte> bytes, std::string name)
      : bytes_(bytes), name_(std::move(name)), cursor_("safetensors", name_, bytes) {}

  SafetensorsFile parse() {
    file_.name_ = name_;
    read_header(header_text());
    place_tensors();
    return std::move(file_);
  }

 private:
  struct Record {
    std::string name;
    const FileType* type;
    Shape shape;
    uint64_t begin;  // in the data
    uint64_t end;
  };

  [[noreturn]] void corrupt(const std::string& what) const {
    cursor_.fail(ErrorCode::kCorruptData, what);
  }

  std::string_view header_text() {
    const std::string_view text = cursor_.read_string("the header", Limits::kHeaderBytes);
    if (text.empty() || text[0] != '{') {
      corrupt(fmt::format("this is no safetensors file: header; got '{}', expected '{{' first",
                          printable(text.substr(0, 1))));
    }
    return text;
  }

  // Tensor records are taken out of the JSON as soon as each is complete, so that a large header
  // never stands in memory as a tree.
  void read_header(std::string_view text) {
    std::array<std::unordered_set<std::string>, 2> keys;  // of the header, of the open record
    std::string current;
    const auto on_event = [&](int depth, json::parse_event_t event, json& value) {
      if (depth > 1 && (event == json::parse_event_t::object_start ||
                        (event == json::parse_event_t::array_start && depth > 2))) {
        corrupt(fmt::format("header entry '{}' nests too deeply", printable(current)));
      }
      if (event == json::parse_event_t::key) {
        const auto& key = value.get_ref<const std::string&>();
        if (!keys.at(static_cast<size_t>(depth - 1)).insert(key).second) {
          corrupt(fmt::format("header key '{}' stands twice; expected once", printable(key)));
        }
        if (depth == 1) current = key;
      }
      const bool record_done = depth == 1 && event == json::parse_event_t::object_end;
      if (record_done) {
        keys[1].clear();
        take_entry(current, value);
      } else if (depth == 1 && (event == json::parse_event_t::value ||
                                event == json::parse_event_t::array_start)) {
        corrupt(fmt::format("header entry '{}'; expected an object", printable(current)));
      }
      return !record_done;
    };
    try {
      const json ignored = json::parse(text.begin(), text.end(), on_event);
    } catch (const json::exception& error) {
      corrupt(fmt::format("the header is no JSON; {}", printable(error.what())));
    }
  }

  void take_entry(const std::string& key, const json& value) {
    if (key == "__metadata__") return take_metadata(value);
    if (records_.size() >= Limits::kTensors) {
      cursor_.fail(ErrorCode::kResourceExhausted,
                   fmt::format("tensor count; expected at most {}", Limits::kTensors));
    }
    const std::string field = fmt::format("tensor '{}'", printable(key));
    if (value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets")) {
      corrupt(field + "; expected exactly the fields dtype, shape and data_offsets");
    }
    Record record{key, read_type(value["dtype"], field), read_shape(value["shape"], field), 0, 0};
    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      corrupt("data_offsets of " + field + "; expected two unsigned integers");
    }
    record.begin = offsets[0].get<uint64_t>();
    record.end = offsets[1].get<uint64_t>();
    const uint64_t size = checked_bytes(record, field);
    if (record.begin > record.end || record.end - record.begin != size) {
      corrupt(fmt::format("data_offsets of {}; got {} to {}, expected a length of {} bytes", field,
                          record.begin, record.end, size));
    }
    records_.push_back(std::move(record));
  }

  void take_metadata(const json& value) {
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) {
        corrupt(fmt::format("value of '{}' in __metadata__; expected a string", printable(key)));
      }
      file_.metadata_.emplace(key, text.get<std::string>());
    }
  }

  const FileType* read_type(const json& value, const std::string& field) const {
    if (!value.is_string()) corrupt("dtype of " + field + "; expected a string");
    const auto& name = value.get_ref<const std::string&>();
    for (const FileType& type : kTypes) {
      if (type.name == name) return &type;
    }
    cursor_.fail(ErrorCode::kUnsupported, fmt::format("dtype of {}; got '{}', expected one of the "
                                                      "safetensors format, such as F32 or BF16",
                                                      field, printable(name)));
  }

  Shape read_shape(const json& value, const std::string& field) const {
    if (!value.is_array() || value.size() > Limits::kDimensions) {
      corrupt(fmt::format("shape of {}; expected an array of at most {} integers", field,
                          Limits::kDimensions));
    }
    Shape shape;
    for (const json& dimension : value) {
      if (!dimension.is_number_unsigned() ||
          dimension.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
        corrupt(fmt::format("shape of {}; got {}, expected integers from 0 to 2^63 - 1", field,
                            printable(dimension.dump())));
      }
      shape.push_back(dimension.get<int64_t>());
    }
    return shape;
  }

  uint64_t checked_bytes(const Record& record, const std::string& field) const {
    uint64_t bits = record.type->bits;
    bool overflow = false;
    for (const int64_t dimension : record.shape) {
      overflow |= __builtin_mul_overflow(bits, static_cast<uint64_t>(dimension), &bits);
    }
    if (overflow || bits % 8 != 0) {
      corrupt(fmt::format("shape of {}; got {} of type {}, expected whole bytes below 2^61", field,
                          shape_text(record.shape), record.type->name));
    }
    return bits / 8;
  }

  void place_tensors() {
    std::sort(records_.begin(), records_.end(), [](const Record& a, const Record& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    const size_t data = cursor_.offset();
    const uint64_t available = cursor_.remaining();
    uint64_t expected = 0;
    for (Record& record : records_) {
      const std::string field = fmt::format("tensor '{}'", printable(record.name));
      if (record.begin != expected) {
        corrupt(
            fmt::format("data_offsets of {}; got {}, expected {}: the data may have neither "
                        "holes nor overlaps",
                        field, record.begin, expected));
      }
      if (record.end > available) {
        corrupt(
            fmt::format("{} does not fit; it ends at byte {} of the data, the file has {}; try "
                        "downloading the file again",
                        field, record.end, available));
      }
      expected = record.end;
      keep(record, data);
    }
    if (expected != available) {
      corrupt(fmt::format("size of the data; got {} bytes, expected {} as the tensors say",
                          available, expected));
    }
  }

  void keep(Record& record, size_t data) {
    if (!record.type->dtype) {
      file_.unreadable_.push_back({std::move(record.name), std::string(record.type->name)});
      return;
    }
    TensorInfo tensor;
    tensor.name = std::move(record.name);
    tensor.dtype = *record.type->dtype;
    tensor.shape = std::move(record.shape);
    tensor.offset = data + record.begin;
    tensor.bytes = bytes_.subspan(tensor.offset, record.end - record.begin);
    file_.index_.emplace(tensor.name, file_.tensors_.size());
    file_.tensors_.push_back(std::move(tensor));
  }

  std::span<const std::byte> bytes_;
  std::string name_;
  ByteCursor cursor_;
  SafetensorsFile file_;
  std::vector<Record> records_;
};

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  MappedFile mapping(path);
  SafetensorsFile file = parse(mapping.bytes(), path.string());
  file.mapping_ = std::move(mapping);  // a move keeps the address of the bytes
  return file;
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes, std::string name) {
  return SafetensorsParser(bytes, std::move(name)).parse();
}

const TensorInfo* SafetensorsFile::find_tensor(std::string_view tensor) const {
  const auto found = index_.find(std::string(tensor));
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void SafetensorsFile::drop(const TensorInfo& tensor) const {
  if (mapping_) mapping_->drop_pages(tensor.offset, tensor.bytes.size());
}

std::string SafetensorsFile::unreadable_type(std::string_view tensor) const {
  for (const UnreadableTensor& other : unreadable_) {
    if (other.name == tensor) return other.type;
  }
  return {};
}

}  // namespace ondol::io
