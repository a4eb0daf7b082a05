#include "app/train_target.h"

#include <algorithm>
#include <map>
#include <utility>

#include "app/catalogue.h"
#include "app/lora_settings.h"
#include "base/error.h"
#include "models/adapter_file.h"
#include "models/model_texts.h"
#include "train/whole_model.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

class AdapterTarget final : public TrainTarget {
 public:
  AdapterTarget(std::shared_ptr<const Model> model, const TrainFields& fields, ThreadPool& pool)
      : model_(std::move(model)), fields_(fields) {
    const KernelContext kernel{pool, best_kernels()};
    lora_ = train::make_lora(model_->linears, lora_config(fields), &kernel);
  }

  const Model& model() const override { return *model_; }
  bool is_whole_model() const override { return false; }
  std::span<train::Parameter> parameters() override { return lora_.parameters; }
  const Adapter* adapter() const override { return &lora_.adapter; }
  double dropout() const override { return lora_.dropout; }
  void changed(const KernelContext& kernel) override {
    train::refresh_lengths(lora_, model_->linears, kernel);
  }
  train::MemoryPlan plan(train::MemoryOptions options) const override {
    return train::plan_memory(*model_, lora_, options);
  }

  void save(train::Checkpoint& checkpoint) const override {
    checkpoint.weights_file = "adapter_model.safetensors";
    const Adapter adapter = train::file_adapter(lora_);
    checkpoint.weights = peft_tensors(*model_, adapter);
    checkpoint.texts["adapter_config.json"] = peft_config(*model_, adapter,
                                                          {.use_rslora = fields_.use_rslora,
                                                           .lora_dropout = fields_.lora_dropout,
                                                           .base_model = fields_.model});
  }

  void restore(const std::filesystem::path& folder, const train::Checkpoint&) override {
    train::restore_lora(lora_, model_->linears, load_adapter(folder, *model_).adapter);
  }

 private:
  std::shared_ptr<const Model> model_;
  const TrainFields& fields_;
  train::Lora lora_;
};

WeightForm form_of(const TrainFields& fields) {
  for (const WeightForm form : {WeightForm::kInt8, WeightForm::kBf16, WeightForm::kF32}) {
    if (fields.weight_form == weight_form_name(form)) return form;
  }
  invalid("weight_form; got '" + fields.weight_form + "', expected int8, bf16 or f32");
}

class WholeTarget final : public TrainTarget {
 public:
  WholeTarget(Model model, std::map<std::string, std::string> texts, const TrainFields& fields,
              ThreadPool& pool)
      : pool_(pool),
        model_(std::move(model)),
        texts_(std::move(texts)),
        whole_(model_, {.form = form_of(fields), .freeze = fields.freeze}, pool) {}

  const Model& model() const override { return model_; }
  bool is_whole_model() const override { return true; }
  std::span<train::Parameter> parameters() override { return whole_.parameters(); }
  const Adapter* adapter() const override { return nullptr; }
  train::MemoryPlan plan(train::MemoryOptions options) const override {
    return train::plan_memory(model_, whole_, options);
  }
  void save(train::Checkpoint& checkpoint) const override {
    checkpoint.weights_file = "model.safetensors";
    checkpoint.weights = whole_.tensors();
    for (const auto& [name, text] : texts_) checkpoint.texts[name] = text;
  }
  void restore(const std::filesystem::path&, const train::Checkpoint& checkpoint) override {
    whole_.restore(checkpoint.weights, pool_);
  }

 private:
  ThreadPool& pool_;
  Model model_;
  std::map<std::string, std::string> texts_;  // beside the weights: config, tokenizer
  train::WholeModel whole_;
};

}  // namespace

std::unique_ptr<TrainTarget> make_whole_target(Model model,
                                               std::map<std::string, std::string> texts,
                                               const TrainFields& fields, ThreadPool& pool) {
  return std::make_unique<WholeTarget>(std::move(model), std::move(texts), fields, pool);
}

std::unique_ptr<TrainTarget> make_train_target(const TrainFields& fields, Session& session,
                                               ThreadPool& pool) {
  if (fields.use_peft) {
    auto model = session.model(fields.model);
    return std::make_unique<AdapterTarget>(std::move(model), fields, pool);
  }
  Model model = load_model(find_model(session.home(), fields.model), pool, session.home().hashes(),
                           {.all_f32 = true});
  std::map<std::string, std::string> texts = model_texts(model);
  return make_whole_target(std::move(model), std::move(texts), fields, pool);
}

}  // namespace ondol::app
