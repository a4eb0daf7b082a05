// What the fields of a run mean to the loop: its settings, and how much it keeps in memory.
#pragma once

#include <functional>

#include "app/train_fields.h"
#include "train/memory_plan.h"
#include "train/trainer.h"

namespace ondol::app {

train::TrainConfig loop_config(const TrainFields& fields);

// Of the levels that gradient_checkpointing allows, the first whose plan fits into `available`
// bytes (0: not known, so the first). Throws Error(kInvalidArgument): no such level, or none fits
// (says what to change).
train::MemoryPlan plan_that_fits(const TrainFields& fields, int64_t available,
                                 const std::function<train::MemoryPlan(ops::Recompute)>& plan_at);

}  // namespace ondol::app
