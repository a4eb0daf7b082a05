// Encoders from nothing to labels: a tokenizer, hidden words, a classifier whose folder `predict`
// takes; sentence vectors whose folder is an embedder; stopped runs end with the same bits.
#include <gtest/gtest.h>

#include <fstream>

#include "app/predict.h"
#include "app/train_test_support.h"
#include "app/train_tokenizer.h"
#include "base/files.h"

namespace ondol::app::testing {
namespace {

class EncoderTrain : public ::testing::Test {
 protected:
  EncoderTrain() {
    std::ofstream rows(path("labelled.jsonl"));
    std::ofstream pairs(path("pairs.jsonl"));
    const char* warm[] = {"the floor is warm", "a warm room", "warm tea at night"};
    const char* cold[] = {"the wind is cold", "a cold lake", "cold rain at night"};
    for (int i = 0; i < 60; ++i) {
      const bool is_warm = i % 2 == 0;
      // Pointers: GCC 12 with its sanitizers reads element 0 of `(a ? b : c)[i]`, b and c arrays.
      const char* const* side = is_warm ? warm : cold;
      const char* const* other = i % 3 == 0 ? warm : cold;
      const std::string text = std::string(side[i % 3]) + " day " + std::to_string(i % 7);
      rows << R"({"text": ")" << text << R"(", "label": ")" << (is_warm ? "warm" : "cold")
           << "\"}\n";
      pairs << R"({"sentence1": ")" << text << R"(", "sentence2": ")" << other[i % 2]
            << R"(", "score": )" << ((i % 3 == 0) == is_warm ? 4.5 : 0.5) << "}\n";
    }
  }

  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  TrainFields fields(const char* method, const std::string& data, const std::string& out) const {
    TrainFields f = default_train_fields(method);
    f.dataset = {path(data)};
    f.output_dir = path(out);
    f.max_steps = 8;
    f.eval_steps = 4;
    f.save_steps = 4;
    f.logging_steps = 1;
    f.max_length = 32;
    f.validation_split = 0.2;
    f.per_device_train_batch_size = 8;
    f.learning_rate = 3e-3;
    return f;
  }
  TrainFields small_encoder(const std::string& out) const {
    TrainFields f = fields("mlm", "labelled.jsonl", out);
    f.tokenizer = path("pieces");
    f.hidden_size = 32;
    f.num_hidden_layers = 2;
    f.num_attention_heads = 2;
    return f;
  }
  void make_tokenizer() {
    train_tokenizer_run({.type = "wordpiece", .vocab_size = 120}, {path("labelled.jsonl")},
                        path("pieces"), pool, silent);
  }
  Session session() const { return Session({folder.path() / "home"}, {.threads = 2}); }
  TrainSummary run(const char* method, const TrainFields& f, TrainJob job = {}) const {
    Session own = session();
    return train_run(method, f, own, job);
  }

  TempFolder folder;
  ThreadPool pool{2};
  SilentProgress silent;
};

TEST_F(EncoderTrain, FromNothingToLabels) {
  make_tokenizer();
  const TrainSummary hidden = run("mlm", small_encoder("encoder"));
  EXPECT_TRUE(hidden.is_model);
  ASSERT_TRUE(hidden.best_eval && hidden.first_eval);
  EXPECT_LT(*hidden.best_eval, *hidden.first_eval);

  TrainFields labels = fields("classify", "labelled.jsonl", "labels");
  labels.model = hidden.adapter.string();
  labels.max_steps = 40;
  labels.save_steps = labels.eval_steps = 20;
  const TrainSummary done = run("classify", labels);
  EXPECT_EQ(done.use, "ondol predict --dataset FILE -m");
  Session own = session();
  const PredictSummary said = predict_rows(
      own, {.model = done.adapter.string(), .dataset = {path("labelled.jsonl")}}, silent);
  EXPECT_TRUE(said.are_labels);
  ASSERT_EQ(said.rows.size(), 60U);
  EXPECT_GE(said.exact, 55);  // one word tells them apart
}

TEST_F(EncoderTrain, StoppedAndResumedEndsWithTheSameBits) {
  make_tokenizer();
  TrainFields whole = small_encoder("whole"), other = small_encoder("stopped");
  run("mlm", whole);
  StopAfter stop(4);
  EXPECT_THROW(run("mlm", other, {.progress = &stop}), Error);
  run("mlm", other, {.resume = true});
  for (const char* name : {"model.safetensors", "head.safetensors", "optimizer.safetensors"}) {
    EXPECT_EQ(read_file(fs::path(whole.output_dir) / "checkpoint-8" / name),
              read_file(fs::path(other.output_dir) / "checkpoint-8" / name))
        << name;
  }
}

TEST_F(EncoderTrain, SentenceVectorsFollowScores) {
  TrainFields near = fields("embed", "pairs.jsonl", "near");
  near.model = (ondol::testing::golden_dir() / "models" / "bert").string();
  near.max_steps = 20;
  std::vector<double> correlations;
  const TrainSummary done = run("embed", near, {.on_metrics = [&](const train::LogEntry& entry) {
                                  for (const auto& [name, value] : entry.values) {
                                    if (name == "eval_spearman") correlations.push_back(value);
                                  }
                                }});
  ASSERT_GE(correlations.size(), 3U);
  EXPECT_GT(correlations.back(), correlations.front()) << ::testing::PrintToString(correlations);
  Session own = session();
  EXPECT_EQ(own.embedder(done.adapter.string()).dimensions(), 64);
}

TEST_F(EncoderTrain, WhatDoesNotFitIsRefused) {
  const auto said = [&](const char* method, const TrainFields& f) -> std::string {
    try {
      run(method, f);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string bert = (ondol::testing::golden_dir() / "models" / "bert").string();
  TrainFields f = fields("classify", "pairs.jsonl", "a");
  f.model = bert;
  EXPECT_NE(said("classify", f).find("ondol train embed"), std::string::npos)
      << said("classify", f);
  f = fields("embed", "labelled.jsonl", "b");
  f.model = bert;
  EXPECT_NE(said("embed", f).find("ondol train classify"), std::string::npos);
  f.model = tiny_llama().string();
  EXPECT_NE(said("embed", f).find("needs an encoder"), std::string::npos) << said("embed", f);
  f.use_peft = true;
  EXPECT_NE(said("embed", f).find("use_peft"), std::string::npos);
  f = fields("sft", "labelled.jsonl", "c");
  f.model = bert;
  EXPECT_NE(said("sft", f).find("no decoder"), std::string::npos) << said("sft", f);
  EXPECT_THROW(default_train_fields("sfd"), Error);
}

TEST_F(EncoderTrain, AFolderWithoutAClassifierSaysSo) {
  Session own = session();
  const std::string bert = (ondol::testing::golden_dir() / "models" / "bert").string();
  EXPECT_THROW(predict_rows(own, {.model = bert, .dataset = {path("labelled.jsonl")}}, silent),
               Error);
}

}  // namespace
}  // namespace ondol::app::testing
