#include "app/train_target.h"

#include <algorithm>
#include <map>
#include <utility>

#include "app/catalogue.h"
#include "base/error.h"
#include "models/adapter_file.h"
#include "models/model_texts.h"
#include "train/seq2seq.h"
#include "train/whole_model.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

train::LoraConfig lora_config(const TrainFields& f) {
  train::LoraConfig config;
  config.r = f.lora_r;
  config.lora_alpha = f.lora_alpha;
  config.use_rslora = f.use_rslora;
  config.target_modules = f.target_modules;
  config.loraplus_lr_ratio = f.loraplus_lr_ratio;
  config.seed = static_cast<uint64_t>(f.seed);
  if (f.init_lora_weights == "gaussian") {
    config.init_lora_weights = train::LoraInit::kGaussian;
  } else if (f.init_lora_weights != "kaiming") {
    invalid("init_lora_weights; got '" + f.init_lora_weights + "', expected kaiming or gaussian");
  }
  return config;
}

std::unique_ptr<train::SftObjective> objective_of(const Model& model,
                                                  std::span<train::Parameter> parameters,
                                                  const Adapter* adapter, train::SftData train,
                                                  train::SftData validation) {
  if (model.encoder_decoder) {
    return std::make_unique<train::Seq2SeqObjective>(model, parameters, adapter, std::move(train),
                                                     std::move(validation));
  }
  return std::make_unique<train::SftObjective>(model, parameters, adapter, std::move(train),
                                               std::move(validation));
}

class AdapterTarget final : public TrainTarget {
 public:
  AdapterTarget(std::shared_ptr<const Model> model, const TrainFields& fields)
      : model_(std::move(model)),
        fields_(fields),
        lora_(train::make_lora(model_->linears, lora_config(fields))) {}

  const Model& model() const override { return *model_; }
  bool is_whole_model() const override { return false; }
  std::unique_ptr<train::SftObjective> objective(train::SftData train,
                                                 train::SftData validation) override {
    return objective_of(*model_, lora_.parameters, &lora_.adapter, std::move(train),
                        std::move(validation));
  }
  train::MemoryPlan plan(train::MemoryOptions options) const override {
    return train::plan_memory(*model_, lora_, options);
  }

  void save(train::Checkpoint& checkpoint) const override {
    checkpoint.weights_file = "adapter_model.safetensors";
    checkpoint.weights = peft_tensors(*model_, lora_.adapter);
    checkpoint.texts["adapter_config.json"] = peft_config(
        *model_, lora_.adapter, {.use_rslora = fields_.use_rslora, .base_model = fields_.model});
  }

  void restore(const std::filesystem::path& folder, const train::Checkpoint&) override {
    const LoadedAdapter loaded = load_adapter(folder, *model_);
    for (size_t slot = 0; slot < model_->linears.size(); ++slot) {
      copy_pair(loaded.adapter.by_slot[slot], lora_.adapter.by_slot[slot], slot);
    }
  }

 private:
  void copy_pair(const ops::LowRank& from, ops::LowRank& to, size_t slot) const {
    const auto fits = [](const Tensor& a, const Tensor& b) {
      return a.defined() == b.defined() && (!a.defined() || a.shape() == b.shape());
    };
    if (!fits(from.down, to.down) || !fits(from.up, to.up)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[train] the checkpoint's adapter of " + model_->linears[slot].module +
                      " is of another rank or target than the settings say; try the settings it "
                      "was begun with (config.toml)");
    }
    if (!to.down.defined()) return;
    std::copy_n(from.down.data(), from.down.size(), to.down.data());
    std::copy_n(from.up.data(), from.up.size(), to.up.data());
  }

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
  std::unique_ptr<train::SftObjective> objective(train::SftData train,
                                                 train::SftData validation) override {
    return objective_of(model_, whole_.parameters(), nullptr, std::move(train),
                        std::move(validation));
  }
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
  const auto check = [&](const Model& model) {
    if (model.decoder || model.encoder_decoder) return;
    invalid("model '" + fields.model + "' writes no text; expected a decoder or encoder-decoder");
  };
  if (fields.use_peft) {
    auto model = session.model(fields.model);
    check(*model);
    return std::make_unique<AdapterTarget>(std::move(model), fields);
  }
  Model model = load_model(find_model(session.home(), fields.model), pool, session.home().hashes(),
                           {.all_f32 = true});
  check(model);
  std::map<std::string, std::string> texts = model_texts(model);
  return make_whole_target(std::move(model), std::move(texts), fields, pool);
}

}  // namespace ondol::app
