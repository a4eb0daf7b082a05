#include "models/adapter_merge.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/files.h"
#include "io/gguf.h"
#include "io/gguf_writer.h"
#include "io/model_folder.h"
#include "io/safetensors_writer.h"
#include "kernels/kernels.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[merge] " + what);
}

bool can_encode(DType dtype) { return is_float(dtype) || dtype == DType::kQ8_0; }

// weight[rows, columns] += scale * (down * up)^T, a row at a time; k ascends, so that the bits do
// not depend on anything else.
void add_product(const ops::LowRank& pair, std::vector<float>& weight) {
  const int64_t columns = pair.down.dim(0), rank = pair.down.dim(1), rows = pair.up.dim(1);
  std::vector<float> a(static_cast<size_t>(pair.down.size()));  // [rank, columns]
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t k = 0; k < rank; ++k) a[k * columns + c] = pair.down.data()[c * rank + k];
  }
  std::vector<float> sum(static_cast<size_t>(columns));
  for (int64_t row = 0; row < rows; ++row) {
    std::ranges::fill(sum, 0.0F);
    for (int64_t k = 0; k < rank; ++k) {
      const float b = pair.up.data()[k * rows + row];
      const float* from = a.data() + k * columns;
      for (int64_t c = 0; c < columns; ++c) sum[c] += b * from[c];
    }
    float* to = weight.data() + row * columns;
    for (int64_t c = 0; c < columns; ++c) to[c] += pair.scale * sum[c];
  }
}

// DoRA: every row of the sum gets its magnitude for length.
void scale_to_magnitudes(const ops::LowRank& pair, std::vector<float>& weight) {
  const int64_t columns = pair.down.dim(0), rows = pair.up.dim(1);
  for (int64_t row = 0; row < rows; ++row) {
    const std::span<float> values(weight.data() + row * columns, static_cast<size_t>(columns));
    double square = 0;
    for (const float value : values) square += double{value} * double{value};
    const double factor = double{pair.magnitude.data()[row]} / std::sqrt(square);
    for (float& value : values) value = static_cast<float>(double{value} * factor);
  }
}

// The merged matrices of one file, by tensor name; their bytes live here until it is written.
class MergedTensors {
 public:
  struct Merged {
    DType dtype;
    std::vector<std::byte> bytes;
  };

  MergedTensors(const io::TensorSource& source, const Model& model, const LoadedAdapter& adapter,
                bool is_gguf, std::optional<DType> type, MergeResult& result)
      : source_(source), type_(type), result_(result) {
    for (size_t i = 0; i < adapter.adapter.by_slot.size(); ++i) {
      const ops::LowRank& pair = adapter.adapter.by_slot[i];
      if (!pair.down.defined()) continue;
      const LinearSlot& slot = model.linears.at(i);
      const std::string tensor = is_gguf ? slot.gguf : slot.module + ".weight";
      by_name_[tensor] = merged(source.require_tensor(tensor, {slot.rows, slot.columns}), pair);
    }
    if (by_name_.empty()) invalid("the adapter adds to no linear");
    if (!adapter.saved.empty()) add_saved(model, adapter, is_gguf);
  }

  const Merged* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second;
  }

 private:
  void add_saved(const Model& model, const LoadedAdapter& adapter, bool is_gguf) {
    const std::vector<WeightRef> weights = model.decoder->weights();
    for (const auto& [name, value] : adapter.saved) {
      const auto weight = std::ranges::find(weights, name, &WeightRef::name);
      const std::string tensor = is_gguf && weight != weights.end() ? weight->gguf : name;
      const io::TensorInfo& info = source_.require_tensor(tensor, value.shape());
      // Vectors are f32 in GGUF files of every type.
      by_name_[tensor] =
          encoded(info, std::span(value.data(), static_cast<size_t>(value.size())),
                  is_gguf && value.shape().size() == 1 ? std::optional(info.dtype) : type_);
    }
  }

  Merged merged(const io::TensorInfo& tensor, const ops::LowRank& pair) {
    std::vector<float> weight(static_cast<size_t>(tensor.elements()));
    dequantize_blocks(tensor.dtype, tensor.bytes.data(), tensor.elements(), weight.data());
    source_.drop(tensor);
    add_product(pair, weight);
    if (pair.magnitude.defined()) scale_to_magnitudes(pair, weight);
    return encoded(tensor, weight, type_);
  }

  Merged encoded(const io::TensorInfo& tensor, std::span<const float> weight,
                 std::optional<DType> type) {
    DType dtype = type.value_or(tensor.dtype);
    if (!can_encode(dtype)) {
      ++result_.widened[std::string(dtype_info(dtype).name)];
      dtype = DType::kF16;
    }
    if (tensor.shape.back() % dtype_info(dtype).block_elements != 0) {
      throw Error(ErrorCode::kUnsupported,
                  "[merge] tensor '" + tensor.name + "' as " + std::string(dtype_info(dtype).name) +
                      "; got rows of " + std::to_string(tensor.shape.back()) +
                      ", expected a multiple of " +
                      std::to_string(dtype_info(dtype).block_elements) + "; try --type f16");
    }
    Merged done{dtype, std::vector<std::byte>(static_cast<size_t>(
                           dtype_bytes(dtype, static_cast<int64_t>(weight.size()))))};
    encode_blocks(dtype, weight, done.bytes);
    ++result_.matrices;
    ++result_.types[std::string(dtype_info(dtype).name)];
    return done;
  }

  const io::TensorSource& source_;
  std::optional<DType> type_;
  MergeResult& result_;
  std::map<std::string, Merged> by_name_;
};

