// Reads PEFT folders: the config says rank and scale of every linear, the tensors which there are.
#include "models/adapter_peft.h"

#include <algorithm>
#include <cmath>

#include "io/byte_cursor.h"
#include "io/safetensors.h"
#include "models/adapter_parts.h"
#include "models/adapter_saved.h"

namespace ondol::models {
namespace {

namespace fs = std::filesystem;

// The slot of a module; adapters of a model's inner part miss the beginning of its names. Null:
// none, or not only one.
const LinearSlot* find_slot(const Model& model, const std::string& module) {
  const LinearSlot* near = nullptr;
  for (const LinearSlot& slot : model.linears) {
    if (slot.module == module) return &slot;
    if (!names_module(module, slot.module) && !names_module(slot.module, module)) continue;
    if (near != nullptr) return nullptr;
    near = &slot;
  }
  return near;
}

[[noreturn]] void refuse_tensor(const std::string& where, const std::string& tensor) {
  const std::string what = "tensor '" + io::printable(tensor) + "' ";
  if (tensor.find("lora_embedding_") != std::string::npos) {
    unsupported_adapter(where, what + "adds to an embedding, which is not applied here");
  }
  if (tensor.ends_with(".lora_B.bias")) {
    unsupported_adapter(where, what + "is a bias (lora_bias), which is not applied here");
  }
  if (tensor.starts_with(kPeftPrefix)) {
    unsupported_adapter(where, what +
                                   "is a whole weight that modules_to_save does not name, which "
                                   "is not applied here");
  }
  corrupt_adapter(where, what + "is not of an adapter; expected names such as '" +
                             std::string(kPeftPrefix) + "<module>.lora_A.weight'");
}

struct Kind {
  std::string_view suffix;
  const io::TensorInfo* Halves::*place;
};
constexpr std::array<Kind, 3> kKinds = {{{".lora_A.weight", &Halves::a},
                                         {".lora_B.weight", &Halves::b},
                                         {".lora_magnitude_vector", &Halves::magnitude}}};

// The name of a whole weight of the config's modules_to_save; empty: it is none.
std::string saved_name(const std::string& tensor, const PeftConfig& config) {
  constexpr std::string_view kWeight = ".weight";
  if (!tensor.starts_with(kPeftPrefix) || !tensor.ends_with(kWeight)) return "";
  const std::string name = tensor.substr(kPeftPrefix.size());
  const std::string module = name.substr(0, name.size() - kWeight.size());
  // A tied head is written beside the embedding that it is.
  const bool is_tied_head = config.ensure_weight_tying && module == "lm_head";
  const bool named = std::ranges::any_of(
      config.saved_modules, [&](const std::string& saved) { return names_module(saved, module); });
  return (named || is_tied_head) && !config.saved_modules.empty() ? name : "";
}

struct Collected {
  std::vector<Halves> by_slot;
  std::vector<std::pair<std::string, const io::TensorInfo*>> saved;
};

Collected collect(const io::SafetensorsFile& file, const Model& model, const PeftConfig& config) {
  const std::string& base_model = config.base_model;
  if (!file.unreadable().empty()) {
    const io::UnreadableTensor& tensor = file.unreadable().front();
    corrupt_adapter(file.name(), "tensor '" + io::printable(tensor.name) + "'; got type " +
                                     io::printable(tensor.type) + ", expected a float type");
  }
  Collected found{std::vector<Halves>(model.linears.size()), {}};
  for (const io::TensorInfo& tensor : file.tensors()) {
    const auto kind = std::ranges::find_if(
        kKinds, [&](const Kind& k) { return tensor.name.ends_with(k.suffix); });
    if (kind == kKinds.end() || !tensor.name.starts_with(kPeftPrefix)) {
      const std::string name = saved_name(tensor.name, config);
      if (name.empty()) refuse_tensor(file.name(), tensor.name);
      found.saved.emplace_back(name, &tensor);
      continue;
    }
    const std::string module = tensor.name.substr(
        kPeftPrefix.size(), tensor.name.size() - kPeftPrefix.size() - kind->suffix.size());
    const LinearSlot* slot = find_slot(model, module);
    if (slot == nullptr) {
      if (module == "lm_head") {
        unsupported_adapter(file.name(), "tensor '" + io::printable(tensor.name) +
                                             "' adds to the output head, which takes none here");
      }
      other_model(file.name(), tensor.name, "it adds to no linear of it", model, base_model);
    }
    Halves& halves = found.by_slot[static_cast<size_t>(slot - model.linears.data())];
    const io::TensorInfo*& half = halves.*(kind->place);
    if (half != nullptr) {
      corrupt_adapter(file.name(), "tensors '" + io::printable(half->name) + "' and '" +
                                       io::printable(tensor.name) + "' are of one linear");
    }
    half = &tensor;
  }
  return found;
}

// Ranks and scales by the config.
void set_scales(const PeftConfig& config, const std::string& where, const Model& model,
                Adapter& adapter) {
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    ops::LowRank& pair = adapter.by_slot[i];
    const std::string& module = model.linears[i].module;
    if (!pair.down.defined()) continue;
    const int64_t rank = config.rank_of(module);
    if (pair.down.dim(1) != rank) {
      corrupt_adapter(where, "matrices of " + module + "; got rank " +
                                 std::to_string(pair.down.dim(1)) + ", expected " +
                                 std::to_string(rank) + " as " + kPeftConfigFile + " says");
    }
    const double alpha = config.alpha_of(module);
    const auto r = static_cast<double>(rank);
    pair.scale = static_cast<float>(alpha / (config.use_rslora ? std::sqrt(r) : r));
    if (!std::isfinite(pair.scale)) {
      corrupt_adapter(where, "lora_alpha of " + module + "; got " + std::to_string(alpha) +
                                 ", expected one whose scale is a number");
    }
  }
}

// PEFT has magnitudes for all matrices or for none.
void check_magnitudes(const PeftConfig& config, const std::string& where, const Model& model,
                      const Adapter& adapter) {
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    const ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.down.defined() || pair.magnitude.defined() == config.use_dora) continue;
    corrupt_adapter(where, "lora_magnitude_vector of " + model.linears[i].module + "; got " +
                               (config.use_dora ? "none, expected one" : "one, expected none") +
                               " as use_dora of " + kPeftConfigFile + " says");
  }
}

