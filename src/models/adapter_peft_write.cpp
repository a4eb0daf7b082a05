// Writes PEFT folders.
#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "io/safetensors_writer.h"
#include "models/adapter_parts.h"
#include "models/adapter_peft.h"
#include "models/adapter_saved.h"

namespace ondol::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;  // keys sorted, as PEFT writes them

// The shortest keys that say which modules have which value: the last part of a name where all
// modules that end in it agree, else whole names.
template <class T>
Json pattern_table(const std::vector<std::pair<std::string, T>>& by_module, T common) {
  const auto last = [](const std::string& module) { return module.substr(module.rfind('.') + 1); };
  std::map<std::string, std::set<T>> by_last;
  for (const auto& [module, value] : by_module) by_last[last(module)].insert(value);
  std::map<std::string, T> keys;
  for (const auto& [module, value] : by_module) {
    const bool agree = by_last[last(module)].size() == 1;
    if (!agree || value != common) keys[agree ? last(module) : module] = value;
  }
  Json table = Json::object();
  for (const auto& [key, value] : keys) table[key] = value;
  return table;
}

// The alpha that gives this scale again: a whole number where one does.
double alpha_of(const ops::LowRank& pair, bool use_rslora) {
  const auto rank = static_cast<double>(pair.down.dim(1));
  const double divisor = use_rslora ? std::sqrt(rank) : rank;
  const double alpha = static_cast<double>(pair.scale) * divisor;
  const double whole = std::round(alpha);
  return static_cast<float>(whole / divisor) == pair.scale ? whole : alpha;
}

Json alpha_json(const Json& value) {
  const double number = value.get<double>();
  const bool whole = number == std::round(number) && std::abs(number) < 1e15;
  return whole ? Json(static_cast<int64_t>(number)) : value;
}

// target_modules: last parts of names, or whole names where a last part would name more.
std::set<std::string> target_modules(const Model& model, const Adapter& adapter) {
  std::set<std::string> last_parts, whole, others;
  for (size_t i = 0; i < model.linears.size(); ++i) {
    const std::string& module = model.linears[i].module;
    const std::string last = module.substr(module.rfind('.') + 1);
    if (i < adapter.by_slot.size() && adapter.by_slot[i].down.defined()) {
      last_parts.insert(last);
      whole.insert(module);
    } else {
      others.insert(last);
    }
  }
  const bool ambiguous = std::ranges::any_of(
      last_parts, [&](const std::string& last) { return others.contains(last); });
  return ambiguous ? whole : last_parts;
}

// Whether it is a DoRA adapter.
bool has_magnitudes(const Model& model, const Adapter& adapter) {
  bool with = false;
  std::string without;  // one that has none
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    const ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.down.defined()) continue;
    if (pair.magnitude.defined()) {
      with = true;
    } else {
      without = model.linears.at(i).module;
    }
  }
  if (with && !without.empty()) {
    throw Error(ErrorCode::kUnsupported, "[adapter] " + without +
                                             " has no magnitudes and others have; a PEFT folder "
                                             "holds them for all matrices or for none");
  }
  return with;
}

std::string config_text(const Model& model, const Adapter& adapter,
                        const PeftWriteOptions& options) {
  std::vector<std::pair<std::string, int64_t>> ranks;
  std::vector<std::pair<std::string, double>> alphas;
  std::vector<double> rank_values, alpha_values;
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    const ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.down.defined()) continue;
    const std::string& module = model.linears.at(i).module;
    ranks.emplace_back(module, pair.down.dim(1));
    alphas.emplace_back(module, alpha_of(pair, options.use_rslora));
    rank_values.push_back(static_cast<double>(ranks.back().second));
    alpha_values.push_back(alphas.back().second);
  }
  const auto r = static_cast<int64_t>(most_common(rank_values));
  const double alpha = most_common(alpha_values);
  Json alpha_pattern = pattern_table(alphas, alpha);
  for (auto& [key, value] : alpha_pattern.items()) value = alpha_json(value);
  std::vector<std::string> modules;
  for (const auto& [name, tensor] : options.saved) {
    modules.push_back(name.substr(0, name.rfind('.')));
  }
  const Json base = options.base_model.empty() ? Json(nullptr) : Json(options.base_model);
  const Json config = {
      {"alpha_pattern", alpha_pattern},
      {"auto_mapping", nullptr},
      {"base_model_name_or_path", base},
      {"bias", "none"},
      {"ensure_weight_tying", !modules.empty() && tied_head(model)},
      {"fan_in_fan_out", false},
      {"inference_mode", true},
      {"init_lora_weights", true},
      {"lora_alpha", alpha_json(alpha)},
      {"lora_dropout", options.lora_dropout},
      {"modules_to_save", modules.empty() ? Json(nullptr) : Json(modules)},
      {"peft_type", "LORA"},
      {"r", r},
      {"rank_pattern", pattern_table(ranks, r)},
      {"revision", nullptr},
      {"target_modules", target_modules(model, adapter)},
      {"task_type", model.decoder ? Json("CAUSAL_LM") : Json("FEATURE_EXTRACTION")},
      {"use_dora", has_magnitudes(model, adapter)},
      {"use_rslora", options.use_rslora}};
  return config.dump(2) + "\n";
}

