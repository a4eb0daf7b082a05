// All weights of tiny models: gradients against differences of the loss, ten steps against PyTorch,
// saving and restoring, and that what the model multiplies with follows its masters.
#include "train/whole_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "ops/tape.h"
#include "support/paths.h"
#include "train/causal_lm.h"
#include "train/run_test_support.h"
#include "train/trainer.h"

namespace ondol::train {
namespace {

using ondol::testing::golden_dir;
using testing::refusal;
using testing::same_bytes;

constexpr int64_t kFirst = 18, kCount = 31;  // as tools/golden/whole_model.py has them

std::filesystem::path tiny(const std::string& name) {
  const auto folder = golden_dir() / "models" / name;
  return std::filesystem::exists(folder / "model.gguf") ? folder / "model.gguf" : folder;
}

Model load(const std::string& name, ThreadPool& pool) {
  return load_model(tiny(name), pool, {}, {.all_f32 = true});
}

PackedBatch tiny_batch() {
  PackedBatch batch;
  batch.begins = {0, kFirst, kCount};
  batch.examples = {0, 1};
  for (int32_t i = 0; i < kCount; ++i) {
    batch.ids.push_back((i * 37 + 11) % 288);
    batch.labels.push_back(i > 20 && i < 25 ? kIgnoredLabel : (i * 53 + 5) % 100);
  }
  return batch;
}

double encoder_loss(const Model& model, const ops::Context& context, const PackedBatch& batch) {
  SequenceBatch sequences;
  sequences.sequences = {{0, kFirst, 0, {}}, {kFirst, kCount, 0, {}}};
  const Tensor states = model.encoder->forward(context, batch.ids, sequences);
  Tensor fixed = Tensor::zeros(DType::kF32, states.shape());
  double loss = 0;
  for (int64_t t = 0; t < kCount; ++t) {
    for (int64_t k = 0; k < states.dim(1); ++k) {
      const auto number = static_cast<float>((t * 37 + k * 11) % 23 - 11) / 11 / kCount;
      fixed.row(t)[static_cast<size_t>(k)] = number;
      loss += double{states.row(t)[static_cast<size_t>(k)]} * number;
    }
  }
  if (context.tape) context.tape->add(context.tape->value_of(states), fixed);
  return loss;
}

// The two sequences as one example set of one pack.
class TinyObjective final : public Objective {
 public:
  TinyObjective(const Model& model, std::span<Parameter> parameters)
      : model_(model), parameters_(parameters) {}
  std::span<Parameter> parameters() override { return parameters_; }
  std::vector<int64_t> lengths(Split split) const override {
    return split == Split::kTrain ? std::vector<int64_t>{kCount} : std::vector<int64_t>{};
  }
  int64_t weight(Split, std::span<const uint32_t>) const override {
    return model_.decoder ? kCount - 4 : 1;
  }
  ops::LossSum loss(const ops::Context& context, Split, std::span<const uint32_t>,
                    const ops::LossOptions& options) override {
    const PackedBatch batch = tiny_batch();
    if (model_.decoder) return causal_lm_loss(model_, context, batch, nullptr, options);
    return {.loss = encoder_loss(model_, context, batch), .tokens = 1, .correct = 0};
  }
  std::string where(Split, uint32_t) const override { return "tiny"; }

