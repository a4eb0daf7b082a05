// Learning rate schedules: the factor of every step. The shapes and names of transformers'
// get_scheduler; one row each (schedule.cpp).
//
//   Schedule schedule({.lr_scheduler_type = "cosine", .warmup_steps = 0.03}, total_steps);
//   optimizer->step(context, parameters, gradients, learning_rate * schedule.factor(step));
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ondol::train {

// Step counts below 1 are shares of all steps, rounded up.
struct ScheduleConfig {
  std::string lr_scheduler_type = "linear";
  double warmup_steps = 0;            // from 0 up to 1 in equal steps; not of "constant"
  double min_lr_rate = 0;             // where the cosine with a minimum and warmup_stable_decay end
  double num_decay_steps = 0.1;       // warmup_stable_decay: the steps of its end
  std::string decay_type = "cosine";  // their shape: linear, cosine, 1-sqrt
};

class Schedule {
 public:
  // Throws Error(kInvalidArgument): an unknown name (with the nearest), values out of range,
  // warm-up and decay that do not fit into the steps.
  Schedule(const ScheduleConfig& config, int64_t total_steps);

  // step: optimizer steps done before. After the last step: what the last one would be.
  double factor(int64_t step) const;

  struct Steps {
    double warmup, total, decay;
    double least;                    // min_lr_rate
    double (*end)(double progress);  // of warmup_stable_decay: from 1 at 0 to 0 at 1
  };
  struct Row {
    std::string_view name;
    std::string_view summary;
    bool warms_up;
    double (*after_warmup)(double step, const Steps& steps);
  };
  static std::span<const Row> rows();

 private:
  const Row* row_;
  Steps steps_;
};

}  // namespace ondol::train
