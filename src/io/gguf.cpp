#include "io/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/error.h"
#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

using Limits = GgufLimits;

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint32_t kOldestVersion = 2;   // 32-bit counts before; 3 only added big-endian files
constexpr uint32_t kNewestVersion = 3;

// Bytes of the shortest value of a type: the length of a string, or the head of an array.
constexpr std::array<uint64_t, kGgufTypes> kBytesMin = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
// A tensor's record without its name and dimensions, a pair's without its key and value.
constexpr uint64_t kTensorRecordBytesMin = 8 + 4 + 4 + 8;
constexpr uint64_t kPairBytesMin = 8 + 4 + 1;

// Ids that the format once had: Q4_2, Q4_3, Q4_0_4_4, Q4_0_4_8, Q4_0_8_8, IQ4_NL_4_4 and its kin.
constexpr std::array<uint32_t, 8> kRemovedTypes = {4, 5, 31, 32, 33, 36, 37, 38};
constexpr uint32_t kPlausibleTypes = 64;  // the newest known id is 41; others may be types to come

constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::string_view kSplitKey = "split.count";

}  // namespace

// One pass over the file, in its order: head, pairs, tensor records, then the checks that need all.
class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, std::string name)
      : bytes_(bytes), name_(std::move(name)), cursor_("gguf", name_, bytes) {}

  GgufFile parse() {
    file_.name_ = name_;
    file_.metadata_.file_ = name_;
    file_.metadata_.bytes_ = bytes_;
    read_head();
    for (uint64_t i = 0; i < pair_count_; ++i) read_pair(i);
    read_settings();
    for (uint64_t i = 0; i < tensor_count_; ++i) read_tensor(i);
    place_tensors();
    return std::move(file_);
  }

 private:
  using Entry = GgufMetadata::Entry;

  [[noreturn]] void corrupt(const std::string& what) const {
    cursor_.fail(ErrorCode::kCorruptData, what);
  }

  void read_head() {
    const auto magic = cursor_.read<uint32_t>("the magic number");
    if (magic != kMagic) {
      corrupt(fmt::format("this is no GGUF file: magic number; got {:#010x}, expected {:#010x}",
                          magic, kMagic));
    }
    const auto version = cursor_.read<uint32_t>("the version");
    if (version != 0 && (version & 0xFFFFu) == 0) {
      cursor_.fail(ErrorCode::kUnsupported,
                   "big-endian GGUF; expected little-endian; try converting the model again");
    }
    if (version < kOldestVersion || version > kNewestVersion) {
      cursor_.fail(ErrorCode::kUnsupported,
                   fmt::format("version; got {}, expected {} or {}; try converting the model again",
                               version, kOldestVersion, kNewestVersion));
    }
    file_.version_ = version;
    tensor_count_ = read_count("tensor count", Limits::kTensors, kTensorRecordBytesMin);
    pair_count_ = read_count("key count", Limits::kKeys, kPairBytesMin);
  }

  // A count is believed only if the rest of the file could hold so many of the smallest records.
  uint64_t read_count(std::string_view field, uint64_t max, uint64_t record_bytes) {
    const auto count = cursor_.read<uint64_t>(field);
    check_count(field, count, max, record_bytes);
    return count;
  }

  void check_count(std::string_view field, uint64_t count, uint64_t max,
                   uint64_t record_bytes) const {
    const uint64_t possible = cursor_.remaining() / record_bytes;
    if (count > possible) {
      corrupt(fmt::format("{} is more than the file can hold; got {}, expected at most {}", field,
                          count, possible));
    }
    if (count > max) {
      cursor_.fail(ErrorCode::kResourceExhausted,
                   fmt::format("{}; got {}, expected at most {}", field, count, max));
    }
  }

  std::string read_name(const std::string& field, uint64_t bytes_max) {
    const std::string_view text = cursor_.read_string(field, bytes_max);
    if (text.empty()) corrupt(field + " is empty; expected at least one character");
    const bool controls = std::any_of(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
    if (controls || !is_utf8(text)) {
      corrupt(fmt::format("{}; got '{}', expected UTF-8 without control characters", field,
                          printable(text)));
    }
    return std::string(text);
  }

  GgufType read_type(const std::string& field) {
    const auto id = cursor_.read<uint32_t>(field);
    if (id >= kGgufTypes) {
      corrupt(fmt::format("{}; got {}, expected 0 to {}", field, id, kGgufTypes - 1));
    }
    return static_cast<GgufType>(id);
  }

  void read_pair(uint64_t number) {
    Entry entry;
    entry.key = read_name(fmt::format("name of key {}", number), Limits::kKeyBytes);
    const std::string field = fmt::format("value of key '{}'", printable(entry.key));
    entry.type = read_type("type of the " + field);
    if (entry.type == GgufType::kArray) {
      std::tie(entry.element, entry.count) = read_array_head(field);
      entry.begin = cursor_.offset();
      skip_elements(entry.element, entry.count, 1, field);
    } else {
      entry.begin = cursor_.offset();
      skip_elements(entry.type, 1, 0, field);
    }
    entry.end = cursor_.offset();
    GgufMetadata& metadata = file_.metadata_;
    if (!metadata.index_.emplace(entry.key, metadata.entries_.size()).second) {
      corrupt(fmt::format("key '{}' stands twice; expected once", printable(entry.key)));
    }
    metadata.entries_.push_back(std::move(entry));
  }

  std::pair<GgufType, uint64_t> read_array_head(const std::string& field) {
    const GgufType element = read_type("element type of the " + field);
    const uint64_t count = read_count("array length of the " + field, Limits::kArrayElements,
                                      kBytesMin[static_cast<size_t>(element)]);
    return {element, count};
  }

  void skip_elements(GgufType type, uint64_t count, int depth, const std::string& field) {
    if (depth > Limits::kArrayDepth) {
      cursor_.fail(ErrorCode::kResourceExhausted,
                   fmt::format("{} nests arrays deeper than {}", field, Limits::kArrayDepth));
    }
    switch (type) {
      case GgufType::kArray:
        for (uint64_t i = 0; i < count; ++i) {
          const auto [inner, inner_count] = read_array_head(field);
          skip_elements(inner, inner_count, depth + 1, field);
        }
        break;
      case GgufType::kString:
        for (uint64_t i = 0; i < count; ++i) cursor_.read_string(field, Limits::kStringBytes);
        break;
      case GgufType::kBool:
        for (uint64_t i = 0; i < count; ++i) {
          const auto value = cursor_.read<uint8_t>(field);
          if (value > 1) corrupt(fmt::format("{}; got bool {}, expected 0 or 1", field, value));
        }
        break;
      default:
        cursor_.skip(count * kBytesMin[static_cast<size_t>(type)], field);
    }
  }

  // Keys that decide how the rest is read.
  void read_settings() {
    const GgufMetadata& metadata = file_.metadata_;
    file_.alignment_ = metadata.find_u64(kAlignmentKey).value_or(Limits::kDefaultAlignment);
    if (!std::has_single_bit(file_.alignment_) || file_.alignment_ < 8 ||
        file_.alignment_ > Limits::kAlignment) {
      corrupt(fmt::format("value of key '{}'; got {}, expected a power of two from 8 to {}",
                          kAlignmentKey, file_.alignment_, Limits::kAlignment));
    }
    const uint64_t splits = metadata.find_u64(kSplitKey).value_or(1);
    if (splits > 1) {
      cursor_.fail(ErrorCode::kUnsupported,
                   fmt::format("this is one part of a split model: key '{}'; got {}, expected 1; "
                               "try merging the parts with `llama-gguf-split --merge`",
                               kSplitKey, splits));
    }
  }

  void read_tensor(uint64_t number) {
    TensorInfo tensor;
    tensor.name = read_name(fmt::format("name of tensor {}", number), Limits::kTensorNameBytes);
    const std::string field = fmt::format("tensor '{}'", printable(tensor.name));
    const auto rank = cursor_.read<uint32_t>("dimension count of " + field);
    if (rank > Limits::kDimensions) {
      corrupt(fmt::format("dimension count of {}; got {}, expected at most {}", field, rank,
                          Limits::kDimensions));
    }
    for (uint32_t i = 0; i < rank; ++i) {
      const auto dimension = cursor_.read<uint64_t>("dimensions of " + field);
      if (dimension == 0 || dimension > static_cast<uint64_t>(INT64_MAX)) {
        corrupt(
            fmt::format("dimension {} of {}; got {}, expected 1 to 2^63 - 1", i, field, dimension));
      }
      tensor.shape.push_back(static_cast<int64_t>(dimension));
    }
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    tensor.dtype = read_dtype(field);
    tensor.offset = cursor_.read<uint64_t>("offset of " + field);
    sizes_.push_back(checked_bytes(tensor, field));
    if (!file_.index_.emplace(tensor.name, file_.tensors_.size()).second) {
      corrupt(field + " stands twice; expected once");
    }
    file_.tensors_.push_back(std::move(tensor));
  }

  DType read_dtype(const std::string& field) {
    const auto id = cursor_.read<uint32_t>("type of " + field);
    if (const auto info = find_dtype(id)) return info->dtype;
    if (std::find(kRemovedTypes.begin(), kRemovedTypes.end(), id) != kRemovedTypes.end()) {
      corrupt(
          fmt::format("type of {}; got id {}, which was removed from the format; try "
                      "quantising the model again",
                      field, id));
    }
    const bool plausible = id < kPlausibleTypes;
    cursor_.fail(plausible ? ErrorCode::kUnsupported : ErrorCode::kCorruptData,
                 fmt::format("type of {}; got id {}, expected a float, an integer, or one of q4_0, "
                             "q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k; try another file of this "
                             "model",
                             field, id));
  }

  uint64_t checked_bytes(const TensorInfo& tensor, const std::string& field) const {
    const DTypeInfo& type = dtype_info(tensor.dtype);
    const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (row % type.block_elements != 0) {
      corrupt(fmt::format("row length of {}; got {}, expected a multiple of {} for type {}", field,
                          row, type.block_elements, type.name));
    }
    int64_t bytes = row / type.block_elements;
    bool overflow = __builtin_mul_overflow(bytes, type.block_bytes, &bytes);
    int64_t elements = row;  // must fit too: callers multiply shapes
    for (size_t i = 0; i + 1 < tensor.shape.size(); ++i) {
      overflow |= __builtin_mul_overflow(bytes, tensor.shape[i], &bytes);
      overflow |= __builtin_mul_overflow(elements, tensor.shape[i], &elements);
    }
    if (overflow) {
      corrupt(fmt::format("shape of {}; got {}, expected at most 2^63 - 1 elements and bytes",
                          field, shape_text(tensor.shape)));
    }
    return static_cast<uint64_t>(bytes);
  }

  void place_tensors() {
    if (file_.tensors_.empty()) return;  // a vocabulary file: its head need not be padded
    const uint64_t alignment = file_.alignment_;
    const uint64_t data = (cursor_.offset() + alignment - 1) / alignment * alignment;
    const uint64_t available = data < bytes_.size() ? bytes_.size() - data : 0;
    for (size_t i = 0; i < sizes_.size(); ++i) {
      TensorInfo& tensor = file_.tensors_[i];
      const std::string field = fmt::format("tensor '{}'", printable(tensor.name));
      if (tensor.offset % alignment != 0) {
        corrupt(fmt::format("offset of {}; got {}, expected a multiple of {}", field, tensor.offset,
                            alignment));
      }
      if (tensor.offset > available || sizes_[i] > available - tensor.offset) {
        corrupt(
            fmt::format("{} does not fit; got {} bytes at offset {}, expected to end at most at "
                        "{}; try downloading the file again",
                        field, sizes_[i], tensor.offset, available));
      }
      tensor.offset += data;
      tensor.bytes = bytes_.subspan(tensor.offset, sizes_[i]);
    }
    refuse_overlaps();
  }

  void refuse_overlaps() const {
    std::vector<const TensorInfo*> by_offset;
    by_offset.reserve(file_.tensors_.size());
    for (const TensorInfo& tensor : file_.tensors_) by_offset.push_back(&tensor);
    std::sort(by_offset.begin(), by_offset.end(), [](const TensorInfo* a, const TensorInfo* b) {
      return a->offset != b->offset ? a->offset < b->offset : a->name < b->name;
    });
    for (size_t i = 1; i < by_offset.size(); ++i) {
      const TensorInfo& left = *by_offset[i - 1];
      const TensorInfo& right = *by_offset[i];
      if (left.offset + left.bytes.size() > right.offset) {
        corrupt(
            fmt::format("tensors '{}' and '{}' overlap; got byte {} in both, expected each byte "
                        "in one",
                        printable(left.name), printable(right.name), right.offset));
      }
    }
  }

  std::span<const std::byte> bytes_;
  std::string name_;
  ByteCursor cursor_;
  GgufFile file_;
  uint64_t tensor_count_ = 0;
  uint64_t pair_count_ = 0;
  std::vector<uint64_t> sizes_;  // bytes of each tensor
};

GgufFile GgufFile::open(const std::filesystem::path& path) {
  MappedFile mapping(path);
  GgufFile file = parse(mapping.bytes(), path.string());
  file.mapping_ = std::move(mapping);  // a move keeps the address of the bytes
  return file;
}

GgufFile GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
  return GgufParser(bytes, std::move(name)).parse();
}

const TensorInfo* GgufFile::find_tensor(std::string_view tensor) const {
  const auto found = index_.find(std::string(tensor));
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void GgufFile::drop(const TensorInfo& tensor) const {
  if (mapping_) mapping_->drop_pages(tensor.offset, tensor.bytes.size());
}

}  // namespace ondol::io
