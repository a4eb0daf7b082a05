// Supervised fine-tuning of a decoder: the next token of what a mask marks. What changes is a LoRA
// adapter; the model's own weights stay as they are, in the form of their file.
#pragma once

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

class SftObjective final : public Objective {
 public:
  // `model` has a decoder; it and `lora` outlive this. `neftune_noise_alpha`: see
  // nn/embedding_noise.h; 0: none.
  SftObjective(const Model& model, Lora& lora, SftData train, SftData validation,
               double neftune_noise_alpha = 0)
      : model_(model),
        lora_(lora),
        data_{std::move(train), std::move(validation)},
        neftune_noise_alpha_(neftune_noise_alpha) {}

  std::span<Parameter> parameters() override { return lora_.parameters; }
  std::vector<int64_t> lengths(Split split) const override { return of(split).examples.lengths(); }
  int64_t weight(Split split, std::span<const uint32_t> examples) const override;
  ops::LossSum loss(const ops::Context& context, Split split, std::span<const uint32_t> examples,
                    const ops::LossOptions& options) override;
  void begin_batch(int64_t step, int64_t micro_batch) override;
  void changed(const KernelContext& kernel) override {
    refresh_lengths(lora_, model_.linears, kernel);
  }
  std::string where(Split split, uint32_t example) const override {
    return of(split).where[example];
  }

 private:
  const SftData& of(Split split) const { return data_[split == Split::kValidation]; }

  const Model& model_;
  Lora& lora_;
  SftData data_[2];
  double neftune_noise_alpha_;
  TrainingNoise noise_;  // of the next training batch
};

}  // namespace ondol::train
