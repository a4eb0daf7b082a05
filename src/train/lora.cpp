#include "train/lora.h"

#include <algorithm>
#include <cmath>
#include <regex>

#include "base/error.h"
#include "base/rng.h"
#include "models/adapter_saved.h"
#include "train/pissa.h"

namespace ondol::train {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[lora] " + what);
}

bool names(const std::string& module, const std::string& target) {
  return target == "all-linear" || models::names_module(target, module);
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

Tensor copy_of(const Tensor& tensor) {
  return Tensor::from({tensor.data(), static_cast<size_t>(tensor.size())}, tensor.shape());
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

void check(const LoraConfig& config, const KernelContext* kernel) {
  if (!(config.lora_dropout >= 0 && config.lora_dropout < 1)) {
    invalid("lora_dropout; got " + std::to_string(config.lora_dropout) + ", expected 0 to below 1");
  }
  const bool pissa = config.init_lora_weights == LoraInit::kPissa;
  if (config.use_dora && config.lora_dropout > 0) {
    invalid(
        "use_dora with lora_dropout would take a second product with the whole weight; try "
        "lora_dropout = 0");
  }
  if (config.use_dora && pissa) {
    invalid(
        "use_dora with init_lora_weights = pissa: magnitudes belong to a weight that PiSSA "
        "changes; try one of the two");
  }
  if ((config.use_dora || pissa) && kernel == nullptr) {
    invalid("use_dora and pissa need the machine's kernels to begin with");
  }
}

// Down and up, and what training leaves as it is.
void initialise(const LinearSlot& linear, size_t slot, const LoraConfig& config, int64_t rank,
                const KernelContext* kernel, Lora& lora) {
  ops::LowRank& pair = lora.adapter.by_slot[slot];
  if (config.init_lora_weights != LoraInit::kPissa) {
    pair.down = initial_down(config, slot, linear.columns, rank);
    pair.up = Tensor::zeros(DType::kF32, {rank, linear.rows});
    return;
  }
  PrincipalPair found = principal_pair(
      *kernel, *linear.weight,
      {.rank = rank, .iterations = config.pissa_iterations, .seed = config.seed, .stream = slot});
  const float share = 1 / std::sqrt(pair.scale);
  for (Tensor* half : {&found.down, &found.up}) {
    for (int64_t i = 0; i < half->size(); ++i) half->data()[i] *= share;
  }
  ops::LowRank& fixed = lora.adapter.fixed_by_slot[slot];
  fixed.scale = pair.scale;
  fixed.down = copy_of(found.down);
  fixed.up = copy_of(found.up);
  for (int64_t i = 0; i < fixed.up.size(); ++i) fixed.up.data()[i] = -fixed.up.data()[i];
  pair.down = found.down;
  pair.up = found.up;
}

void add_slot(const LinearSlot& linear, size_t slot, const LoraConfig& config,
              const KernelContext* kernel, Lora& lora) {
  const int64_t rank = pattern_value(config.rank_pattern, linear.module, config.r);
  const double alpha = pattern_value(config.alpha_pattern, linear.module, config.lora_alpha);
  if (rank < 1 || rank > std::min(linear.rows, linear.columns)) {
    invalid("rank of " + linear.module + "; got " + std::to_string(rank) + ", expected 1 to " +
            std::to_string(std::min(linear.rows, linear.columns)));
  }
  ops::LowRank& pair = lora.adapter.by_slot[slot];
  const auto ranks = static_cast<double>(rank);
  pair.scale = static_cast<float>(alpha / (config.use_rslora ? std::sqrt(ranks) : ranks));
  if (config.init_lora_weights == LoraInit::kPissa && !(pair.scale > 0)) {
    invalid("lora_alpha of " + linear.module + "; PiSSA needs one above 0");
  }
  initialise(linear, slot, config, rank, kernel, lora);
  lora.ranks[slot] = rank;
  lora.alphas[slot] = alpha;
  lora.parameters.push_back({lora_name(linear, 'A'), pair.down, true, 1});
  lora.parameters.push_back({lora_name(linear, 'B'), pair.up, true, config.loraplus_lr_ratio});
  if (!config.use_dora) return;
  // Vectors learn at the rate of B, as PEFT's LoRA+ groups them.
  pair.lengths = ops::row_lengths(*kernel, *linear.weight, pair);
  pair.magnitude = copy_of(pair.lengths);
  lora.parameters.push_back(
      {magnitude_name(linear), pair.magnitude, false, config.loraplus_lr_ratio});
}

// `from` as columns (axis 1) or rows (axis 0) behind those of `to`.
Tensor joined(const Tensor& a, const Tensor& b, size_t axis) {
  Shape shape = a.shape();
  shape[axis] += b.dim(axis);
  Tensor out = Tensor::zeros(DType::kF32, shape);
  const int64_t rows = axis == 0 ? 1 : a.dim(0);
  const int64_t wide = a.size() / rows, other = b.size() / rows;
  for (int64_t row = 0; row < rows; ++row) {
    float* to = out.data() + row * (wide + other);
    std::copy_n(a.data() + row * wide, wide, to);
    std::copy_n(b.data() + row * other, other, to + wide);
  }
  return out;
}

// The opposite.
void split(const Tensor& both, size_t axis, Tensor& a, Tensor& b) {
  const int64_t rows = axis == 0 ? 1 : a.dim(0);
  const int64_t wide = a.size() / rows, other = b.size() / rows;
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = both.data() + row * (wide + other);
    std::copy_n(from, wide, a.data() + row * wide);
    std::copy_n(from + wide, other, b.data() + row * other);
  }
}

bool same_shape(const Tensor& a, const Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || a.shape() == b.shape());
}

}  // namespace

