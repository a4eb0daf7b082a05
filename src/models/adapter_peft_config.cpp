// What a PEFT config may ask for is far more than LoRA: everything that would change the result and
// is not applied here is an error, what nothing here knows is a warning.
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "io/byte_cursor.h"
#include "models/adapter_parts.h"
#include "models/adapter_peft.h"

namespace ondol::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;  // patterns apply in the order of the file

constexpr size_t kConfigBytesMax = size_t{1} << 20;
constexpr size_t kPatternBytesMax = 512;
constexpr size_t kPatternsMax = 4096;
constexpr int64_t kRankMax = 1 << 20;

struct Unsupported {
  const char* key;
  const char* meaning;
};
// Keys whose absent, null, false, empty or "none" value alone can be served.
constexpr std::array<Unsupported, 14> kUnsupported = {{
    {"bias", "trained biases are not applied here"},
    {"lora_bias", "biases of lora_B are not applied here"},
    {"fan_in_fan_out", "transposed weights (GPT-2's) are not applied here"},
    {"layer_replication", "repeated layers are not built here"},
    {"trainable_token_indices", "trained rows of the embedding are not applied here"},
    {"target_parameters", "matrices on parameters that are no linears are not applied here"},
    {"use_qalora", "QALoRA's pooled input is not applied here"},
    {"use_bdlora", "block-diagonal matrices are not applied here"},
    {"arrow_config", "routing between adapters is not applied here"},
    {"alora_invocation_tokens", "an adapter that begins at given tokens is not applied here"},
    {"velora_config", "VeLoRA is not applied here"},
    {"monteclora_config", "MonteCLoRA is not applied here"},
    {"kasa_config", "KaSA is not applied here"},
    {"megatron_config", "Megatron's parallel linears are not applied here"},
}};
// Keys that are read, or that only say how it was trained.
constexpr std::array kHarmless = {"task_type",
                                  "peft_type",
                                  "auto_mapping",
                                  "peft_version",
                                  "base_model_name_or_path",
                                  "revision",
                                  "inference_mode",
                                  "r",
                                  "lora_alpha",
                                  "target_modules",
                                  "exclude_modules",
                                  "lora_dropout",
                                  "use_rslora",
                                  "use_dora",
                                  "rank_pattern",
                                  "alpha_pattern",
                                  "init_lora_weights",
                                  "loftq_config",
                                  "eva_config",
                                  "corda_config",
                                  "lora_ga_config",
                                  "layers_pattern",
                                  "megatron_core",
                                  "qalora_group_size",
                                  "runtime_config",
                                  "layers_to_transform",
                                  "modules_to_save",
                                  "ensure_weight_tying"};
// Initialisations that leave the base as it is; others (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) train
// on a changed base, to which the matrices belong.
constexpr std::array kPlainInits = {"gaussian", "eva", "orthogonal", "kaiming"};

bool is_default(const Json& value) {
  return value.is_null() || value == false || value == "none" ||
         ((value.is_array() || value.is_object()) && value.empty());
}

