#include "models/weights.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"

namespace ondol::models {
namespace {

std::string bias_of(std::string weight) {
  ONDOL_ASSERT(weight.ends_with(".weight"));
  return weight.replace(weight.rfind(".weight"), 7, ".bias");
}

}  // namespace

std::string weight_name(std::span<const WeightName> names, std::string_view ours, int64_t layer,
                        WeightFormat format) {
  const auto row = std::ranges::find(names, ours, &WeightName::ours);
  ONDOL_ASSERT(row != names.end());
  std::string text(format == WeightFormat::kGguf ? row->gguf : row->safetensors);
  const size_t mark = text.find("{}");
  if (mark != std::string::npos) text.replace(mark, 2, std::to_string(layer));
  return text;
}

void WeightList::matrix(std::string_view ours, int64_t layer, PackedMatrix& matrix,
                        int64_t paired_heads) {
  list_.push_back({weight_name(names_, ours, layer, WeightFormat::kSafetensors),
                   &matrix,
                   {},
                   paired_heads,
                   weight_name(names_, ours, layer, WeightFormat::kGguf)});
}

void WeightList::vector(const std::string& name, const Tensor& vector, int64_t paired_heads) {
  if (vector.defined()) list_.push_back({name, nullptr, vector, paired_heads, ""});
}

void WeightList::linear(std::string_view ours, int64_t layer, nn::Linear& linear,
                        int64_t paired_heads) {
  matrix(ours, layer, linear.weight, paired_heads);
  vector(bias_of(list_.back().name), linear.bias, paired_heads);
}

void WeightList::norm(std::string_view ours, int64_t layer, nn::Norm& norm) {
  const std::string name = weight_name(names_, ours, layer, WeightFormat::kSafetensors);
  vector(name, norm.weight, 0);
  list_.back().gguf = weight_name(names_, ours, layer, WeightFormat::kGguf);
  vector(bias_of(name), norm.bias, 0);
}

WeightReader::WeightReader(const io::TensorSource& source, WeightFormat format,
                           std::span<const WeightName> names, ThreadPool& pool, std::string prefix)
    : source_(source), format_(format), names_(names), pool_(pool), prefix_(std::move(prefix)) {}

std::string WeightReader::name(std::string_view ours, int64_t layer) const {
  return prefix_ + name(ours, layer, format_);
}

std::string WeightReader::name(std::string_view ours, int64_t layer, WeightFormat format) const {
  return weight_name(names_, ours, layer, format);
}

bool WeightReader::has(std::string_view ours, int64_t layer) const {
  return source_.find_tensor(name(ours, layer)) != nullptr;
}

int64_t WeightReader::rows_of(std::string_view ours, int64_t columns) const {
  const io::TensorInfo& tensor = source_.require_tensor(name(ours));
  if (tensor.shape.size() != 2 || tensor.shape[1] != columns || tensor.shape[0] < 1) {
    throw Error(ErrorCode::kCorruptData, "[models] " + source_.name() + ": tensor '" + tensor.name +
                                             "'; got shape " + shape_text(tensor.shape) +
                                             ", expected [rows, " + std::to_string(columns) +
                                             "]; try downloading the file again");
  }
  return tensor.shape[0];
}

PackedMatrix WeightReader::matrix(std::string_view ours, int64_t layer, int64_t rows,
                                  int64_t columns, WeightForm form) {
  const io::TensorInfo& tensor = source_.require_tensor(name(ours, layer), {rows, columns});
  const bool packable = is_float(tensor.dtype) || is_quantized(tensor.dtype);
  if (!packable || columns % dtype_info(tensor.dtype).block_elements != 0) {
    throw Error(ErrorCode::kUnsupported,
                "[models] " + source_.name() + ": tensor '" + tensor.name + "' of type " +
                    std::string(dtype_info(tensor.dtype).name) + " and shape " +
                    shape_text(tensor.shape) + " is no weight matrix; expected a float type or " +
                    "blocks that divide a row");
  }
  PackedMatrix packed = pack(tensor, rows, columns, form);
  source_.drop(tensor);
  count(tensor, packed.dtype(), packed.bytes());
  return packed;
}

PackedMatrix WeightReader::pack(const io::TensorInfo& tensor, int64_t rows, int64_t columns,
                                WeightForm form) {
  if (form == WeightForm::kF32) {
    std::vector<float> all(static_cast<size_t>(tensor.elements()));
    dequantize_blocks(tensor.dtype, tensor.bytes.data(), tensor.elements(), all.data());
    return PackedMatrix::from_floats(DType::kF32, rows, columns, {all.data(), columns, 1}, pool_,
                                     &arena_);
  }
  if (form == WeightForm::kFile || !is_float(tensor.dtype)) {
    return PackedMatrix::pack(tensor.dtype, rows, columns, tensor.bytes, pool_, &arena_);
  }
  const DType dtype = form == WeightForm::kInt8 ? DType::kQ8_0 : DType::kBF16;
  const int64_t block = dtype_info(dtype).block_elements;
  if (columns % block != 0) {
    throw Error(ErrorCode::kUnsupported, "[models] " + source_.name() + ": tensor '" + tensor.name +
                                             "' as " + std::string(weight_form_name(form)) +
                                             "; got rows of " + std::to_string(columns) +
                                             ", expected a multiple of " + std::to_string(block) +
                                             "; try bf16 or the weights of the file");
  }
  const std::vector<float> values = source_.read_f32(tensor.name);
  std::vector<std::byte> blocks(static_cast<size_t>(rows * dtype_bytes(dtype, columns)));
  encode_blocks(dtype, values, blocks);
  return PackedMatrix::pack(dtype, rows, columns, blocks, pool_, &arena_);
}

Tensor WeightReader::read_vector(const std::string& file_name, int64_t size) {
  const io::TensorInfo& tensor = source_.require_tensor(file_name, {size});
  const std::vector<float> values = source_.read_f32(file_name);
  source_.drop(tensor);
  count(tensor, tensor.dtype, values.size() * sizeof(float));
  return Tensor::from(values, {size});
}

Tensor WeightReader::vector(std::string_view ours, int64_t layer, int64_t size) {
  return read_vector(name(ours, layer), size);
}

nn::Linear WeightReader::linear(std::string_view ours, int64_t layer, int64_t rows, int64_t columns,
                                Bias bias, WeightForm form) {
  nn::Linear block{.weight = matrix(ours, layer, rows, columns, form), .bias = {}, .slot = {}};
  block.slot = linears_.size();
  std::string module = name(ours, layer, WeightFormat::kSafetensors);
  module.resize(module.size() - std::min(module.size(), std::string_view(".weight").size()));
  LinearSlot& slot =
      linears_.emplace_back(module, name(ours, layer, WeightFormat::kGguf), rows, columns);
  slot.weight = std::make_shared<PackedMatrix>(PackedMatrix::view_of(block.weight));
  const std::string bias_name = bias_of(name(ours, layer));
  const bool present = source_.find_tensor(bias_name) != nullptr;
  if (bias == Bias::kRequired || (bias == Bias::kIfPresent && present)) {
    block.bias = read_vector(bias_name, rows);
  }
  return block;
}

nn::Norm WeightReader::rms_norm(std::string_view ours, int64_t layer, int64_t width,
                                float epsilon) {
  return {nn::Norm::Kind::kRms, vector(ours, layer, width), Tensor(), epsilon};
}

nn::Norm WeightReader::layer_norm(std::string_view ours, int64_t layer, int64_t width,
                                  float epsilon) {
  Tensor weight = vector(ours, layer, width);
  return {nn::Norm::Kind::kLayer, std::move(weight), read_vector(bias_of(name(ours, layer)), width),
          epsilon};
}

void WeightReader::finish(std::span<const std::string_view> ignored) const {
  for (const io::TensorInfo& tensor : source_.tensors()) {
    if (used_.contains(tensor.name)) continue;
    const bool known = std::ranges::any_of(ignored, [&](std::string_view text) {
      return tensor.name.find(text) != std::string::npos;
    });
    if (known) continue;
    throw Error(ErrorCode::kUnsupported,
                "[models] " + source_.name() + ": tensor '" + tensor.name + "' " +
                    shape_text(tensor.shape) +
                    " belongs to nothing that this architecture computes; expected only its own "
                    "weights; try a model of a supported architecture");
  }
}

void WeightReader::count(const io::TensorInfo& tensor, DType held, size_t bytes_held) {
  used_.insert(tensor.name);
  ++tensors_by_type_[dtype_info(held).name];
  parameters_ += tensor.elements();
  bytes_held_ += bytes_held;
}

void WeightReader::describe(ModelInfo& info) const {
  info.parameters = parameters_;
  info.weights_bytes = bytes_held_;
  std::vector<std::pair<std::string_view, int64_t>> types(tensors_by_type_.begin(),
                                                          tensors_by_type_.end());
  std::ranges::stable_sort(types, std::greater<>(), &std::pair<std::string_view, int64_t>::second);
  info.weights_summary.clear();
  for (const auto& [type, tensors] : types) {
    info.weights_summary += (info.weights_summary.empty() ? "" : ", ") + std::string(type) + " " +
                            std::to_string(tensors);
  }
}

}  // namespace ondol::models
