// Sentence encoders, classifiers and masked language models on a tiny encoder: gradients of whole
// objectives against differences of their losses, what is hidden, what is learned.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/error.h"
#include "models/model.h"
#include "ops/tape.h"
#include "support/paths.h"
#include "train/masked.h"
#include "train/run_test_support.h"
#include "train/sentence.h"
#include "train/whole_model.h"

namespace ondol::train {
namespace {

using testing::refusal;

Dataset rows_of(std::vector<RowData> rows) {
  Dataset data;
  data.files.push_back({"rows.jsonl", "test", rows.size(), {}});
  for (RowData& row : rows) data.rows.push_back({std::move(row), 0, data.rows.size() + 1});
  return data;
}

Dataset labelled() {
  return rows_of({LabelRow{"the floor is warm", "", "good"}, LabelRow{"cold wind", "", "bad"},
                  LabelRow{"warm tea and a warm room", "", "good"},
                  LabelRow{"snow fell in", "the door stood open", "bad"}});
}
Dataset scored() {
  return rows_of({PairRow{"warm floor", "a heated floor", "", 4.5},
                  PairRow{"warm floor", "a boat at sea", "", 0.5},
                  PairRow{"green tea", "tea leaves", "", 3.0}});
}

class EncoderObjectives : public ::testing::Test {
 protected:
  ThreadPool pool{2};
  Model model =
      load_model(ondol::testing::golden_dir() / "models" / "bert", pool, {}, {.all_f32 = true});
  WholeModel whole{model, {.form = WeightForm::kF32}, pool};

  double loss_of(Objective& objective, std::span<const uint32_t> examples, ops::Tape* tape) {
    ops::Context context{pool, best_kernels(), Precision::kExact};
    context.tape = tape;
    objective.begin_batch(3, 1);
    return objective.loss(context, Split::kTrain, examples, {}).loss;
  }