std::string shown(const Json& value) {
  return io::printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Reads the config with checks; one object a file.
class ConfigReader {
 public:
  ConfigReader(const fs::path& folder) : where_((folder / kPeftConfigFile).string()) {
    const std::string text = read_file(where_, kConfigBytesMax);
    json_ = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json_.is_object()) corrupt_adapter(where_, "it is no JSON object");
  }

  PeftConfig read() {
    refuse();
    PeftConfig config;
    config.r = rank(at("r"), "r");
    config.alpha = number(at("lora_alpha"), "lora_alpha");
    config.use_rslora = flag("use_rslora");
    config.use_dora = flag("use_dora");
    if (const Json& base = at("base_model_name_or_path"); base.is_string()) {
      config.base_model = base.get<std::string>();
    }
    patterns("rank_pattern", config.ranks,
             [&](const Json& v, const char* key) { return rank(v, key); });
    patterns("alpha_pattern", config.alphas,
             [&](const Json& v, const char* key) { return number(v, key); });
    read_targets(config);
    config.ensure_weight_tying = flag("ensure_weight_tying");
    read_saved(config);
    warn_unknown(config);
    return config;
  }

 private:
  const Json& at(const char* key) const {
    static const Json kNone;
    const auto found = json_.find(key);
    return found == json_.end() ? kNone : *found;
  }
  [[noreturn]] void wrong(const std::string& key, const Json& got, const char* expected) const {
    corrupt_adapter(where_, key + "; got " + shown(got) + ", expected " + expected);
  }
  int64_t rank(const Json& value, const char* key) const {
    if (!value.is_number_integer() || value < 1 || value > kRankMax) {
      wrong(key, value, "a whole number of 1 or more");
    }
    return value.get<int64_t>();
  }
  bool flag(const char* key) const {
    const Json& value = at(key);
    if (!is_default(value) && value != true) wrong(key, value, "true or false");
    return value == true;
  }
  double number(const Json& value, const char* key) const {
    if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(key, value, "a number");
    return value.get<double>();
  }

  void refuse() const {
    const Json& type = at("peft_type");
    if (type != "LORA") {
      unsupported_adapter(where_, "peft_type; got " + shown(type) + ", expected \"LORA\"");
    }
    for (const Unsupported& row : kUnsupported) {
      if (is_default(at(row.key))) continue;
      unsupported_adapter(where_, std::string(row.key) + "; got " + shown(at(row.key)) +
                                      ", expected none: " + row.meaning);
    }
    const Json& init = at("init_lora_weights");
    const bool plain = init.is_null() || init.is_boolean() ||
                       std::ranges::any_of(kPlainInits, [&](const char* k) { return init == k; });
    if (!plain) {
      unsupported_adapter(where_, "init_lora_weights; got " + shown(init) +
                                      ", expected true, false or gaussian: its base was changed "
                                      "before the training");
    }
  }

  template <class T, class Read>
  void patterns(const char* key, std::vector<std::pair<std::regex, T>>& out, Read read) const {
    const Json& table = at(key);
    if (is_default(table)) return;
    if (!table.is_object() || table.size() > kPatternsMax) wrong(key, table, "a small object");
    for (const auto& [pattern, value] : table.items()) {
      out.emplace_back(compile(key, pattern), read(value, key));
    }
  }
  // As PEFT matches them: the whole name, or what follows one of its dots.
  std::regex compile(const char* key, const std::string& pattern) const {
    if (pattern.size() > kPatternBytesMax)
      corrupt_adapter(where_, std::string(key) + " is too long");
    try {
      auto flags = std::regex::ECMAScript;
#ifdef __GLIBCXX__
      flags |= std::regex_constants::__polynomial;  // no pattern takes exponential time
#endif
      return std::regex("(?:.*\\.)?(?:" + pattern + ")", flags);
    } catch (const std::regex_error& error) {
      corrupt_adapter(where_, std::string(key) + "; got '" + io::printable(pattern) +
                                  "', expected a regular expression (" + error.what() + ")");
    }
  }

  void read_targets(PeftConfig& config) const {
    const Json& targets = at("target_modules");
    if (!targets.is_array() || !is_default(at("layers_to_transform")) ||
        !is_default(at("exclude_modules"))) {
      return;
    }
    for (const Json& target : targets) {
      if (target.is_string()) config.targets.push_back(target.get<std::string>());
    }
  }

  void read_saved(PeftConfig& config) const {
    const Json& modules = at("modules_to_save");
    if (is_default(modules)) return;
    if (!modules.is_array()) wrong("modules_to_save", modules, "a list of names");
    for (const Json& module : modules) {
      if (!module.is_string() || module.get_ref<const std::string&>().empty()) {
        wrong("modules_to_save", module, "a name");
      }
      config.saved_modules.push_back(module.get<std::string>());
    }
  }

  void warn_unknown(PeftConfig& config) const {
    for (const auto& [key, value] : json_.items()) {
      const bool known =
          std::ranges::any_of(kHarmless, [&](const char* k) { return key == k; }) ||
          std::ranges::any_of(kUnsupported, [&](const Unsupported& u) { return key == u.key; });
      if (known || is_default(value)) continue;
      config.warnings.push_back(where_ + ": '" + io::printable(key) + "' = " + shown(value) +
                                " is not known here and was not used");
    }
  }

  std::string where_;
  Json json_;
};

template <class T>
T of_module(const std::vector<std::pair<std::regex, T>>& patterns, const std::string& module,
            T otherwise) {
  for (const auto& [pattern, value] : patterns) {
    if (std::regex_match(module, pattern)) return value;
  }
  return otherwise;
}

}  // namespace

int64_t PeftConfig::rank_of(const std::string& module) const { return of_module(ranks, module, r); }

double PeftConfig::alpha_of(const std::string& module) const {
  return of_module(alphas, module, alpha);
}

PeftConfig read_peft_config(const fs::path& folder) { return ConfigReader(folder).read(); }

}  // namespace ondol::models