 private:
  const Model& model_;
  std::span<Parameter> parameters_;
};

double loss_of(Objective& objective, ThreadPool& pool, ops::Tape* tape) {
  ops::Context context{pool, best_kernels(), Precision::kExact};
  context.tape = tape;
  return objective.loss(context, Split::kTrain, {}, {}).loss;
}

class EveryWeight : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryWeight, FollowsTheLoss) {
  ThreadPool pool(2);
  Model model = load(GetParam(), pool);
  WholeModel whole(model, {.form = WeightForm::kF32}, pool);
  TinyObjective objective(model, whole.parameters());
  ops::Tape tape;
  testing::watch(tape, whole.parameters());
  loss_of(objective, pool, &tape);
  tape.backward();
  for (Parameter& p : whole.parameters()) {
    const Tensor gradient = testing::gradient_of(tape, p);
    const auto [computed, measured] = testing::along_direction(
        p, gradient, 2e-3F, pool, [&] { return loss_of(objective, pool, nullptr); });
    EXPECT_NEAR(computed, measured, 0.01 * std::abs(measured) + 0.02) << p.name;
    EXPECT_NE(computed, 0) << p.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, EveryWeight,
                         ::testing::Values("llama_tied", "llama_tied_q8_gguf", "llama3_untied_gguf",
                                           "bert"),
                         [](const auto& name) { return std::string(name.param); });

void expect_like(const Tensor& tensor, const nlohmann::json& expected, double tolerance,
                 const std::string& what) {
  double norm = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) norm += std::pow(double{tensor.data()[i]}, 2);
  norm = std::sqrt(norm);
  const double wanted = expected["norm"];
  EXPECT_NEAR(norm, wanted, 1e-4 * wanted + 1e-9) << what;
  const auto size = static_cast<double>(tensor.size());
  int64_t at = 0;
  for (const double value : expected["values"]) {
    EXPECT_NEAR(tensor.data()[at], value, tolerance * (wanted / std::sqrt(size) + 1e-6))
        << what << " at " << at;
    at += expected["step"].get<int64_t>();
  }
}

TEST(WholeModelTraining, GradientsAndTenStepsAreThoseOfPyTorch) {
  const auto golden = nlohmann::json::parse(read_file(golden_dir() / "whole_model.json"));
  for (const auto& c : golden["cases"]) {
    ThreadPool pool(2);
    Model model = load(c["model"], pool);
    WholeModel whole(model, {.form = WeightForm::kF32}, pool);
    TinyObjective objective(model, whole.parameters());
    ops::Tape tape;
    testing::watch(tape, whole.parameters());
    loss_of(objective, pool, &tape);
    tape.backward();
    const double scale = 1.0 / static_cast<double>(objective.weight(Split::kTrain, {}));
    ASSERT_EQ(whole.parameters().size(), c["gradients"].size());
    for (const Parameter& p : whole.parameters()) {
      Tensor gradient = testing::gradient_of(tape, p);
      for (int64_t i = 0; i < gradient.size(); ++i) {
        gradient.data()[i] *= static_cast<float>(scale);
      }
      // A softmax does not change when all keys move by one vector: what is left is rounding.
      if (p.name.ends_with("key.bias")) continue;
      expect_like(gradient, c["gradients"].at(p.name), 2e-3, p.name + ".grad");
    }
    TrainConfig config;
    config.max_steps = golden["steps"];
    config.max_length = kCount;
    config.learning_rate = golden["learning_rate"];
    config.max_grad_norm = golden["max_grad_norm"];
    config.optimizer.weight_decay = golden["weight_decay"];
    config.schedule.lr_scheduler_type = "constant";
    Trainer trainer({pool, best_kernels(), Precision::kExact}, objective, config);
    for (size_t step = 0; !trainer.done(); ++step) {
      const StepMetrics m = trainer.step();
      EXPECT_NEAR(m.loss, c["losses"][step], 2e-4 * std::abs(m.loss) + 1e-5) << step;
      EXPECT_NEAR(m.grad_norm, c["norms"][step], 1e-3 * m.grad_norm) << step;
    }
    for (const auto& [name, tensor] : whole.tensors()) {
      if (!name.ends_with("key.bias")) {
        expect_like(tensor, c["weights"].at(name), 5e-3, name);
      }
    }
  }
}

TEST(WholeModelTraining, TensorsOfAGgufFileAreThoseOfTheFolder) {
  ThreadPool pool(2);
  Model folder = load("llama_tied", pool), file = load("llama_tied_f32_gguf", pool);
  const WholeModel a(folder, {}, pool), b(file, {}, pool);
  const auto left = a.tensors(), right = b.tensors();
  ASSERT_EQ(left.size(), right.size());
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].first, right[i].first);
    EXPECT_TRUE(same_bytes(left[i].second, right[i].second)) << left[i].first;
  }
}

