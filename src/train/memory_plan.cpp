#include "train/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace ondol::train {
namespace {

constexpr int64_t kFloat = 4;
constexpr int64_t kLogitRows = 128;  // ops/loss.cpp works on so many at a time
constexpr int64_t kLogitRowsOfTrainedHead = 512;

std::string size_text(int64_t bytes) {
  const double mib = static_cast<double>(bytes) / (1 << 20);
  return mib < 1024 ? fmt::format("{:.0f} MiB", mib) : fmt::format("{:.2f} GiB", mib / 1024);
}

// `ranks`: of all adapter matrices together.
// Numbers a token that an adapter's steps keep for their gradients: inner factors of all linears,
// and sums that magnitudes scale.
struct AdapterStates {
  int64_t ranks = 0;
  int64_t sums = 0;
};

MemoryPlan plan_for(const Model& model, std::span<const Parameter> parameters,
                    const AdapterStates& adapter, const MemoryOptions& options) {
  const ModelInfo& info = model.info;
  const bool fast = options.precision == Precision::kFast;
  MemoryPlan plan;
  plan.model = static_cast<int64_t>(info.weights_bytes);
  int64_t weights = info.vocabulary * info.width, mlp = info.width;
  for (const LinearSlot& linear : model.linears) {
    weights += linear.rows * linear.columns;
    mlp = std::max(mlp, linear.rows);
  }
  plan.transposed = fast ? weights * 34 / 32 : 0;
  for (const Parameter& parameter : parameters) {
    plan.parameters += 2 * kFloat * parameter.value.size();
  }
  plan.optimizer = static_cast<int64_t>(options.optimizer_bytes);
  // A layer keeps two states of the residual stream, queries, keys, values, what attention gave,
  // and the two inputs of the gate; the inner factors of the adapter.
  const int64_t q = info.heads * info.head_width, kv = info.kv_heads * info.head_width;
  const int64_t of_layer =
      (2 * info.width + 2 * q + 2 * kv) * kFloat + 2 * mlp * (fast ? 2 : kFloat);
  plan.activations = options.tokens * (info.layers * of_layer + adapter.ranks * kFloat +
                                       adapter.sums * (fast ? 2 : kFloat));
  plan.logits = 2 * kLogitRows * info.vocabulary * kFloat + options.tokens * 6 * mlp * kFloat;
  return plan;
}

// More logits at once where the head has a gradient.
int64_t of_trained_head(const Model& model) {
  return 2 * (kLogitRowsOfTrainedHead - kLogitRows) * model.info.vocabulary * kFloat;
}

}  // namespace

std::string MemoryPlan::text() const {
  return fmt::format(
      "model {}, transposed copies {}, trained weights and gradients {}, optimizer {}, activations "
      "{}, "
      "logits {}: peak {}",
      size_text(model), size_text(transposed), size_text(parameters), size_text(optimizer),
      size_text(activations), size_text(logits), size_text(peak()));
}

MemoryPlan plan_memory(const Model& model, const Lora& lora, const WholeModel* saved,
                       const MemoryOptions& options) {
  AdapterStates states;
  for (const int64_t rank : lora.ranks) states.ranks += rank;
  if (!lora.adapter.fixed_by_slot.empty()) states.ranks *= 2;
  for (const ops::LowRank& pair : lora.adapter.by_slot) {
    if (pair.magnitude.defined()) states.sums += pair.magnitude.size();
  }
  MemoryPlan plan = plan_for(model, lora.parameters, states, options);
  if (saved == nullptr) return plan;
  for (const Parameter& parameter : saved->parameters()) {
    plan.parameters += 2 * kFloat * parameter.value.size();
  }
  plan.logits += of_trained_head(model);
  return plan;
}

MemoryPlan plan_memory(const Model& model, const WholeModel& whole, const MemoryOptions& options) {
  MemoryPlan plan = plan_for(model, whole.parameters(), {}, options);
  plan.model = whole.model_bytes();
  plan.logits += of_trained_head(model);
  return plan;
}

}  // namespace ondol::train
