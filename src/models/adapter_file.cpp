#include "models/adapter_file.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "base/sha256.h"
#include "io/byte_cursor.h"
#include "kernels/kernels.h"
#include "models/adapter_parts.h"
#include "models/adapter_saved.h"

namespace ondol::models {
namespace {

namespace fs = std::filesystem;

// Where row `row` of Hugging Face's order stands when the two halves of each of `heads` heads are
// interleaved to rotary pairs; 0 heads: at the same place.
int64_t paired_row(int64_t row, int64_t rows, int64_t heads) {
  if (heads == 0) return row;
  const int64_t width = rows / heads, half = width / 2;
  const int64_t head = row / width, in_head = row % width;
  return head * width + in_head % half * 2 + in_head / half;
}

int64_t heads_of(const LinearSlot& slot, RowOrder order) {
  return order == RowOrder::kGguf ? slot.gguf_paired_heads : 0;
}

void check_shapes(const std::string& where, const Halves& halves, const LinearSlot& slot,
                  const Model& model, const std::string& base_model) {
  for (const io::TensorInfo* half : {halves.a, halves.b}) {
    if (half->shape.size() == 2 && half->elements() > 0) continue;
    corrupt_adapter(where, "tensor '" + io::printable(half->name) + "'; got shape " +
                               shape_text(half->shape) + ", expected a matrix");
  }
  if (halves.a->shape[1] != slot.columns || halves.b->shape[0] != slot.rows) {
    const bool is_a = halves.a->shape[1] != slot.columns;
    const io::TensorInfo& half = is_a ? *halves.a : *halves.b;
    other_model(where, half.name,
                "got shape " + shape_text(half.shape) + ", expected " +
                    (is_a ? "[rank, " + std::to_string(slot.columns) + "]"
                          : "[" + std::to_string(slot.rows) + ", rank]"),
                model, base_model);
  }
  if (halves.a->shape[0] != halves.b->shape[1]) {
    corrupt_adapter(where, "ranks of '" + io::printable(halves.a->name) + "' and its other half; " +
                               "got " + shape_text(halves.a->shape) + " and " +
                               shape_text(halves.b->shape) + ", expected the same rank");
  }
}

// values[rows, columns] -> [columns, rows]
std::vector<float> transposed(const std::vector<float>& values, int64_t rows, int64_t columns) {
  std::vector<float> out(values.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      out[static_cast<size_t>(c * rows + r)] = values[static_cast<size_t>(r * columns + c)];
    }
  }
  return out;
}

// lora_B[rows, rank] of a file -> `up` [rank, rows] in the order of the model's own rows.
Tensor to_up(const std::vector<float>& b, const LinearSlot& slot, int64_t rank, RowOrder order) {
  Tensor up = Tensor::zeros(DType::kF32, {rank, slot.rows});
  for (int64_t row = 0; row < slot.rows; ++row) {
    const int64_t from = paired_row(row, slot.rows, heads_of(slot, order));
    const int64_t to = paired_row(row, slot.rows, slot.paired_heads);
    for (int64_t k = 0; k < rank; ++k) {
      up.data()[k * slot.rows + to] = b[static_cast<size_t>(from * rank + k)];
    }
  }
  return up;
}

// Magnitudes [rows] of a file in the order of the model's own rows.
Tensor read_magnitude(const io::TensorSource& source, const io::TensorInfo& tensor,
                      const LinearSlot& slot, RowOrder order) {
  if (tensor.elements() != slot.rows || tensor.shape.size() != 1) {
    corrupt_adapter(source.name(), "tensor '" + io::printable(tensor.name) + "'; got shape " +
                                       shape_text(tensor.shape) + ", expected [" +
                                       std::to_string(slot.rows) + "]");
  }
  return to_up(read_values(source, tensor), slot, 1, order).reshape({slot.rows});
}

[[noreturn]] void not_an_adapter(const fs::path& path) {
  throw Error(ErrorCode::kNotFound,
              "[adapter] '" + path.string() +
                  "' is no adapter; expected a PEFT folder (adapter_config.json and "
                  "adapter_model.safetensors) or a GGUF file");
}

}  // namespace

