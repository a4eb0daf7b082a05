// LoRA adapters (Hu et al., "LoRA: low-rank adaptation of large language models", 2021) as PEFT
// defines them: which linears get one, their ranks and scales, how they begin.
//
//   LoraConfig config{.r = 16, .lora_alpha = 32};
//   Lora lora = make_lora(model.linears, config);   // the model is unchanged at first
//   slice.adapter = &lora.adapter;                  // unmerged, an attribute of a sequence
//   for (Parameter& p : lora.parameters) ...        // what an optimizer changes
//   refresh_lengths(lora, model.linears, kernel);   // after it did (DoRA)
//   write_peft_adapter("out", model, file_adapter(lora), {});
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
  // Meng et al., "PiSSA", 2024: down and up are the principal part of the weight, which is taken
  // away from it. The base stays as it is: what is taken away is Adapter::fixed_by_slot, and files
  // hold both as one LoRA of twice the rank, as PEFT converts it.
  kPissa,
};

// Field names and defaults are PEFT's but for r, lora_alpha and target_modules.
struct LoraConfig {
  int64_t r = 16;
  double lora_alpha = 32;
  bool use_rslora = false;  // scale alpha / sqrt(r) instead of alpha / r
  LoraInit init_lora_weights = LoraInit::kKaiming;
  int64_t pissa_iterations = 16;  // of the randomised singular value decomposition
  // A magnitude for every output beside the matrices (DoRA, ops/low_rank.h).
  bool use_dora = false;
  double lora_dropout = 0;  // share of the adapters' inputs that are zero in training
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
  std::vector<Parameter> parameters;  // of every target, in the order of the slots
  std::vector<int64_t> ranks;         // by slot; 0: not a target
  std::vector<double> alphas;         // by slot
  double dropout = 0;
  uint64_t seed = 42;  // of dropout
};

// `kernel` is what DoRA and PiSSA are computed with; others need none. Throws
// Error(kInvalidArgument): a rank below 1 or above the matrix, a target that matches no linear
// (names the nearest), a pattern that is no regular expression, DoRA together with dropout or
// PiSSA, a dropout outside [0, 1).
Lora make_lora(std::span<const LinearSlot> linears, const LoraConfig& config,
               const KernelContext* kernel = nullptr);

// DoRA's lengths follow what down and up are now; nothing for others.
void refresh_lengths(Lora& lora, std::span<const LinearSlot> linears, const KernelContext& kernel);

// As files hold it: PiSSA as a LoRA of twice the rank, others as they are (tensors are shared).
Adapter file_adapter(const Lora& lora);

// The values of what file_adapter() gave of the same configuration. Throws Error(kInvalidArgument)
// when ranks or targets are others. Lengths are not refreshed.
void restore_lora(Lora& lora, std::span<const LinearSlot> linears, const Adapter& file);

// PEFT's name of a slot's matrices: "base_model.model.<module>.lora_A.weight".
std::string lora_name(const LinearSlot& linear, char matrix);
std::string magnitude_name(const LinearSlot& linear);

}  // namespace ondol::train