std::string lora_name(const LinearSlot& linear, char matrix) {
  return "base_model.model." + linear.module + ".lora_" + matrix + ".weight";
}

std::string magnitude_name(const LinearSlot& linear) {
  return "base_model.model." + linear.module + ".lora_magnitude_vector";
}

Lora make_lora(std::span<const LinearSlot> linears, const LoraConfig& config,
               const KernelContext* kernel) {
  check(config, kernel);
  check_targets(linears, config);
  Lora lora;
  lora.adapter.by_slot.resize(linears.size());
  if (config.init_lora_weights == LoraInit::kPissa) {
    lora.adapter.fixed_by_slot.resize(linears.size());
  }
  lora.ranks.resize(linears.size());
  lora.alphas.resize(linears.size());
  lora.dropout = config.lora_dropout;
  lora.seed = config.seed;
  for (size_t slot = 0; slot < linears.size(); ++slot) {
    const bool wanted = std::ranges::any_of(config.target_modules, [&](const std::string& target) {
      return names(linears[slot].module, target);
    });
    if (wanted) add_slot(linears[slot], slot, config, kernel, lora);
  }
  return lora;
}

void refresh_lengths(Lora& lora, std::span<const LinearSlot> linears, const KernelContext& kernel) {
  for (size_t slot = 0; slot < linears.size(); ++slot) {
    ops::LowRank& pair = lora.adapter.by_slot[slot];
    if (!pair.magnitude.defined()) continue;
    pair.lengths = ops::row_lengths(kernel, *linears[slot].weight, pair);
  }
}

Adapter file_adapter(const Lora& lora) {
  Adapter file{lora.adapter.by_slot};
  for (size_t slot = 0; slot < lora.adapter.fixed_by_slot.size(); ++slot) {
    const ops::LowRank& fixed = lora.adapter.fixed_by_slot[slot];
    if (!fixed.down.defined()) continue;
    ops::LowRank& pair = file.by_slot[slot];
    pair.down = joined(pair.down, fixed.down, 1);
    pair.up = joined(pair.up, fixed.up, 0);
  }
  return file;
}

void restore_lora(Lora& lora, std::span<const LinearSlot> linears, const Adapter& file) {
  const Adapter own = file_adapter(lora);
  for (size_t slot = 0; slot < linears.size(); ++slot) {
    const ops::LowRank &from = file.by_slot[slot], &now = own.by_slot[slot];
    if (!same_shape(from.down, now.down) || !same_shape(from.up, now.up) ||
        !same_shape(from.magnitude, now.magnitude)) {
      invalid("the checkpoint's adapter of " + linears[slot].module +
              " is of another rank, kind or target than the settings say; try the settings it was "
              "begun with (config.toml)");
    }
  }
  Tensor none = Tensor::zeros(DType::kF32, {0});
  for (size_t slot = 0; slot < linears.size(); ++slot) {
    const ops::LowRank& from = file.by_slot[slot];
    ops::LowRank& to = lora.adapter.by_slot[slot];
    if (!to.down.defined()) continue;
    const bool pair = !lora.adapter.fixed_by_slot.empty();
    ops::LowRank* fixed = pair ? &lora.adapter.fixed_by_slot[slot] : nullptr;
    split(from.down, 1, to.down, fixed ? fixed->down : none);
    split(from.up, 0, to.up, fixed ? fixed->up : none);
    if (to.magnitude.defined()) {
      std::copy_n(from.magnitude.data(), from.magnitude.size(), to.magnitude.data());
    }
  }
}

}  // namespace ondol::train