TEST(WholeModelTraining, RestoredTensorsAreSavedOnes) {
  ThreadPool pool(2);
  Model from = load("llama_tied_q8_gguf", pool), to = load("llama_tied_q8_gguf", pool);
  WholeModel a(from, {}, pool), b(to, {}, pool);
  for (Parameter& p : a.parameters()) p.value.data()[p.value.size() / 2] += 1;
  b.restore(a.tensors(), pool);
  for (size_t i = 0; i < a.parameters().size(); ++i) {
    EXPECT_TRUE(same_bytes(a.parameters()[i].value, b.parameters()[i].value));
  }
  auto tensors = a.tensors();
  tensors[3].second = Tensor::zeros(DType::kF32, {3});
  EXPECT_NE(
      refusal(ErrorCode::kCorruptData, [&] { b.restore(tensors, pool); }).find(tensors[3].first),
      std::string::npos);
  tensors.erase(tensors.begin() + 3);
  EXPECT_NE(refusal(ErrorCode::kCorruptData, [&] { b.restore(tensors, pool); }).find("got none"),
            std::string::npos);
}

TEST(WholeModelTraining, FrozenWeightsAreNoParametersButAreSaved) {
  ThreadPool pool(2);
  Model model = load("llama_tied", pool);
  const WholeModel all(model, {}, pool);
  Model again = load("llama_tied", pool);
  const WholeModel some(again, {.freeze = {"embed_tokens", "layers\\.0\\."}}, pool);
  EXPECT_EQ(some.parameters().size(), all.parameters().size() - 1 - 9);
  EXPECT_EQ(some.tensors().size(), all.tensors().size());
  for (const char* wrong : {"nothing_such", "(", "."}) {
    Model third = load("llama_tied", pool);
    EXPECT_NE(
        refusal(ErrorCode::kInvalidArgument, [&] { WholeModel(third, {.freeze = {wrong}}, pool); }),
        "")
        << wrong;
  }
}

struct Trained {
  std::vector<NamedTensor> tensors;
  double loss;
};

Trained trained(int threads, WeightForm form, Precision precision, double rate = 1e-2) {
  ThreadPool pool(threads);
  Model model = load("llama_tied", pool);
  WholeModel whole(model, {.form = form}, pool);
  TinyObjective objective(model, whole.parameters());
  TrainConfig config;
  config.max_steps = 3;
  config.max_length = kCount;
  config.learning_rate = rate;
  Trainer trainer({pool, best_kernels(), precision}, objective, config);
  while (!trainer.done()) trainer.step();
  const ops::Context context{pool, best_kernels(), precision};
  const double loss = objective.loss(context, Split::kTrain, {}, {}).loss;
  // A model that begins with these weights says the same: nothing in use is of an earlier step.
  Model fresh = load("llama_tied", pool);
  WholeModel other(fresh, {.form = form}, pool);
  other.restore(whole.tensors(), pool);
  TinyObjective again(fresh, other.parameters());
  EXPECT_EQ(again.loss(context, Split::kTrain, {}, {}).loss, loss);
  return {whole.tensors(), loss};
}

TEST(WholeModelTraining, SameBitsForEveryThreadCountInEveryForm) {
  for (const WeightForm form : {WeightForm::kInt8, WeightForm::kBf16, WeightForm::kF32}) {
    for (const Precision precision : {Precision::kFast, Precision::kExact}) {
      const Trained one = trained(1, form, precision), three = trained(3, form, precision);
      EXPECT_EQ(one.loss, three.loss);
      for (size_t i = 0; i < one.tensors.size(); ++i) {
        EXPECT_TRUE(same_bytes(one.tensors[i].second, three.tensors[i].second))
            << weight_form_name(form) << " " << one.tensors[i].first;
      }
    }
  }
}

TEST(WholeModelTraining, EveryFormLearnsTheSame) {
  const auto loss = [](WeightForm form, Precision precision, double rate) {
    return trained(2, form, precision, rate).loss;
  };
  const double before = loss(WeightForm::kF32, Precision::kExact, 1e-12);
  const double gain = before - loss(WeightForm::kF32, Precision::kExact, 1e-3);
  ASSERT_GT(gain, 0.1 * before);
  for (const WeightForm form : {WeightForm::kInt8, WeightForm::kBf16}) {
    EXPECT_NEAR(before - loss(form, Precision::kFast, 1e-3), gain, 0.1 * gain)
        << weight_form_name(form);
  }
}

}  // namespace
}  // namespace ondol::train
