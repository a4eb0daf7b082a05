// Supervised fine-tuning of a decoder: the next token of what a mask marks. What changes is a LoRA
// adapter, while the model's own weights stay as they are in the form of their file, or these
// weights themselves (whole_model.h).
#pragma once

#include <functional>

#include "train/causal_lm.h"
#include "train/example.h"
#include "train/lora.h"
#include "train/trainer.h"

namespace ondol::train {

// Examples with where they come from.
struct SftData {
  ExampleSet examples;
  std::vector<std::string> where;  // by example
};

struct SftOptions {
  uint64_t seed = 42;              // of what is drawn by chance
  double dropout = 0;              // share of the adapter's inputs that are zero in training
  double neftune_noise_alpha = 0;  // nn/embedding_noise.h
  // Called when the parameters have other values: what is derived from them is made anew.
  std::function<void(const KernelContext&)> changed = {};
};

class SftObjective : public Objective {
 public:
  // `model` has a decoder; it, `parameters` and `adapter` (may be null) outlive this.
  SftObjective(const Model& model, std::span<Parameter> parameters, const Adapter* adapter,
               SftData train, SftData validation, SftOptions options = {})
      : model_(model),
        parameters_(parameters),
        adapter_(adapter),
        data_{std::move(train), std::move(validation)},
        options_(std::move(options)) {}
  // An adapter that is learned, with its own dropout; DoRA's lengths follow it.
  SftObjective(const Model& model, Lora& lora, SftData train, SftData validation)
      : SftObjective(model, lora.parameters, &lora.adapter, std::move(train), std::move(validation),
                     {.seed = lora.seed,
                      .dropout = lora.dropout,
                      .changed = [&model, &lora](const KernelContext& kernel) {
                        refresh_lengths(lora, model.linears, kernel);
                      }}) {}

  std::span<Parameter> parameters() override { return parameters_; }
  std::vector<int64_t> lengths(Split split) const override { return of(split).examples.lengths(); }
  int64_t weight(Split split, std::span<const uint32_t> examples) const override;
  ops::LossSum loss(const ops::Context& context, Split split, std::span<const uint32_t> examples,
                    const ops::LossOptions& options) override;
  void begin_batch(int64_t step, int64_t micro_batch) override;
  void changed(const KernelContext& kernel) override {
    if (options_.changed) options_.changed(kernel);
  }
  std::string where(Split split, uint32_t example) const override {
    return of(split).where[example];
  }

 protected:
  const SftData& of(Split split) const { return data_[split == Split::kValidation]; }
  const Model& model() const { return model_; }
  const Adapter* adapter() const { return adapter_; }

 private:
  const Model& model_;
  std::span<Parameter> parameters_;
  const Adapter* adapter_;
  SftData data_[2];
  SftOptions options_;
  TrainingNoise noise_;  // of the next training batch
};

}  // namespace ondol::train
