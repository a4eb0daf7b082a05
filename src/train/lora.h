// LoRA adapters (Hu et al., "LoRA: low-rank adaptation of large language models", 2021) as PEFT
// defines them: which linears get one, their ranks and scales, how they begin.
//
//   LoraConfig config{.r = 16, .lora_alpha = 32};
//   Lora lora = make_lora(model.linears, config);   // up is zero: the model is unchanged at first
//   slice.adapter = &lora.adapter;                  // unmerged, an attribute of a sequence
//   for (Parameter& p : lora.parameters) ...        // what an optimizer changes
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/parameter.h"

namespace ondol::train {

enum class LoraInit : uint8_t {
  kKaiming,   // down uniform in +-1/sqrt(K) (PEFT's default)
  kGaussian,  // down normal with deviation 1/r
};

// Field names and defaults are PEFT's but for r, lora_alpha and target_modules.
struct LoraConfig {
  int64_t r = 16;
  double lora_alpha = 32;
  bool use_rslora = false;  // scale alpha / sqrt(r) instead of alpha / r
  LoraInit init_lora_weights = LoraInit::kKaiming;
  // Module names or their last parts ("q_proj"); "all-linear" is every linear.
  std::vector<std::string> target_modules = {"all-linear"};
  // Regular expressions on module names (matched at their end, behind a dot): another rank or
  // alpha.
  std::map<std::string, int64_t> rank_pattern = {};
  std::map<std::string, double> alpha_pattern = {};
  double loraplus_lr_ratio = 1;  // the learning rate of `up` over that of `down` (LoRA+)
  uint64_t seed = 42;
};

struct Lora {
  Adapter adapter;
  std::vector<Parameter> parameters;  // down and up of every target, in the order of the slots
  std::vector<int64_t> ranks;         // by slot; 0: not a target
  std::vector<double> alphas;         // by slot
};

// Throws Error(kInvalidArgument): a rank below 1 or above the matrix, a target that matches no
// linear (names the nearest), a pattern that is no regular expression.
Lora make_lora(std::span<const LinearSlot> linears, const LoraConfig& config);

// PEFT's name of a slot's matrices: "base_model.model.<module>.lora_A.weight".
std::string lora_name(const LinearSlot& linear, char matrix);

}  // namespace ondol::train
