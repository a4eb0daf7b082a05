// What a run will need, said before its first step.
//
//   MemoryPlan plan = plan_memory(model, lora, nullptr, {.tokens = 1024});
//   plan.text();    // "model 120 MiB, adapter 19 MiB, ..., peak 1.05 GiB"
#pragma once

#include <cstdint>
#include <string>

#include "models/model.h"
#include "ops/recompute.h"
#include "train/lora.h"
#include "train/whole_model.h"

namespace ondol::train {

struct MemoryOptions {
  int64_t tokens = 1024;       // of one micro-batch
  size_t optimizer_bytes = 0;  // Optimizer::bytes()
  Precision precision = Precision::kFast;
  ops::Recompute recompute = ops::Recompute::kOff;
};

struct MemoryPlan {
  int64_t model = 0;
  int64_t transposed = 0;  // int8 copies for the gradients of inputs
  int64_t parameters = 0;  // with their gradients
  int64_t optimizer = 0;
  int64_t activations = 0;                          // kept for the way back
  ops::Recompute recompute = ops::Recompute::kOff;  // of activations, and why they are so few
  int64_t logits = 0;  // of one chunk, and what one step needs for a moment
  int64_t peak() const {
    return model + transposed + parameters + optimizer + activations + logits;
  }
  // Of it, what is not there yet when model, masters and optimizer have been made.
  int64_t to_come() const { return transposed + parameters / 2 + activations + logits; }
  std::string text() const;
};

// `saved`: weights that are learned whole beside the adapter; null: none.
MemoryPlan plan_memory(const Model& model, const Lora& lora, const WholeModel* saved,
                       const MemoryOptions& options);
MemoryPlan plan_memory(const Model& model, const WholeModel& whole, const MemoryOptions& options);

}  // namespace ondol::train
