// Training of encoder-decoders: pairs as examples, ten steps of AdamW against PyTorch
// (tools/golden/t5.py), adapters against differences of the loss.
#include "train/seq2seq.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "ops/tape.h"
#include "support/paths.h"
#include "train/lora.h"
#include "train/run_test_support.h"
#include "train/whole_model.h"

namespace ondol::train {
namespace {

using nlohmann::json;
using testing::refusal;

std::filesystem::path tiny(const std::string& name) {
  return ondol::testing::golden_dir() / "models" / name;
}

SftData pairs_of(const json& expected) {
  SftData data;
  for (const json& pair : expected["pairs"]) {
    const std::vector<TokenId> target = pair["target"];
    Example example{.ids = pair["source"], .loss = {}};
    example.loss.assign(example.ids.size(), 0);
    example.ids.insert(example.ids.end(), target.begin(), target.end());
    example.loss.resize(example.ids.size(), 1);
    data.examples.add(example, static_cast<uint32_t>(data.where.size()));
    data.where.push_back("here");
  }
  return data;
}

class TinySeq2SeqTraining : public ::testing::TestWithParam<const char*> {
 protected:
  ThreadPool pool{2};
  Model model = load_model(tiny(GetParam()), pool, {}, {.all_f32 = true});
  json expected = json::parse(read_file(tiny(GetParam()) / "expected.json"));
};

TEST_P(TinySeq2SeqTraining, TenStepsOfAdamAreThoseOfPyTorch) {
  WholeModel whole(model, {.form = WeightForm::kF32}, pool);
  Seq2SeqObjective objective(model, whole.parameters(), nullptr, pairs_of(expected), {});
  TrainConfig config{.learning_rate = 2e-3, .max_steps = 10, .max_length = 64};
  config.max_grad_norm = 0;
  config.schedule.lr_scheduler_type = "constant";
  Trainer trainer({pool, best_kernels(), Precision::kExact}, objective, config);
  const std::vector<double> want = expected["steps"];
  for (const double loss : want) EXPECT_NEAR(trainer.step().loss, loss, 2e-4 * loss);
  EXPECT_LT(want.back(), want.front());
}

TEST_P(TinySeq2SeqTraining, PackedIsUnpackedAndThreadsChangeNoBit) {
  WholeModel whole(model, {.form = WeightForm::kF32}, pool);
  Seq2SeqObjective objective(model, whole.parameters(), nullptr, pairs_of(expected), {});
  ThreadPool one(1);
  const std::vector<uint32_t> all = {2, 0, 1};
  const ops::Context exact{pool, best_kernels(), Precision::kExact};
  const ops::LossSum packed = objective.loss(exact, Split::kTrain, all, {});
  EXPECT_EQ(packed.loss,
            objective.loss({one, best_kernels(), Precision::kExact}, Split::kTrain, all, {}).loss);
  double sum = 0;
  for (const uint32_t i : all) sum += objective.loss(exact, Split::kTrain, {&i, 1}, {}).loss;
  EXPECT_NEAR(packed.loss, sum, 1e-9 * sum);
  EXPECT_EQ(packed.tokens, objective.weight(Split::kTrain, all));
}

TEST_P(TinySeq2SeqTraining, WeightsGoOutAndComeBackUnderTheirNames) {
  WholeModel whole(model, {.form = WeightForm::kF32}, pool);
  const std::vector<NamedTensor> tensors = whole.tensors();
  EXPECT_EQ(tensors.front().first, "shared.weight");
  Model other = load_model(tiny(GetParam()), pool, {}, {.all_f32 = true});
  WholeModel copy(other, {.form = WeightForm::kF32}, pool);
  for (Parameter& parameter : copy.parameters()) parameter.value.data()[0] += 1;
  copy.restore(tensors, pool);
  const auto loss = [&](const Model& of) {
    Seq2SeqObjective objective(of, {}, nullptr, pairs_of(expected), {});
    const std::vector<uint32_t> all = {0, 1, 2};
    return objective.loss({pool, best_kernels(), Precision::kExact}, Split::kTrain, all, {}).loss;
  };
  EXPECT_EQ(loss(model), loss(other));
}

// Adapters on linears of every kind: how fast the loss grows along a random direction.
TEST_P(TinySeq2SeqTraining, AdaptersFollowTheLoss) {
  Lora lora = make_lora(model.linears, {.r = 2, .lora_alpha = 2});
  for (size_t i = 0; i < lora.parameters.size(); ++i) {
    Tensor& value = lora.parameters[i].value;
    const Tensor noise = testing::random_tensor(value.shape(), i, 0.3);
    std::copy_n(noise.data(), noise.size(), value.data());
  }
  EXPECT_EQ(lora.parameters.size(), 2 * model.linears.size());
  Seq2SeqObjective objective(model, lora.parameters, &lora.adapter, pairs_of(expected), {});
  const std::vector<uint32_t> all = {0, 1, 2};
  ops::Tape tape;
  ops::Context context{pool, best_kernels(), Precision::kExact};
  context.tape = &tape;
  for (const Parameter& parameter : lora.parameters) tape.watch(parameter.value);
  objective.loss(context, Split::kTrain, all, {});
  tape.backward();
  context.tape = nullptr;
  for (size_t i = 0; i < lora.parameters.size(); ++i) {
    Tensor& value = lora.parameters[i].value;
    const Tensor direction = testing::random_tensor(value.shape(), 1000 + i);
    const Tensor gradient = tape.gradient(value);
    double computed = 0;
    for (int64_t k = 0; k < value.size(); ++k) {
      computed += double{gradient.data()[k]} * direction.data()[k];
    }
    const auto at = [&](float step) {
      for (int64_t k = 0; k < value.size(); ++k) value.data()[k] += step * direction.data()[k];
      const double loss = objective.loss(context, Split::kTrain, all, {}).loss;
      for (int64_t k = 0; k < value.size(); ++k) value.data()[k] -= step * direction.data()[k];
      return loss;
    };
    constexpr float kStep = 1e-3F;
    const double near = at(kStep) - at(-kStep), far = at(2 * kStep) - at(-2 * kStep);
    const double measured = (8 * near - far) / (12 * double{kStep});
    // Steps over the kink of a relu are no derivative.
    const double share = std::string(GetParam()) == "t5_relu_tied" ? 0.08 : 0.01;
    EXPECT_NEAR(computed, measured, share * std::abs(measured) + 0.05) << lora.parameters[i].name;
    EXPECT_NE(computed, 0) << lora.parameters[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, TinySeq2SeqTraining,
                         ::testing::Values("t5_relu_tied", "t5_gated_untied"),
                         [](const auto& name) { return std::string(name.param); });

class Pairs : public ::testing::Test {
 protected:
  Example render(const RowData& row, int64_t max_length = 0) const {
    const Renderer renderer(*model.tokenizer, "", {.max_length = max_length, .pair_end = end});
    return renderer.render({row}).at(0);
  }
  ThreadPool pool{1};
  Model model = load_model(tiny("t5_gated_untied"), pool);
  TokenId end = model.encoder_decoder->end_token();
};

TEST_F(Pairs, BothSidesEndAndOnlyTheTargetIsLearned) {
  const Example example = render(Seq2SeqRow{"ab", "xyz"});
  ASSERT_EQ(example.ids.size(), 7U);
  EXPECT_EQ(example.loss, (std::vector<uint8_t>{0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(example.ids[2], end);
  EXPECT_EQ(example.ids[6], end);
  EXPECT_TRUE(example.ended);
  const Example prompt = render(PromptRow{{"ab", {}}, {"xyz", {}}, ""});
  EXPECT_EQ(prompt.ids, example.ids);
  EXPECT_EQ(learned_tokens(example.loss), 4);
}

TEST_F(Pairs, WhatIsTooLongIsCutAndCounted) {
  const Example source = render(Seq2SeqRow{std::string(50, 'q'), "xyz"}, 20);
  EXPECT_EQ(source.ids.size(), 20U);
  EXPECT_EQ(source.tokens_cut, 55 - 20);
  EXPECT_EQ(learned_tokens(source.loss), 4);
  EXPECT_EQ(source.ids[15], end);
  const Example target = render(Seq2SeqRow{"ab", std::string(50, 'q')}, 20);
  EXPECT_EQ(target.ids.size(), 20U);
  EXPECT_EQ(learned_tokens(target.loss), 17);
  EXPECT_FALSE(target.ended) << "an answer that was cut has no end to learn";
  const Example both = render(Seq2SeqRow{std::string(50, 'a'), std::string(50, 'q')}, 20);
  EXPECT_EQ(learned_tokens(both.loss), 10);
}

TEST_F(Pairs, OtherRowsAreErrorsInWords) {
  const auto words = [&](const RowData& row) {
    return refusal(ErrorCode::kUnsupported, [&] { render(row); });
  };
  EXPECT_NE(words(TextRow{"x"}).find("plain text has no source and target"), std::string::npos);
  ChatRow chat;
  chat.messages = {{"user", "a", ""}, {"assistant", "b", ""}};
  EXPECT_NE(words(chat).find("a conversation has no source"), std::string::npos);
}

TEST_F(Pairs, AnExampleWithoutASourceIsRefused) {
  ExampleSet set;
  set.add({.ids = {1, 2}, .loss = {1, 1}}, 0);
  set.add({.ids = {1, 2, 3}, .loss = {0, 1, 0}}, 1);
  for (const uint32_t example : {0U, 1U}) {
    EXPECT_NE(refusal(ErrorCode::kInvalidArgument,
                      [&] {
                        make_pair_batch(set, {&example, 1}, 0, nullptr);
                      })
                  .find("expected a source and a target"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace ondol::train