  // The gradient along a random direction of every parameter against a difference of the loss.
  void expect_gradients(Objective& objective, std::span<const uint32_t> examples) {
    ops::Tape tape;
    testing::watch(tape, objective.parameters());
    loss_of(objective, examples, &tape);
    tape.backward();
    double reached = 0;
    for (Parameter& p : objective.parameters()) {
      const Tensor gradient = testing::gradient_of(tape, p);
      const auto [computed, measured] = testing::along_direction(
          p, gradient, 1e-3F, pool, [&] { return loss_of(objective, examples, nullptr); });
      EXPECT_NEAR(computed, measured, 0.02 * std::abs(measured) + 0.03) << p.name;
      reached += std::abs(computed);
    }
    EXPECT_GT(reached, 0.1);
  }
};

TEST_F(EncoderObjectives, GradientsOfALabelledBatch) {
  const Dataset data = labelled();
  const std::vector<std::string> labels = labels_of(data);
  EXPECT_EQ(labels, (std::vector<std::string>{"bad", "good"}));
  SentenceHead head(2, model.info.width, 1, pool);
  for (int64_t i = 0; i < head.value.size(); ++i) head.value.data()[i] *= 20;  // has a say
  head.matrix.assign({head.value.data(), model.info.width, 1}, pool);
  for (const ops::Pooling pooling : {ops::Pooling::kMean, ops::Pooling::kCls}) {
    SentenceObjective objective(model, {SentenceLoss::kLabels, pooling}, whole.parameters(),
                                nullptr, &head,
                                encode_sentences(data, *model.tokenizer, 32, labels), {});
    EXPECT_EQ(objective.parameters().size(), whole.parameters().size() + 1);
    EXPECT_EQ(objective.weight(Split::kTrain, std::vector<uint32_t>{0, 3}), 2);
    expect_gradients(objective, std::vector<uint32_t>{0, 1, 3});
  }
}

TEST_F(EncoderObjectives, GradientsOfPairs) {
  for (const bool with_scores : {true, false}) {
    Dataset data = scored();
    for (Row& row : data.rows) {
      auto& pair = std::get<PairRow>(row.data);
      if (!with_scores) pair.score.reset(), pair.negative = "nothing " + pair.first;
    }
    const SentenceLoss loss = sentence_loss_of(data);
    EXPECT_EQ(loss == SentenceLoss::kOrderedCosines, with_scores);
    SentenceObjective objective(model, {loss, ops::Pooling::kMean}, whole.parameters(), nullptr,
                                nullptr, encode_sentences(data, *model.tokenizer, 32, {}), {});
    EXPECT_EQ(objective.weight(Split::kTrain, std::vector<uint32_t>{0, 1, 2}), with_scores ? 1 : 3);
    expect_gradients(objective, std::vector<uint32_t>{0, 1, 2});
  }
}

TEST_F(EncoderObjectives, OrderIsLearned) {
  const Dataset data = scored();
  SentenceObjective objective(model, {SentenceLoss::kOrderedCosines, ops::Pooling::kMean},
                              whole.parameters(), nullptr, nullptr,
                              encode_sentences(data, *model.tokenizer, 32, {}),
                              encode_sentences(data, *model.tokenizer, 32, {}));
  TrainConfig config;
  config.max_steps = 12;
  config.packing = false;
  config.per_device_train_batch_size = 3;
  config.learning_rate = 1e-3;
  Trainer trainer({pool, best_kernels(), Precision::kExact}, objective, config);
  const double before = trainer.evaluate()->loss;
  while (!trainer.done()) trainer.step();
  EXPECT_LT(trainer.evaluate()->loss, 0.5 * before);
  const ops::Context context{pool, best_kernels(), Precision::kExact};
  EXPECT_NEAR(score_correlation(objective, context, Split::kValidation), 1, 1e-12);
}

TEST_F(EncoderObjectives, RowsThatDoNotFitAreRefused) {
  Dataset mixed = labelled();
  mixed.rows.push_back(scored().rows[0]);
  EXPECT_NE(refusal(ErrorCode::kInvalidArgument, [&] { sentence_loss_of(mixed); }).find("2 kinds"),
            std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kInvalidArgument, [&] { sentence_loss_of(rows_of({TextRow{"x"}})); })
                .find("rows.jsonl:1"),
            std::string::npos);
  const std::vector<std::string> labels = {"good"};
  EXPECT_NE(refusal(ErrorCode::kCorruptData,
                    [&] { encode_sentences(labelled(), *model.tokenizer, 32, labels); })
                .find("rows.jsonl:2: label 'bad'"),
            std::string::npos);
  Dataset uneven = scored();
  std::get<PairRow>(uneven.rows[1].data).negative = "more";
  EXPECT_NE(
      refusal(ErrorCode::kCorruptData, [&] { encode_sentences(uneven, *model.tokenizer, 32, {}); })
          .find("rows.jsonl:2"),
      std::string::npos);
}

TEST_F(EncoderObjectives, LongTextsKeepTheirClosingToken) {
  const Dataset data = labelled();
  const auto labels = labels_of(data);
  const SentenceSet whole_set = encode_sentences(data, *model.tokenizer, 100, labels);
  const SentenceSet cut = encode_sentences(data, *model.tokenizer, 4, labels);
  EXPECT_EQ(whole_set.truncated, 0);
  EXPECT_GT(cut.truncated, 0);
  for (size_t i = 0; i < cut.size(); ++i) {
    ASSERT_LE(cut.text(i, 0).size(), 4U);
    EXPECT_EQ(cut.text(i, 0).back(), whole_set.text(i, 0).back());
    EXPECT_EQ(cut.text(i, 0)[1], whole_set.text(i, 0)[1]);
  }
}

SftData texts_to_hide() {
  SftData data;
  for (uint32_t i = 0; i < 40; ++i) {
    Example example;
    for (int32_t t = 0; t < 30; ++t) example.ids.push_back(10 + (t * 7 + 3 * int32_t(i)) % 200);
    example.loss.assign(30, 1);
    example.loss.front() = example.loss.back() = 0;  // special tokens
    data.examples.add(example, i);
    data.where.push_back("text:" + std::to_string(i));
  }
  return data;
}

TEST_F(EncoderObjectives, GradientsOfHiddenTokens) {
  MaskedHead head(model.info.width, 1, pool);
  MaskedObjective objective(model, {.mask = 4, .pieces = 288}, whole.parameters(), nullptr, head,
                            texts_to_hide(), {});
  EXPECT_EQ(objective.parameters().size(), whole.parameters().size() + 4);
  EXPECT_EQ(objective.weight(Split::kTrain, std::vector<uint32_t>{0, 1}), 8);  // 4 of 28 each
  expect_gradients(objective, std::vector<uint32_t>{0, 5});
}

TEST_F(EncoderObjectives, WhatIsHiddenFollowsTheStepAndIsFixedInValidation) {
  MaskedHead head(model.info.width, 1, pool);
  MaskedObjective objective(model, {.mask = 4, .pieces = 288}, whole.parameters(), nullptr, head,
                            texts_to_hide(), texts_to_hide());
  const ops::Context context{pool, best_kernels(), Precision::kExact};
  const std::vector<uint32_t> examples = {0, 1, 2};
  const auto loss_at = [&](int64_t step, int64_t batch, Split split) {
    objective.begin_batch(step, batch);
    const ops::LossSum sum = objective.loss(context, split, examples, {});
    EXPECT_EQ(sum.tokens, objective.weight(split, examples));
    return sum.loss;
  };
  const double first = loss_at(1, 0, Split::kTrain);
  EXPECT_EQ(loss_at(1, 0, Split::kTrain), first);
  EXPECT_NE(loss_at(2, 0, Split::kTrain), first);
  EXPECT_NE(loss_at(1, 1, Split::kTrain), first);
  EXPECT_EQ(loss_at(1, 0, Split::kValidation), loss_at(9, 3, Split::kValidation));
}

TEST_F(EncoderObjectives, AShareThatIsNoneIsRefused) {
  MaskedHead head(model.info.width, 1, pool);
  for (const double share : {0.0, 1.0, -0.5, std::nan("")}) {
    EXPECT_THROW(MaskedObjective(model, {.mlm_probability = share, .mask = 4, .pieces = 288},
                                 whole.parameters(), nullptr, head, {}, {}),
                 Error);
  }
}

}  // namespace
}  // namespace ondol::train
