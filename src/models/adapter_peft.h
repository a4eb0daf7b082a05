// PEFT's adapter_config.json. Internal to the room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ondol::models {

inline constexpr const char* kPeftConfigFile = "adapter_config.json";
inline constexpr const char* kPeftTensorFile = "adapter_model.safetensors";
inline constexpr std::string_view kPeftPrefix = "base_model.model.";  // of every tensor

struct PeftConfig {
  int64_t r = 0;
  double alpha = 0;
  bool use_rslora = false;
  bool use_dora = false;
  std::string base_model;                             // empty: none
  std::vector<std::pair<std::regex, int64_t>> ranks;  // the first that matches counts
  std::vector<std::pair<std::regex, double>> alphas;  // likewise
  std::vector<std::string> targets;                   // where they are a list as it stands
  std::vector<std::string> saved_modules;             // modules_to_save, names or their ends
  bool ensure_weight_tying = false;
  std::vector<std::string> warnings;  // of keys that nothing here knows

  int64_t rank_of(const std::string& module) const;
  double alpha_of(const std::string& module) const;
};

// Throws Error(kCorruptData) for wrong values, Error(kUnsupported) for what would change the result
// and is not applied here.
PeftConfig read_peft_config(const std::filesystem::path& folder);

}  // namespace ondol::models