// Linears that are named but have no matrices add nothing, in PEFT too.
void warn_missing(PeftConfig& config, const std::string& where, const Model& model,
                  const Adapter& adapter) {
  size_t missing = 0;
  std::string first;
  for (size_t i = 0; i < model.linears.size(); ++i) {
    const std::string& module = model.linears[i].module;
    const bool wanted = std::ranges::any_of(
        config.targets, [&](const std::string& target) { return names_module(target, module); });
    if (!wanted || adapter.by_slot[i].down.defined()) continue;
    if (missing++ == 0) first = module;
  }
  if (missing == 0) return;
  config.warnings.push_back(where + ": target_modules names " + std::to_string(missing) +
                            " linears of which it holds no matrices, '" + first + "' first");
}

// Every module that is named is there, and a head that is the embedding stays it.
void check_saved(std::vector<std::pair<std::string, Tensor>>& saved, const PeftConfig& config,
                 const std::string& where, const Model& model) {
  for (const std::string& module : config.saved_modules) {
    const bool there = std::ranges::any_of(
        saved, [&](const auto& entry) { return names_module(module + ".weight", entry.first); });
    if (!there) {
      corrupt_adapter(where, "modules_to_save names '" + io::printable(module) +
                                 "', of which it holds no weight");
    }
  }
  if (saved.empty()) return;
  if (!model.decoder) unsupported_adapter(where, "modules_to_save of a model that is no decoder");
  if (!tied_head(model)) return;
  const auto head =
      std::ranges::find(saved, "lm_head.weight", &std::pair<std::string, Tensor>::first);
  const auto embedding =
      std::ranges::find(saved, "model.embed_tokens.weight", &std::pair<std::string, Tensor>::first);
  if (head == saved.end() && embedding == saved.end()) return;
  const bool same = head != saved.end() && embedding != saved.end() &&
                    std::ranges::equal(head->second.bytes(), embedding->second.bytes());
  if (!same) {
    unsupported_adapter(where,
                        "modules_to_save parts the embedding from the head, which are one "
                        "weight of this model; with ensure_weight_tying they stay one");
  }
  saved.erase(head);
}

}  // namespace

LoadedAdapter read_peft_adapter(const fs::path& folder, const Model& model) {
  const fs::path tensors = folder / kPeftTensorFile;
  std::error_code failed;
  for (const fs::path& part : {folder / kPeftConfigFile, tensors}) {
    if (fs::exists(part, failed)) continue;
    const bool pickle = fs::exists(folder / "adapter_model.bin", failed);
    throw Error(ErrorCode::kNotFound,
                "[adapter] '" + folder.string() + "' has no " + part.filename().string() +
                    (pickle ? "; an adapter_model.bin is a program, which is never read: try "
                              "saving it as safetensors"
                            : "; expected a PEFT folder with it"));
  }
  PeftConfig config = read_peft_config(folder);
  const io::SafetensorsFile file = io::SafetensorsFile::open(tensors);
  LoadedAdapter loaded;
  const Collected found = collect(file, model, config);
  loaded.adapter =
      read_halves(file, found.by_slot, RowOrder::kHuggingFace, model, config.base_model);
  for (const auto& [name, tensor] : found.saved) {
    loaded.saved.emplace_back(name, Tensor::from(read_values(file, *tensor), tensor->shape));
  }
  check_saved(loaded.saved, config, file.name(), model);
  set_scales(config, file.name(), model, loaded.adapter);
  check_magnitudes(config, file.name(), model, loaded.adapter);
  warn_missing(config, file.name(), model, loaded.adapter);
  loaded.warnings = std::move(config.warnings);
  loaded.use_rslora = config.use_rslora;
  loaded.base_model = config.base_model;
  return loaded;
}

}  // namespace ondol::models
