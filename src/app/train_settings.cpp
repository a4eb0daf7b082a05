#include "app/train_settings.h"

#include <fmt/format.h>

#include "base/error.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

// The levels of gradient_checkpointing that may be taken, in this order.
std::vector<ops::Recompute> recompute_levels(const TrainFields& f) {
  const auto& all = ops::kRecomputeLevels;
  if (f.gradient_checkpointing == "auto") return {all.begin(), all.end()};
  const auto level = ops::recompute_named(f.gradient_checkpointing);
  if (!level) {
    invalid("gradient_checkpointing; got '" + f.gradient_checkpointing +
            "', expected off, attention, layers or auto");
  }
  return {*level};
}

}  // namespace

train::TrainConfig loop_config(const TrainFields& f) {
  train::TrainConfig config;
  config.learning_rate = f.learning_rate;
  config.num_train_epochs = f.num_train_epochs;
  config.max_steps = f.max_steps;
  config.per_device_train_batch_size = f.per_device_train_batch_size;
  config.gradient_accumulation_steps = f.gradient_accumulation_steps;
  config.max_length = f.max_length;
  config.packing = f.packing;
  config.max_grad_norm = f.max_grad_norm;
  config.label_smoothing_factor = f.label_smoothing_factor;
  config.seed = static_cast<uint64_t>(f.seed);
  config.optimizer.name = f.optim;
  config.optimizer.beta1 = f.adam_beta1;
  if (f.optim != "lion") config.optimizer.beta2 = f.adam_beta2;
  config.optimizer.epsilon = f.adam_epsilon;
  config.optimizer.weight_decay = f.weight_decay;
  config.schedule.lr_scheduler_type = f.lr_scheduler_type;
  config.schedule.warmup_steps = f.warmup_steps;
  return config;
}

train::MemoryPlan plan_that_fits(const TrainFields& fields, int64_t available,
                                 const std::function<train::MemoryPlan(ops::Recompute)>& plan_at) {
  const auto fits = [&](const train::MemoryPlan& plan) {
    return available <= 0 || plan.to_come() <= available;
  };
  train::MemoryPlan plan;
  for (const ops::Recompute level : recompute_levels(fields)) {
    plan = plan_at(level);
    if (fits(plan)) return plan;
  }
  const bool helps = fits(plan_at(ops::Recompute::kLayers));
  invalid(fmt::format(
      "a micro-batch of {} packs of {} tokens does not fit: {}, of which {} MiB are to come and {} "
      "MiB are left; try {}--max-length {} or fewer --per-device-train-batch-size",
      fields.per_device_train_batch_size, fields.max_length, plan.text(), plan.to_come() >> 20,
      available >> 20, helps ? "--gradient-checkpointing layers, " : "", fields.max_length / 2));
}

}  // namespace ondol::app
