#include "app/train_target.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "app/catalogue.h"
#include "app/lora_settings.h"
#include "base/error.h"
#include "models/adapter_saved.h"
#include "models/model_texts.h"
#include "train/whole_model.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

WeightForm form_of(const TrainFields& fields) {
  for (const WeightForm form : {WeightForm::kInt8, WeightForm::kBf16, WeightForm::kF32}) {
    if (fields.weight_form == weight_form_name(form)) return form;
  }
  invalid("weight_form; got '" + fields.weight_form + "', expected int8, bf16 or f32");
}

class AdapterTarget final : public TrainTarget {
 public:
  AdapterTarget(std::shared_ptr<const Model> model, const TrainFields& fields, ThreadPool& pool)
      : model_(std::move(model)), fields_(fields), pool_(pool) {
    const KernelContext kernel{pool, best_kernels()};
    lora_ = train::make_lora(model_->linears, lora_config(fields), &kernel);
    parameters_ = lora_.parameters;
  }
  // With whole weights beside it, which change in `own`: nobody else's model.
  AdapterTarget(const std::shared_ptr<Model>& own, const std::vector<std::string>& modules,
                const TrainFields& fields, ThreadPool& pool)
      : AdapterTarget(own, fields, pool) {
    saved_.emplace(*own, train::WholeModelConfig{.form = form_of(fields), .only = modules}, pool);
    const auto saved = saved_->parameters();
    parameters_.insert(parameters_.end(), saved.begin(), saved.end());
  }

  const Model& model() const override { return *model_; }
  bool is_whole_model() const override { return false; }
  std::span<train::Parameter> parameters() override { return parameters_; }
  const Adapter* adapter() const override { return &lora_.adapter; }
  double dropout() const override { return lora_.dropout; }
  void changed(const KernelContext& kernel) override {
    train::refresh_lengths(lora_, model_->linears, kernel);
  }
  train::MemoryPlan plan(train::MemoryOptions options) const override {
    return train::plan_memory(*model_, lora_, saved_ ? &*saved_ : nullptr, options);
  }

  void save(train::Checkpoint& checkpoint) const override {
    checkpoint.weights_file = "adapter_model.safetensors";
    const Adapter adapter = train::file_adapter(lora_);
    const PeftWriteOptions options{
        .use_rslora = fields_.use_rslora,
        .lora_dropout = fields_.lora_dropout,
        .base_model = fields_.model,
        .saved = saved_ ? saved_->tensors() : std::vector<train::NamedTensor>()};
    checkpoint.weights = peft_tensors(*model_, adapter, options);
    checkpoint.texts["adapter_config.json"] = peft_config(*model_, adapter, options);
  }

  void restore(const std::filesystem::path& folder, const train::Checkpoint&) override {
    const LoadedAdapter file = load_adapter(folder, *model_);
    train::restore_lora(lora_, model_->linears, file.adapter);
    if (saved_) saved_->restore(file.saved, pool_);
  }

 private:
  std::shared_ptr<const Model> model_;
  const TrainFields& fields_;
  ThreadPool& pool_;
  train::Lora lora_;
  std::optional<train::WholeModel> saved_;    // modules_to_save
  std::vector<train::Parameter> parameters_;  // of both
};

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

// Whole weights are those that no matrices are for; a head that is the embedding goes by its name.
void check_modules(const Model& model, const std::vector<std::string>& modules) {
  if (!model.decoder) invalid("modules_to_save; got a model that is no decoder");
  for (const std::string& module : modules) {
    for (const LinearSlot& slot : model.linears) {
      if (!models::names_module(module, slot.module)) continue;
      invalid("modules_to_save; got '" + module +
              "', a linear, for which target_modules is; expected embed_tokens, lm_head or norms");
    }
    if (module == "lm_head" && models::tied_head(model)) {
      invalid(
          "modules_to_save; got 'lm_head', which is the embedding in this model; try "
          "embed_tokens");
    }
  }
}

}  // namespace

std::unique_ptr<TrainTarget> make_whole_target(Model model,
                                               std::map<std::string, std::string> texts,
                                               const TrainFields& fields, ThreadPool& pool) {
  return std::make_unique<WholeTarget>(std::move(model), std::move(texts), fields, pool);
}

std::unique_ptr<TrainTarget> make_train_target(const TrainFields& fields, Session& session,
                                               ThreadPool& pool) {
  if (!fields.modules_to_save.empty()) {
    if (!fields.use_peft) invalid("modules_to_save is of an adapter; use_peft false learns all");
    auto own = std::make_shared<Model>(
        load_model(find_model(session.home(), fields.model), pool, session.home().hashes()));
    check_modules(*own, fields.modules_to_save);
    return std::make_unique<AdapterTarget>(own, fields.modules_to_save, fields, pool);
  }
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
