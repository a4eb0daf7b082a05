// Masked language modelling (Devlin et al., "BERT", 2019): a share of the tokens is hidden, the
// encoder and a head say what stood there.
//
// Of the tokens that are not special, mlm_probability are chosen; of those 80 % become the mask
// token, 10 % a random piece, 10 % stay (the data collator of transformers). What is chosen follows
// from seed, step and micro-batch; in the validation split from the example alone, so that every
// validation asks the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/example.h"
#include "train/sft.h"
#include "train/trained_matrix.h"
#include "train/trainer.h"

namespace ondol::train {

// BERT's head: dense, gelu, layer norm, then the rows of the word embedding (tied, without a bias).
// Names are those of BertForMaskedLM ("cls.predictions.transform.dense.weight").
class MaskedHead {
 public:
  MaskedHead(int64_t width, uint64_t seed, ThreadPool& pool);
  // states[R, D] -> [R, D], to be multiplied with the embedding
  Tensor forward(const ops::Context& context, const Tensor& states) const;
  std::vector<Parameter> parameters();

 private:
  TrainedMatrix dense_;
  Tensor bias_, norm_weight_, norm_bias_;
};

struct MaskedConfig {
  double mlm_probability = 0.15;
  text::TokenId mask = 0;
  int64_t pieces = 0;  // random ones are below
  uint64_t seed = 42;
};

class MaskedObjective final : public Objective {
 public:
  // `model` has an encoder; it, the storage behind `parameters`, `adapter` (may be null) and `head`
  // outlive this. Tokens that the examples mark as learned may be chosen (SftData::examples.loss).
  MaskedObjective(const Model& model, const MaskedConfig& config,
                  std::span<const Parameter> parameters, const Adapter* adapter, MaskedHead& head,
                  SftData train, SftData validation);

  std::span<Parameter> parameters() override { return parameters_; }
  std::vector<int64_t> lengths(Split split) const override { return of(split).examples.lengths(); }
  int64_t weight(Split split, std::span<const uint32_t> examples) const override;
  void begin_batch(int64_t step, int64_t micro_batch) override;
  ops::LossSum loss(const ops::Context& context, Split split, std::span<const uint32_t> examples,
                    const ops::LossOptions& options) override;
  std::string where(Split split, uint32_t example) const override {
    return of(split).where[example];
  }

 private:
  const SftData& of(Split split) const { return data_[split == Split::kValidation]; }
  void hide(Split split, uint32_t example, std::span<text::TokenId> ids,
            std::span<int32_t> labels) const;

  const Model& model_;
  MaskedConfig config_;
  std::vector<Parameter> parameters_;
  const Adapter* adapter_;
  MaskedHead& head_;
  SftData data_[2];
  uint64_t draw_ = 0;  // of the present micro-batch
};

}  // namespace ondol::train
