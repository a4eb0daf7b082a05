// All weights of a model as parameters: full fine-tuning, and pretraining.
//
//   Model model = load_model(path, pool, {}, {.all_f32 = true});
//   WholeModel whole(model, {.form = WeightForm::kBf16}, pool);
//   SftObjective objective(model, whole.parameters(), nullptr, train, validation);
//   save(whole.tensors());             // model.safetensors, names and rows as Hugging Face has
//   them
//
// Each matrix has a master copy in f32, which the optimizer changes and files keep; the model
// multiplies with what is rounded from it to `form` after every step. Rounded to int8 a product in
// fast precision is one of int8 numbers, as in inference. Norms and biases are f32 in the model too
// and take no weight decay. docs/decisions/0019 has what the forms cost.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/optimizer.h"
#include "train/parameter.h"

namespace ondol::train {

struct WholeModelConfig {
  WeightForm form = WeightForm::kInt8;  // kInt8, kBf16 or kF32; rows that no block divides are bf16
  std::vector<std::string> freeze = {};  // regular expressions, found anywhere in a name
  // Modules ("lm_head", "model.norm"), whole names or their ends behind a dot: these weights alone
  // are parameters and change their form, all others stay as they are. Empty: all.
  std::vector<std::string> only = {};
};

class WholeModel {
 public:
  // `model` outlives this; its matrices take the new form. Throws Error(kInvalidArgument): a
  // pattern that is no regular expression or matches no weight, nothing left to train.
  WholeModel(Model& model, const WholeModelConfig& config, ThreadPool& pool);

  std::span<Parameter> parameters() { return parameters_; }
  std::span<const Parameter> parameters() const { return parameters_; }
  // Every weight, frozen ones too, f32. Tensors may share the memory of the masters.
  std::vector<NamedTensor> tensors() const;
  // What tensors() gave of this model; anything else is Error(kCorruptData) that names the tensor,
  // and nothing is changed. The matrices of the model follow at once.
  void restore(std::span<const NamedTensor> tensors, ThreadPool& pool);
  // Masters, in bytes; what the matrices of the model hold.
  int64_t master_bytes() const { return master_bytes_; }
  int64_t model_bytes() const { return model_bytes_; }

 private:
  struct Weight {
    WeightRef ref;
    Tensor value;  // f32 [N, K] or [N], rows as the model has them
  };
  std::vector<Weight> weights_;
  std::vector<Parameter> parameters_;
  int64_t master_bytes_ = 0;
  int64_t model_bytes_ = 0;
};

}  // namespace ondol::train