std::vector<float> read_values(const io::TensorSource& source, const io::TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  if (is_float(tensor.dtype)) {
    values = source.read_f32(tensor.name);
  } else if (is_quantized(tensor.dtype)) {
    dequantize_blocks(tensor.dtype, tensor.bytes.data(), tensor.elements(), values.data());
  } else {
    corrupt_adapter(source.name(), "tensor '" + io::printable(tensor.name) + "'; got type " +
                                       std::string(dtype_info(tensor.dtype).name) +
                                       ", expected a float type");
  }
  const auto bad = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
  if (bad != values.end()) {
    corrupt_adapter(source.name(), "tensor '" + io::printable(tensor.name) + "' element " +
                                       std::to_string(bad - values.begin()) + "; got " +
                                       std::to_string(*bad) + ", expected a finite number");
  }
  return values;
}

void corrupt_adapter(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kCorruptData, "[adapter] " + where + ": " + what);
}

void unsupported_adapter(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kUnsupported,
              "[adapter] " + where + ": " + what +
                  "; try merging it into its base with the program that made it, and give the "
                  "merged model");
}

void other_model(const std::string& where, const std::string& tensor, const std::string& why,
                 const Model& model, const std::string& base_model) {
  throw Error(ErrorCode::kInvalidArgument,
              "[adapter] " + where + ": tensor '" + io::printable(tensor) + "' does not fit '" +
                  model.path.filename().string() + "' (" + model.info.architecture + ", " +
                  std::to_string(model.info.layers) + " layers of " +
                  std::to_string(model.info.width) + "); " + why +
                  "; this is an adapter of another model" +
                  (base_model.empty() ? "; try the model it was trained on"
                                      : "; try '" + io::printable(base_model) + "'"));
}

Adapter read_halves(const io::TensorSource& source, const std::vector<Halves>& by_slot,
                    RowOrder order, const Model& model, const std::string& base_model) {
  Adapter adapter;
  adapter.by_slot.resize(model.linears.size());
  bool any = false;
  for (size_t i = 0; i < by_slot.size(); ++i) {
    const Halves& halves = by_slot[i];
    if (!halves.a && !halves.b && !halves.magnitude) continue;
    const LinearSlot& slot = model.linears[i];
    if (!halves.a || !halves.b) {
      const io::TensorInfo* there = halves.a ? halves.a : halves.b ? halves.b : halves.magnitude;
      corrupt_adapter(source.name(), "tensor '" + io::printable(there->name) +
                                         "' stands alone; expected its other half, lora_" +
                                         (halves.a ? "B" : "A") + " of " + slot.module);
    }
    check_shapes(source.name(), halves, slot, model, base_model);
    const int64_t rank = halves.a->shape[0];
    ops::LowRank& pair = adapter.by_slot[i];
    const std::vector<float> a = read_values(source, *halves.a);
    pair.down = Tensor::from(transposed(a, rank, slot.columns), {slot.columns, rank});
    pair.up = to_up(read_values(source, *halves.b), slot, rank, order);
    if (halves.magnitude) {
      pair.magnitude = read_magnitude(source, *halves.magnitude, slot, order);
    }
    any = true;
  }
  if (!any) corrupt_adapter(source.name(), "it holds no matrices; expected lora_A and lora_B");
  return adapter;
}

std::vector<float> lora_a_of(const ops::LowRank& pair) {
  const std::vector<float> down(pair.down.data(), pair.down.data() + pair.down.size());
  return transposed(down, pair.down.dim(0), pair.down.dim(1));
}

std::vector<float> lora_b_of(const ops::LowRank& pair, const LinearSlot& slot, RowOrder order) {
  const int64_t rank = pair.up.dim(0);
  std::vector<float> b(static_cast<size_t>(pair.up.size()));
  for (int64_t row = 0; row < slot.rows; ++row) {
    const int64_t from = paired_row(row, slot.rows, slot.paired_heads);
    const int64_t to = paired_row(row, slot.rows, heads_of(slot, order));
    for (int64_t k = 0; k < rank; ++k) {
      b[static_cast<size_t>(to * rank + k)] = pair.up.data()[k * slot.rows + from];
    }
  }
  return b;
}

std::vector<float> magnitude_of(const ops::LowRank& pair, const LinearSlot& slot, RowOrder order) {
  return lora_b_of({.down = {}, .up = pair.magnitude.reshape({1, slot.rows})}, slot, order);
}

double most_common(std::vector<double> values) {
  std::map<double, size_t> counts;
  for (const double value : values) ++counts[value];
  return std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; })
      ->first;
}

}  // namespace ondol::models

