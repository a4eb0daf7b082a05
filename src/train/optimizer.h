// Optimizers: from gradients to new parameters. One row a method (optimizer.cpp), one file each
// (optimizers/).
//
//   auto optimizer = make_optimizer({.name = "adamw_torch", .weight_decay = 0.01}, parameters);
//   const double norm = clip_gradients(context, gradients, 1.0);
//   optimizer->step(context, parameters, gradients, schedule.factor(step) * learning_rate);
//
// Parameters and gradients are f32 and contiguous, in the same order at every call. The same bits
// for every thread count. State is kept from step to step and can be saved and restored to the bit.
// Formulas and defaults are those of PyTorch and transformers of the same name.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/kernels.h"
#include "train/parameter.h"

namespace ondol::train {

struct OptimizerConfig {
  std::string name = "adamw_torch";
  double beta1 = 0.9;
  std::optional<double> beta2;  // unset: 0.999, Lion 0.99
  double epsilon = 1e-8;
  double weight_decay = 0;         // of parameters that take it (Parameter::decay)
  std::optional<double> momentum;  // unset: SGD 0, Muon 0.95
  bool nesterov = true;            // Muon
  // Muon's step of an [m, n] matrix: "match_rms_adamw" (0.2 sqrt(max(m, n)): a learning rate that
  // suits AdamW suits it) or "original" (sqrt(max(1, m / n))).
  std::string muon_scale = "match_rms_adamw";
};

using NamedTensor = std::pair<std::string, Tensor>;

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // gradients[i] belongs to parameters[i]. The learning rate of a parameter is `learning_rate`
  // times its own factor.
  void step(const KernelContext& context, std::span<Parameter> parameters,
            std::span<const Tensor> gradients, double learning_rate);

  int64_t steps() const { return steps_; }
  // "step" (one i64) and "<parameter>.exp_avg" ...; tensors share the optimizer's memory.
  std::vector<NamedTensor> state() const;
  // What state() gave of an optimizer with the same configuration and parameters; anything else is
  // Error(kCorruptData) that names the tensor, and nothing is changed.
  void restore(std::span<const NamedTensor> state);
  size_t bytes() const;  // of the state

 protected:
  Optimizer() = default;

  struct Slot {  // state of one parameter
    std::string name;
    Shape shape;
    std::vector<NamedTensor> tensors;
  };
  struct Update {
    const KernelContext& context;
    float* value;
    const float* gradient;
    int64_t count;
    double rate;   // learning rate
    double decay;  // weight decay, 0 where it does not apply
    int64_t step;  // 1 for the first
    Slot& slot;
    float* state(size_t i) const { return slot.tensors[i].second.data(); }
  };
  struct StateTensor {
    const char* name;
    DType dtype;
    Shape shape;
  };

 private:
  friend std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                                   std::span<const Parameter> parameters);
  virtual std::vector<StateTensor> layout(const std::string& name, const Shape& shape) const = 0;
  virtual void update(const Update& u) = 0;

  std::vector<Slot> slots_;
  double weight_decay_ = 0;
  int64_t steps_ = 0;
};

// Throws Error(kInvalidArgument): an unknown name (with the nearest), a value out of its range, two
// parameters of one name.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          std::span<const Parameter> parameters);

struct OptimizerRow {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Optimizer> (*make)(const OptimizerConfig& config);
};
std::span<const OptimizerRow> optimizer_rows();

// The norm of all gradients together, in double; where it is above max_norm (> 0) they are scaled
// by max_norm / (norm + 1e-6), as PyTorch does. A norm that is not finite changes nothing: the
// caller stops.
double clip_gradients(const KernelContext& context, std::span<Tensor> gradients, double max_norm);

}  // namespace ondol::train