void write_files(const fs::path& folder, const Model& model, const Adapter& adapter,
                 const PeftWriteOptions& options) {
  io::SafetensorsWriter writer;
  writer.set_metadata("format", "pt");
  const auto tensors = peft_tensors(model, adapter, options);  // the writer reads them at its end
  for (const auto& [name, tensor] : tensors) {
    writer.add_tensor(name, DType::kF32, tensor.shape(), tensor.bytes());
  }
  writer.write(folder / kPeftTensorFile);
  write_file_atomic(folder / kPeftConfigFile, config_text(model, adapter, options));
}

[[noreturn]] void cannot_write(const fs::path& folder, const std::string& why) {
  throw Error(ErrorCode::kResourceExhausted,
              "[adapter] cannot write the folder '" + folder.string() + "': " + why);
}

// Puts a folder with everything of the old one and the new adapter in its place in one step.
void replace_folder(const fs::path& folder, const Model& model, const Adapter& adapter,
                    const PeftWriteOptions& options) {
  const fs::path fresh = folder.parent_path() / ("." + folder.filename().string() + ".new");
  std::error_code failed;
  fs::remove_all(fresh, failed);
  fs::copy(folder, fresh, fs::copy_options::recursive, failed);
  if (failed) cannot_write(fresh, failed.message());
  write_files(fresh, model, adapter, options);
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
    cannot_write(folder, std::generic_category().message(errno));
  }
  fs::remove_all(fresh, failed);
}

}  // namespace
}  // namespace ondol::models

namespace ondol {

std::vector<std::pair<std::string, Tensor>> peft_tensors(const Model& model, const Adapter& adapter,
                                                         const PeftWriteOptions& options) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (size_t i = 0; i < adapter.by_slot.size(); ++i) {
    const ops::LowRank& pair = adapter.by_slot[i];
    if (!pair.down.defined()) continue;
    const LinearSlot& slot = model.linears.at(i);
    const std::string name = std::string(models::kPeftPrefix) + slot.module;
    const int64_t rank = pair.down.dim(1);
    tensors.emplace_back(name + ".lora_A.weight",
                         Tensor::from(models::lora_a_of(pair), {rank, slot.columns}));
    tensors.emplace_back(name + ".lora_B.weight",
                         Tensor::from(models::lora_b_of(pair, slot, models::RowOrder::kHuggingFace),
                                      {slot.rows, rank}));
    if (!pair.magnitude.defined()) continue;
    const std::vector<float> magnitude =
        models::magnitude_of(pair, slot, models::RowOrder::kHuggingFace);
    tensors.emplace_back(name + ".lora_magnitude_vector", Tensor::from(magnitude, {slot.rows}));
  }
  for (const auto& [name, tensor] : options.saved) {
    tensors.emplace_back(std::string(models::kPeftPrefix) + name, tensor);
    if (name == "model.embed_tokens.weight" && models::tied_head(model)) {
      tensors.emplace_back(std::string(models::kPeftPrefix) + "lm_head.weight", tensor);
    }
  }
  return tensors;
}

std::string peft_config(const Model& model, const Adapter& adapter,
                        const PeftWriteOptions& options) {
  return models::config_text(model, adapter, options);
}

void write_peft_adapter(const std::filesystem::path& path, const Model& model,
                        const Adapter& adapter, const PeftWriteOptions& options) {
  const bool any = std::ranges::any_of(
      adapter.by_slot, [](const ops::LowRank& pair) { return pair.down.defined(); });
  if (!any) {
    throw Error(ErrorCode::kInvalidArgument,
                "[adapter] " + path.string() + ": the adapter adds to no linear");
  }
  const std::filesystem::path folder =
      path.has_filename() ? path : path.parent_path();  // "out/" is "out"
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) models::cannot_write(folder, failed.message());
  if (std::filesystem::exists(folder / models::kPeftConfigFile, failed)) {
    models::replace_folder(std::filesystem::absolute(folder), model, adapter, options);
  } else {
    models::write_files(folder, model, adapter, options);  // the config last: it makes the adapter
  }
}

}  // namespace ondol