namespace ondol {

int64_t LoadedAdapter::matrices() const {
  return std::ranges::count_if(adapter.by_slot,
                               [](const ops::LowRank& pair) { return pair.down.defined(); });
}

int64_t LoadedAdapter::rank_max() const {
  int64_t most = 0;
  for (const ops::LowRank& pair : adapter.by_slot) {
    if (pair.down.defined()) most = std::max(most, pair.down.dim(1));
  }
  return most;
}

std::string adapter_hash(std::span<const LinearSlot> linears, const Adapter& adapter) {
  Sha256 hash;
  hash.update("ondol adapter 1\n");
  for (size_t i = 0; i < std::min(linears.size(), adapter.by_slot.size()); ++i) {
    const ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.down.defined()) continue;
    const std::string head = linears[i].module + "\n" + shape_text(pair.down.shape()) +
                             shape_text(pair.up.shape()) + "\n";
    hash.update(head);
    hash.update(std::as_bytes(std::span(&pair.scale, 1)));
    hash.update(pair.down.bytes());
    hash.update(std::as_bytes(std::span<const float>(
        models::lora_b_of(pair, linears[i], models::RowOrder::kHuggingFace))));
    if (!pair.magnitude.defined()) continue;
    hash.update("magnitude\n");
    hash.update(std::as_bytes(std::span<const float>(
        models::magnitude_of(pair, linears[i], models::RowOrder::kHuggingFace))));
  }
  return hash.hex_digest();
}

namespace {

// Lengths that magnitudes scale from; small beside the loading of the model.
void set_lengths(const Model& model, Adapter& adapter) {
  ThreadPool alone(1);  // the model's own pool may be at work
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.magnitude.defined()) continue;
    const LinearSlot& slot = model.linears[i];
    pair.lengths = ops::row_lengths({alone, best_kernels()}, *slot.weight, pair);
    for (const float length : std::span(pair.lengths.data(), static_cast<size_t>(slot.rows))) {
      if (length > 0 && std::isfinite(length)) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  "[adapter] a row of " + slot.module + " with its addition has length " +
                      std::to_string(length) + ", expected above 0: no magnitude can scale it");
    }
  }
}

}  // namespace

LoadedAdapter make_loaded_adapter(Adapter adapter, const Model& model) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw Error(ErrorCode::kInvalidArgument, "[adapter] " + what);
  };
  require(adapter.by_slot.size() <= model.linears.size(),
          "slots; got " + std::to_string(adapter.by_slot.size()) + ", expected at most " +
              std::to_string(model.linears.size()) + ", the linears of the model");
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    const ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.down.defined()) continue;
    const LinearSlot& slot = model.linears[i];
    const bool fits = pair.down.rank() == 2 && pair.up.defined() && pair.up.rank() == 2 &&
                      pair.down.dim(0) == slot.columns && pair.up.dim(1) == slot.rows &&
                      pair.down.dim(1) == pair.up.dim(0) && std::isfinite(pair.scale);
    require(fits, "matrices of " + slot.module + "; got " + shape_text(pair.down.shape()) +
                      " and " + (pair.up.defined() ? shape_text(pair.up.shape()) : "none") +
                      ", expected [" + std::to_string(slot.columns) + ", rank] and [rank, " +
                      std::to_string(slot.rows) + "]");
    require(!pair.magnitude.defined() || pair.magnitude.shape() == Shape{slot.rows},
            "magnitudes of " + slot.module + "; expected [" + std::to_string(slot.rows) + "]");
  }
  set_lengths(model, adapter);
  LoadedAdapter loaded;
  loaded.hash = adapter_hash(model.linears, adapter);
  loaded.adapter = std::move(adapter);
  loaded.model_hash = model.hash;
  return loaded;
}

LoadedAdapter load_adapter(const std::filesystem::path& path, const Model& model) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (!fs::exists(path, failed)) {
    throw Error(ErrorCode::kNotFound, "[adapter] there is no '" + path.string() +
                                          "'; try the folder or file of an adapter");
  }
  LoadedAdapter loaded;
  if (fs::is_directory(path, failed)) {
    loaded = models::read_peft_adapter(path, model);
  } else if (path.extension() == ".gguf") {
    loaded = models::read_gguf_adapter(path, model);
  } else if (path.filename() == "adapter_model.safetensors" ||
             path.filename() == "adapter_config.json") {
    loaded = models::read_peft_adapter(path.parent_path(), model);
  } else {
    models::not_an_adapter(path);
  }
  LoadedAdapter checked = make_loaded_adapter(std::move(loaded.adapter), model);
  checked.saved = std::move(loaded.saved);
  if (!checked.saved.empty()) models::hash_saved(checked);
  checked.path = path;
  checked.warnings = std::move(loaded.warnings);
  checked.use_rslora = loaded.use_rslora;
  checked.base_model = std::move(loaded.base_model);
  return checked;
}

}  // namespace ondol
