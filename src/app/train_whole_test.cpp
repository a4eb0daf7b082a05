// Training of all weights, and of a model from nothing, on tiny models: the folders are models,
// stopped runs end with the bits of unbroken ones.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "app/train_test_support.h"
#include "base/files.h"
#include "train/causal_lm.h"

namespace ondol::app::testing {
namespace {

class WholeTrain : public ::testing::Test {
 protected:
  WholeTrain() {
    fields = short_run(folder.path());
    std::ofstream text(folder.path() / "text.txt");
    for (int i = 0; i < 300; ++i) text << "the " << i % 7 << " and the " << i % 5 << "\n";
    fields.use_peft = false;
    fields.learning_rate = 1e-3;
  }

  TrainSummary run(const TrainFields& f, TrainJob job = {}) const {
    Session session({folder.path() / "home"}, {.threads = 2});
    return train_run(pretrain ? "pretrain" : "sft", f, session, job);
  }

  void as_pretraining() {
    pretrain = true;
    fields.dataset = {(folder.path() / "text.txt").string()};
    fields.hidden_size = 64;
    fields.num_hidden_layers = 2;
    fields.max_steps = 12;
    fields.per_device_train_batch_size = 4;
  }

  static std::string file(const fs::path& run, int step, const char* name) {
    return read_file(run / ("checkpoint-" + std::to_string(step)) / name);
  }

  void expect_resumed_bits(int last) {
    run(fields);
    TrainFields other = fields;
    other.output_dir = (folder.path() / "stopped").string();
    StopAfter stop(4);
    EXPECT_THROW(run(other, {.progress = &stop}), Error);
    run(other, {.resume = true});
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
      EXPECT_TRUE(file(other.output_dir, last, name) == file(fields.output_dir, last, name))
          << name;
    }
  }

  TempFolder folder;
  TrainFields fields;
  bool pretrain = false;
};

double loss_of(const Model& model) {
  ThreadPool pool(2);
  const ops::Context context{pool, best_kernels(), Precision::kExact};
  train::PackedBatch batch;
  batch.begins = {0, 20};
  batch.examples = {0};
  for (int32_t i = 0; i < 20; ++i) {
    batch.ids.push_back((i * 37 + 11) % 250);
    batch.labels.push_back((i * 53 + 5) % 100);
  }
  return train::causal_lm_loss(model, context, batch, nullptr, {}).loss;
}

TEST_F(WholeTrain, BestIsAModelFolder) {
  const TrainSummary done = run(fields);
  EXPECT_TRUE(done.is_model);
  ASSERT_TRUE(done.first_eval && done.best_eval);
  EXPECT_LT(*done.best_eval, *done.first_eval - 0.1);
  ThreadPool pool(1);
  const Model model = load_model(done.adapter, pool);
  EXPECT_EQ(model.info.weights_summary, load_model(fields.model, pool).info.weights_summary);
  EXPECT_NE(loss_of(model), loss_of(load_model(fields.model, pool)));
  EXPECT_EQ(model.chat_template, load_model(fields.model, pool).chat_template);
}

TEST_F(WholeTrain, StoppedAndResumedEndsWithTheSameBits) { expect_resumed_bits(6); }

TEST_F(WholeTrain, EveryOptimizerResumes) {
  for (const char* name : {"adamw_8bit", "muon", "adafactor"}) {
    fields.optim = name;
    fields.output_dir = (folder.path() / name).string();
    fields.max_steps = 5;
    expect_resumed_bits(5);
    fs::remove_all(folder.path() / "stopped");
  }
}

// Rotary pairs stand side by side in GGUF files and apart in folders.
TEST_F(WholeTrain, AGgufFileBecomesAFolderThatSaysTheSame) {
  const auto gguf = ondol::testing::golden_dir() / "models" / "llama_tied_q8_gguf" / "model.gguf";
  fields.model = gguf.string();
  fields.learning_rate = 1e-12;
  fields.weight_form = "f32";
  const TrainSummary done = run(fields);
  ThreadPool pool(1);
  const double before = loss_of(load_model(gguf, pool)),
               after = loss_of(load_model(done.adapter, pool));
  EXPECT_NEAR(after, before, 1e-4 * before);
  const Model a = load_model(gguf, pool), b = load_model(done.adapter, pool);
  EXPECT_EQ(a.tokenizer->encode("hello the world", {}), b.tokenizer->encode("hello the world", {}));
}

TEST_F(WholeTrain, FactorsThatNoConfigHoldsAreRefusedBeforeTraining) {
  fields.model =
      (ondol::testing::golden_dir() / "models" / "llama3_untied_gguf" / "model.gguf").string();
  EXPECT_THROW(run(fields), Error);
}

TEST_F(WholeTrain, ACheckpointOfAnotherModelIsRefused) {
  run(fields);
  TrainFields other = fields;
  other.model = (ondol::testing::golden_dir() / "models" / "llama3_untied").string();
  EXPECT_THROW(run(other, {.resume = true}), Error);
  other = fields;
  other.use_peft = true;
  EXPECT_THROW(run(other, {.resume = true}), Error);
}

TEST_F(WholeTrain, WrongFormsAndFrozenNamesAreNamed) {
  fields.weight_form = "int4";
  EXPECT_THROW(run(fields), Error);
  fields.weight_form = "bf16";
  fields.freeze = {"no_such_weight"};
  EXPECT_THROW(run(fields), Error);
}

TEST_F(WholeTrain, ANewModelLearnsBytesOfAText) {
  as_pretraining();
  const TrainSummary done = run(fields);
  ASSERT_TRUE(done.first_eval && done.best_eval);
  EXPECT_NEAR(*done.first_eval, std::log(288.0), 0.2);  // knows nothing
  EXPECT_LT(*done.best_eval, *done.first_eval - 0.5);
  ThreadPool pool(1);
  const Model model = load_model(done.adapter, pool);
  EXPECT_EQ(model.tokenizer->decode(model.tokenizer->encode("any \xFF bytes", {})),
            "any \xFF bytes");
  EXPECT_EQ(model.tokenizer->end_of_generation().size(), 1U);
}

TEST_F(WholeTrain, PretrainingResumesToTheSameBits) {
  as_pretraining();
  expect_resumed_bits(12);
}

TEST_F(WholeTrain, PretrainingTakesATokenizerAndAConfiguration) {
  as_pretraining();
  fields.max_steps = 2;
  fields.tokenizer = (tiny_llama() / "tokenizer.json").string();
  fields.model_config = (tiny_llama() / "config.json").string();
  const TrainSummary done = run(fields);
  ThreadPool pool(1);
  const Model model = load_model(done.adapter, pool), like = load_model(tiny_llama(), pool);
  EXPECT_EQ(model.info.parameters, like.info.parameters);
  EXPECT_EQ(model.tokenizer->config().pieces, like.tokenizer->config().pieces);
  fields.output_dir += "2";
  fields.model_config = (ondol::testing::golden_dir() / "models" / "bert" / "config.json").string();
  EXPECT_THROW(run(fields), Error);
  fields.model_config = "";
  fields.num_attention_heads = 5;
  EXPECT_THROW(run(fields), Error);
}

}  // namespace
}  // namespace ondol::app::testing
