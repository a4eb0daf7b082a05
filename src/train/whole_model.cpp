#include "train/whole_model.h"

#include <algorithm>
#include <cstring>
#include <regex>
#include <unordered_map>

#include "base/error.h"
#include "models/adapter_saved.h"

namespace ondol::train {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

Tensor master_of(const PackedMatrix& matrix, ThreadPool& pool) {
  const int64_t columns = matrix.columns();
  Tensor value = Tensor::zeros(DType::kF32, {matrix.rows(), columns});
  pool.parallel_for(matrix.rows(), 16, [&](int64_t begin, int64_t end, int) {
    matrix.dequantize(begin, end, 0, columns, value.data() + begin * columns, columns);
  });
  return value;
}

// Rows with rotary pairs side by side as Hugging Face's halves, or back.
Tensor reordered(const Tensor& value, int64_t heads, bool to_halves) {
  Tensor out = Tensor::zeros(DType::kF32, value.shape());
  const int64_t rows = value.dim(0), width = rows / heads, row_size = value.size() / rows;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = row / width, in_head = row % width;  // of the pairs
    const int64_t half = head * width + in_head % 2 * (width / 2) + in_head / 2;
    const int64_t from = to_halves ? row : half, to = to_halves ? half : row;
    std::copy_n(value.data() + from * row_size, row_size, out.data() + to * row_size);
  }
  return out;
}

std::vector<WeightRef> weights_of(Model& model) {
  if (model.decoder) return model.decoder->weights();
  return model.encoder ? model.encoder->weights() : model.encoder_decoder->weights();
}

std::vector<std::regex> patterns_of(const std::vector<std::string>& texts) {
  std::vector<std::regex> patterns;
  for (const std::string& text : texts) {
    try {
      patterns.emplace_back(text);
    } catch (const std::regex_error& error) {
      invalid("freeze; '" + text + "' is no regular expression (" + error.what() + ")");
    }
  }
  return patterns;
}

// Whether the weight is of one of the modules, named whole or by their ends; notes which.
bool is_of(const std::vector<std::string>& modules, const std::string& weight,
           std::vector<bool>& found) {
  bool any = false;
  const std::string_view module = std::string_view(weight).substr(0, weight.rfind('.'));
  for (size_t i = 0; i < modules.size(); ++i) {
    if (!models::names_module(modules[i], module)) continue;
    any = found[i] = true;
  }
  return any;
}

}  // namespace

WholeModel::WholeModel(Model& model, const WholeModelConfig& config, ThreadPool& pool) {
  ONDOL_ASSERT(config.form != WeightForm::kFile);
  const std::vector<std::regex> freeze = patterns_of(config.freeze);
  std::vector<bool> used(freeze.size());
  if (config.only.empty()) {
    for (LinearSlot& slot : model.linears) slot.weight.reset();  // they would keep what goes below
  }
  PackArena arena;
  std::vector<bool> found(config.only.size());
  for (WeightRef& ref : weights_of(model)) {
    if (!config.only.empty() && !is_of(config.only, ref.name, found)) continue;
    Weight weight{ref, ref.matrix ? master_of(*ref.matrix, pool) : ref.vector};
    if (ref.matrix) {
      const int64_t rows = ref.matrix->rows(), columns = ref.matrix->columns();
      *ref.matrix = PackedMatrix();  // its memory goes before more is taken
      *ref.matrix = PackedMatrix::from_floats(matrix_dtype(config.form, columns), rows, columns,
                                              {weight.value.data(), columns, 1}, pool, &arena);
      master_bytes_ += static_cast<int64_t>(weight.value.bytes().size());
      model_bytes_ += static_cast<int64_t>(ref.matrix->bytes());
    } else {
      model_bytes_ += static_cast<int64_t>(weight.value.bytes().size());
    }
    bool frozen = false;
    for (size_t i = 0; i < freeze.size(); ++i) {
      if (!std::regex_search(ref.name, freeze[i])) continue;
      frozen = used[i] = true;
    }
    if (!frozen) {
      parameters_.push_back({.name = ref.name,
                             .value = weight.value,
                             .decay = ref.matrix != nullptr,
                             .packed = ref.matrix});
    }
    weights_.push_back(std::move(weight));
  }
  for (size_t i = 0; i < freeze.size(); ++i) {
    if (!used[i]) invalid("freeze; got '" + config.freeze[i] + "', which no weight's name holds");
  }
  for (size_t i = 0; i < config.only.size(); ++i) {
    if (!found[i]) invalid("no weight is of a module '" + config.only[i] + "'");
  }
  if (parameters_.empty()) invalid("freeze leaves no weight to train");
}

std::vector<NamedTensor> WholeModel::tensors() const {
  std::vector<NamedTensor> all;
  for (const Weight& weight : weights_) {
    const int64_t heads = weight.ref.paired_heads;
    all.emplace_back(weight.ref.name,
                     heads > 0 ? reordered(weight.value, heads, true) : weight.value);
  }
  return all;
}

void WholeModel::restore(std::span<const NamedTensor> tensors, ThreadPool& pool) {
  std::unordered_map<std::string, const Tensor*> by_name;
  for (const auto& [name, tensor] : tensors) by_name[name] = &tensor;
  for (const Weight& weight : weights_) {
    const auto found = by_name.find(weight.ref.name);
    if (found != by_name.end() && found->second->dtype() == DType::kF32 &&
        found->second->shape() == weight.value.shape()) {
      continue;
    }
    const std::string got = found == by_name.end()
                                ? "none"
                                : std::string(dtype_info(found->second->dtype()).name) + " " +
                                      shape_text(found->second->shape());
    throw Error(ErrorCode::kCorruptData, "[train] the checkpoint's tensor '" + weight.ref.name +
                                             "'; got " + got + ", expected f32 " +
                                             shape_text(weight.value.shape()) +
                                             "; try the model the run was begun with");
  }
  for (Weight& weight : weights_) {
    const Tensor& saved = *by_name[weight.ref.name];
    const int64_t heads = weight.ref.paired_heads;
    const Tensor from = heads > 0 ? reordered(saved, heads, false) : saved;
    std::copy_n(from.data(), from.size(), weight.value.data());
    if (weight.ref.matrix) {
      const int64_t columns = weight.ref.matrix->columns();
      weight.ref.matrix->assign({weight.value.data(), columns, 1}, pool);
    }
  }
}

}  // namespace ondol::train
