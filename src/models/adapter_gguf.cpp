// llama.cpp's GGUF adapters: `<weight>.lora_a` [r, columns] and `<weight>.lora_b` [rows, r], one
// alpha, scale alpha / rank; rows in the order of GGUF files.
#include <algorithm>
#include <cmath>
#include <optional>

#include "io/byte_cursor.h"
#include "io/gguf.h"
#include "io/gguf_writer.h"
#include "models/adapter_parts.h"

namespace ondol::models {
namespace {

constexpr std::string_view kSuffixA = ".lora_a", kSuffixB = ".lora_b";

void check_head(const io::GgufFile& file, const Model& model) {
  const io::GgufMetadata& meta = file.metadata();
  const std::string type = meta.find_string("general.type").value_or("model");
  if (type != "adapter") {
    corrupt_adapter(file.name(), "general.type; got '" + io::printable(type) +
                                     "', expected 'adapter'; try a file made by a LoRA converter");
  }
  const std::string kind = meta.require_string("adapter.type");
  if (kind != "lora") {
    unsupported_adapter(file.name(),
                        "adapter.type; got '" + io::printable(kind) + "', expected 'lora'");
  }
  if (meta.contains("adapter.alora.invocation_tokens")) {
    unsupported_adapter(file.name(),
                        "adapter.alora.invocation_tokens; an adapter that begins at "
                        "given tokens is not applied here");
  }
  const std::string architecture = meta.require_string("general.architecture");
  if (architecture != model.info.architecture) {
    throw Error(ErrorCode::kInvalidArgument,
                "[adapter] " + file.name() + ": general.architecture; got '" +
                    io::printable(architecture) + "', expected '" + model.info.architecture +
                    "'; this is an adapter of another model");
  }
}

std::vector<Halves> collect(const io::GgufFile& file, const Model& model) {
  std::vector<Halves> by_slot(model.linears.size());
  for (const io::TensorInfo& tensor : file.tensors()) {
    const bool is_a = tensor.name.ends_with(kSuffixA), is_b = tensor.name.ends_with(kSuffixB);
    if (!is_a && !is_b) {
      unsupported_adapter(file.name(), "tensor '" + io::printable(tensor.name) +
                                           "' is neither lora_a nor lora_b of a weight");
    }
    const std::string weight = tensor.name.substr(0, tensor.name.size() - kSuffixA.size());
    const auto slot = std::ranges::find(model.linears, weight, &LinearSlot::gguf);
    if (slot == model.linears.end()) {
      if (weight == "token_embd.weight" || weight == "output.weight") {
        unsupported_adapter(file.name(), "tensor '" + io::printable(tensor.name) +
                                             "' adds to the embedding or the output head");
      }
      other_model(file.name(), tensor.name, "it adds to no linear of it", model, "");
    }
    Halves& halves = by_slot[static_cast<size_t>(slot - model.linears.begin())];
    (is_a ? halves.a : halves.b) = &tensor;
  }
  return by_slot;
}

// What alpha / rank would have to be multiplied with to give the scale of a pair.
double wanted_alpha(const ops::LowRank& pair) {
  return static_cast<double>(pair.scale) * static_cast<double>(pair.down.dim(1));
}

}  // namespace

LoadedAdapter read_gguf_adapter(const std::filesystem::path& path, const Model& model) {
  const io::GgufFile file = io::GgufFile::open(path);
  check_head(file, model);
  const double alpha = file.metadata().require_f64("adapter.lora.alpha");
  if (!std::isfinite(alpha)) {
    corrupt_adapter(file.name(), "adapter.lora.alpha; got " + std::to_string(alpha) +
                                     ", expected a finite number");
  }
  LoadedAdapter loaded;
  loaded.base_model =
      file.metadata().find_string("general.base_model.0.name").value_or(std::string());
  loaded.adapter =
      read_halves(file, collect(file, model), RowOrder::kGguf, model, loaded.base_model);
  for (ops::LowRank& pair : loaded.adapter.by_slot) {
    if (!pair.down.defined()) continue;
    // An alpha of 0 means that nothing is scaled.
    pair.scale =
        alpha != 0 ? static_cast<float>(alpha / static_cast<double>(pair.down.dim(1))) : 1.0F;
  }
  return loaded;
}

}  // namespace ondol::models

namespace ondol {

void write_gguf_adapter(const std::filesystem::path& path, const Model& model,
                        const Adapter& adapter) {
  std::vector<double> alphas;
  for (const ops::LowRank& pair : adapter.by_slot) {
    if (pair.down.defined() && pair.scale != 0) alphas.push_back(models::wanted_alpha(pair));
  }
  const double alpha = alphas.empty() ? 1 : models::most_common(alphas);
  io::GgufWriter writer;
  writer.set_string("general.architecture", model.info.architecture);
  writer.set_string("general.type", "adapter");
  writer.set_string("adapter.type", "lora");
  writer.set<float>("adapter.lora.alpha", static_cast<float>(alpha));
  if (!model.info.name.empty()) {
    writer.set<uint32_t>("general.base_model.count", 1);
    writer.set_string("general.base_model.0.name", model.info.name);
  }
  std::vector<std::vector<float>> held;  // the writer reads them at its end
  held.reserve(2 * adapter.by_slot.size());
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    const ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.down.defined()) continue;
    const LinearSlot& slot = model.linears.at(i);
    if (pair.magnitude.defined()) {
      throw Error(
          ErrorCode::kUnsupported,
          "[adapter] " + path.string() + ": " + slot.module +
              " has magnitudes (DoRA), which a GGUF adapter cannot hold; try `ondol merge`");
    }
    if (slot.gguf.empty()) {
      throw Error(ErrorCode::kUnsupported, "[adapter] " + path.string() + ": " + slot.module +
                                               " has no name in GGUF; try a PEFT folder");
    }
    held.push_back(models::lora_a_of(pair));
    held.push_back(models::lora_b_of(pair, slot, models::RowOrder::kGguf));
    const auto own = static_cast<float>(models::wanted_alpha(pair));
    const auto common = static_cast<float>(alpha);
    for (float& value : held.back()) value = own == common ? value : value * (own / common);
    const int64_t rank = pair.down.dim(1);
    writer.add_tensor(slot.gguf + std::string(models::kSuffixA), DType::kF32, {rank, slot.columns},
                      std::as_bytes(std::span<const float>(held[held.size() - 2])));
    writer.add_tensor(slot.gguf + std::string(models::kSuffixB), DType::kF32, {slot.rows, rank},
                      std::as_bytes(std::span<const float>(held.back())));
  }
  writer.write(path);
}

}  // namespace ondol
