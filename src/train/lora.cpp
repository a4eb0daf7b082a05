#include "train/lora.h"

#include <algorithm>
#include <cmath>
#include <regex>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::train {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[lora] " + what);
}

bool names(const std::string& module, const std::string& target) {
  if (target == "all-linear" || module == target) return true;
  return module.ends_with("." + target);
}

// The module names that differ in the model, without numbers: "q_proj, k_proj, ...".
std::string known_targets(std::span<const LinearSlot> linears) {
  std::vector<std::string> seen;
  for (const LinearSlot& linear : linears) {
    std::string last = linear.module.substr(linear.module.rfind('.') + 1);
    if (std::ranges::find(seen, last) == seen.end()) seen.push_back(std::move(last));
  }
  std::string text;
  for (const std::string& name : seen) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void check_targets(std::span<const LinearSlot> linears, const LoraConfig& config) {
  for (const std::string& target : config.target_modules) {
    const bool found = std::ranges::any_of(
        linears, [&](const LinearSlot& linear) { return names(linear.module, target); });
    if (!found) {
      invalid("target_modules; got '" + target +
              "', which names no linear of this model, expected " + "all-linear or some of " +
              known_targets(linears));
    }
  }
}

// The value of the first pattern that matches the end of a module's name, as PEFT matches them.
template <class T>
T pattern_value(const std::map<std::string, T>& patterns, const std::string& module, T otherwise) {
  for (const auto& [pattern, value] : patterns) {
    try {
      if (std::regex_match(module, std::regex("(.*\\.)?(" + pattern + ")"))) return value;
    } catch (const std::regex_error& error) {
      invalid("pattern '" + pattern + "' is no regular expression (" + error.what() + ")");
    }
  }
  return otherwise;
}

Tensor initial_down(const LoraConfig& config, size_t slot, int64_t inputs, int64_t rank) {
  Tensor down = Tensor::zeros(DType::kF32, {inputs, rank});
  Rng rng(config.seed, slot);
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  for (int64_t i = 0; i < down.size(); ++i) {
    const double value = config.init_lora_weights == LoraInit::kKaiming
                             ? (2 * rng.uniform() - 1) * bound
                             : rng.normal() / static_cast<double>(rank);
    down.data()[i] = static_cast<float>(value);
  }
  return down;
}

void add_slot(const LinearSlot& linear, size_t slot, const LoraConfig& config, Lora& lora) {
  const int64_t rank = pattern_value(config.rank_pattern, linear.module, config.r);
  const double alpha = pattern_value(config.alpha_pattern, linear.module, config.lora_alpha);
  if (rank < 1 || rank > std::min(linear.rows, linear.columns)) {
    invalid("rank of " + linear.module + "; got " + std::to_string(rank) + ", expected 1 to " +
            std::to_string(std::min(linear.rows, linear.columns)));
  }
  ops::LowRank& pair = lora.adapter.by_slot[slot];
  pair.down = initial_down(config, slot, linear.columns, rank);
  pair.up = Tensor::zeros(DType::kF32, {rank, linear.rows});
  const auto ranks = static_cast<double>(rank);
  pair.scale = static_cast<float>(alpha / (config.use_rslora ? std::sqrt(ranks) : ranks));
  lora.ranks[slot] = rank;
  lora.alphas[slot] = alpha;
  lora.parameters.push_back({lora_name(linear, 'A'), pair.down, true, 1});
  lora.parameters.push_back({lora_name(linear, 'B'), pair.up, true, config.loraplus_lr_ratio});
}

}  // namespace

std::string lora_name(const LinearSlot& linear, char matrix) {
  return "base_model.model." + linear.module + ".lora_" + matrix + ".weight";
}

Lora make_lora(std::span<const LinearSlot> linears, const LoraConfig& config) {
  check_targets(linears, config);
  Lora lora;
  lora.adapter.by_slot.resize(linears.size());
  lora.ranks.resize(linears.size());
  lora.alphas.resize(linears.size());
  for (size_t slot = 0; slot < linears.size(); ++slot) {
    const bool wanted = std::ranges::any_of(config.target_modules, [&](const std::string& target) {
      return names(linears[slot].module, target);
    });
    if (wanted) add_slot(linears[slot], slot, config, lora);
  }
  return lora;
}

}  // namespace ondol::train
