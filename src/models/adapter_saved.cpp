#include "models/adapter_saved.h"

#include <algorithm>

#include "base/sha256.h"

namespace ondol {
namespace {

[[noreturn]] void does_not_fit(const LoadedAdapter& adapter, const std::string& name,
                               const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, "[adapter] " + adapter.path.string() + ": the weight '" +
                                               name + "' of modules_to_save; " + why);
}

}  // namespace

void put_saved(Model& model, const LoadedAdapter& adapter, WeightForm form, ThreadPool& pool) {
  std::vector<WeightRef> weights = model.decoder->weights();
  for (const auto& [name, value] : adapter.saved) {
    const auto weight = std::ranges::find(weights, name, &WeightRef::name);
    if (weight == weights.end()) {
      does_not_fit(adapter, name, "the model '" + model.path.string() + "' has none of this name");
    }
    const bool is_linear = std::ranges::any_of(
        model.linears, [&](const LinearSlot& slot) { return name == slot.module + ".weight"; });
    if (is_linear) does_not_fit(adapter, name, "expected an embedding, the head or a norm");
    const Shape expected = weight->matrix ? Shape{weight->matrix->rows(), weight->matrix->columns()}
                                          : weight->vector.shape();
    if (value.shape() != expected) {
      does_not_fit(adapter, name,
                   "got shape " + shape_text(value.shape()) + ", expected " + shape_text(expected));
    }
    if (weight->matrix) {
      const int64_t rows = expected[0], columns = expected[1];
      *weight->matrix = PackedMatrix::from_floats(matrix_dtype(form, columns), rows, columns,
                                                  {value.data(), columns, 1}, pool, nullptr);
    } else {
      std::copy_n(value.data(), value.size(), weight->vector.data());
    }
  }
  model.hash = adapter.model_hash;
}

namespace models {

bool names_module(std::string_view name, std::string_view module) {
  if (!module.ends_with(name)) return false;
  return module.size() == name.size() ||
         (module.size() > name.size() && module[module.size() - name.size() - 1] == '.');
}

bool tied_head(const Model& model) {
  const std::vector<WeightRef> weights = model.decoder->weights();
  return std::ranges::find(weights, "lm_head.weight", &WeightRef::name) == weights.end();
}

void hash_saved(LoadedAdapter& adapter) {
  Sha256 sum;
  sum.update(adapter.hash);
  for (const auto& [name, value] : adapter.saved) {
    sum.update(name);
    sum.update(value.bytes());
  }
  adapter.hash = sum.hex_digest();
  adapter.model_hash += "+" + adapter.hash;
}

}  // namespace models
}  // namespace ondol