// Both writers take a tensor the same way.
template <class Writer>
void add_tensors(const io::TensorSource& source, const MergedTensors& merged, Writer& writer) {
  for (const io::TensorInfo& tensor : source.tensors()) {
    if (const auto* m = merged.find(tensor.name)) {
      writer.add_tensor(tensor.name, m->dtype, tensor.shape, m->bytes);
    } else {
      writer.add_tensor(tensor.name, tensor.dtype, tensor.shape, tensor.bytes);
    }
  }
}

// A key's value as it stands in the file after its type.
std::string raw_value(const io::GgufMetadata::Entry& entry, std::span<const std::byte> file) {
  std::string text;
  if (entry.type == io::GgufType::kArray) {
    text = io::GgufWriter::array_head(entry.element, entry.count);
  }
  const auto bytes = file.subspan(entry.begin, entry.end - entry.begin);
  return text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

MergeResult merge_gguf(const fs::path& base, const Model& model, const LoadedAdapter& adapter,
                       const fs::path& output, std::optional<DType> type) {
  const io::GgufFile file = io::GgufFile::open(base);
  const MappedFile bytes(base);
  MergeResult result;
  const MergedTensors merged(file, model, adapter, true, type, result);
  io::GgufWriter writer(static_cast<uint32_t>(file.alignment()));
  for (const io::GgufMetadata::Entry& entry : file.metadata().entries()) {
    if (entry.key == "general.alignment") continue;  // the writer's own
    writer.set_raw(entry.key, entry.type, raw_value(entry, bytes.bytes()));
  }
  add_tensors(file, merged, writer);
  writer.write(output);
  return result;
}

MergeResult merge_folder(const fs::path& base, const Model& model, const LoadedAdapter& adapter,
                         const fs::path& output, std::optional<DType> type) {
  if (type == DType::kQ8_0) {
    throw Error(ErrorCode::kUnsupported,
                "[merge] --type; got q8_0, expected f32, f16 or bf16: safetensors have no blocks");
  }
  if (fs::exists(output)) invalid("--output '" + output.string() + "' exists; try another folder");
  const io::ModelFolder folder = io::ModelFolder::open(base);
  MergeResult result;
  const MergedTensors merged(folder, model, adapter, false, type, result);
  io::SafetensorsWriter writer;
  writer.set_metadata("format", "pt");
  add_tensors(folder, merged, writer);
  const fs::path fresh =
      fs::absolute(output).parent_path() / ("." + output.filename().string() + ".new");
  std::error_code failed;
  fs::remove_all(fresh, failed);
  for (const fs::path& file : folder.files()) {
    const std::string name = file.lexically_relative(base).generic_string();
    if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json")) continue;
    write_file_atomic(fresh / name, read_file(file));
  }
  fs::create_directories(fresh, failed);
  writer.write(fresh / "model.safetensors");
  fs::rename(fresh, output, failed);
  if (failed) {
    throw Error(ErrorCode::kResourceExhausted,
                "[merge] cannot write '" + output.string() + "': " + failed.message());
  }
  return result;
}

}  // namespace

MergeResult merge_adapter(const fs::path& base, const Model& model, const LoadedAdapter& adapter,
                          const fs::path& output, std::optional<DType> type) {
  if (type && !can_encode(*type)) {
    throw Error(ErrorCode::kUnsupported, "[merge] --type; got " +
                                             std::string(dtype_info(*type).name) +
                                             ", expected same, f32, f16, bf16 or q8_0");
  }
  std::error_code failed;
  if (fs::equivalent(base, output, failed)) {
    invalid("--output is the base '" + base.string() + "', which stays as it is; try another name");
  }
  const bool to_gguf = output.extension() == ".gguf", is_folder = fs::is_directory(base);
  if (to_gguf == is_folder) {
    invalid("--output '" + output.string() + "'; got " + (to_gguf ? "a GGUF file" : "a folder") +
            ", expected " + (is_folder ? "a folder" : "a name that ends in .gguf") +
            " as the base is; try a base of that format");
  }
  return is_folder ? merge_folder(base, model, adapter, output, type)
                   : merge_gguf(base, model, adapter, output, type);
}

}  // namespace ondol
