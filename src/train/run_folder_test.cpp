#include "train/run_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "train/run_test_support.h"

namespace ondol::train::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

LogEntry entry(int64_t step) {
  return {step, 0.5, {{"loss", 1.0 / static_cast<double>(step + 2)}, {"learning_rate", 2e-4}}};
}

TEST(RunFolder, KeepsWhatItIsGiven) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "runs" / "x";
  RunFolder run(path);
  run.write_text("config.toml", "seed = 42\n");
  run.write_environment({.version = "0.1.0",
                         .isa = "avx2",
                         .threads = 2,
                         .cpu_features = {"avx2", "fma"},
                         .model = "smollm2",
                         .model_sha256 = "ab",
                         .data = {{"train.jsonl", "cd"}}});
  EXPECT_EQ(read_file(path / "config.toml"), "seed = 42\n");
  const json environment = json::parse(read_file(path / "env.json"));
  EXPECT_EQ(environment["threads"], 2);
  EXPECT_EQ(environment["cpu_features"], json({"avx2", "fma"}));
  EXPECT_EQ(environment["data_sha256"]["train.jsonl"], "cd");
  run.start(0);
  for (const int64_t step : {1, 2, 3}) run.log(entry(step));
  EXPECT_EQ(read_file(path / "metrics.jsonl").substr(0, 58),
            R"({"epoch":0.5,"step":1,"loss":0.3333333333333333,"learning_)");
  EXPECT_EQ(run.metrics().size(), 3U);
}

TEST(RunFolder, ANumberThatIsNoneIsNull) {
  const TemporaryFolder folder;
  RunFolder run(folder.path());
  run.start(0);
  run.log({1, 0.5, {{"loss", NAN}, {"grad_norm", INFINITY}, {"odd \"name\"", 1}}});
  const json line = json::parse(read_file(folder.path() / "metrics.jsonl"));
  EXPECT_TRUE(line["loss"].is_null() && line["grad_norm"].is_null());
  EXPECT_EQ(line["odd \"name\""], 1);
  EXPECT_TRUE(std::isnan(run.metrics()[0].values[0].second));
}

// A run that was killed behind its last checkpoint goes on as if it had not been.
TEST(RunFolder, GoingOnDropsWhatCameAfterTheCheckpoint) {
  const TemporaryFolder folder;
  const fs::path metrics = folder.path() / "metrics.jsonl";
  {
    RunFolder run(folder.path());
    run.start(0);
    for (const int64_t step : {10, 20, 30}) run.log(entry(step));
  }
  const std::string whole = read_file(metrics);
  write_file_atomic(metrics, whole + R"({"step":40,"lo)");
  {
    RunFolder run(folder.path());
    EXPECT_EQ(run.metrics().size(), 3U);
    run.start(20);
    EXPECT_EQ(run.metrics().size(), 2U);
    run.log(entry(30));
  }
  EXPECT_EQ(read_file(metrics), whole);
  RunFolder run(folder.path());
  run.start(0);  // a new run
  EXPECT_TRUE(run.metrics().empty());
}

TEST(RunFolder, OneProcessAtATime) {
  const TemporaryFolder folder;
  {
    const RunFolder run(folder.path());
    EXPECT_NE(refusal(ErrorCode::kUnavailable, [&] { RunFolder second(folder.path()); }), "");
  }
  const RunFolder run(folder.path());
  write_file_atomic(folder.path() / "file", "x");
  EXPECT_NE(refusal(ErrorCode::kResourceExhausted,
                    [&] { RunFolder second(folder.path() / "file" / "run"); }),
            "");
}

TEST(RunFolder, SweepsWhatWasNotFinished) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / ".checkpoint-7.abcdef");
  write_file_atomic(folder.path() / ".checkpoint-7.abcdef" / "model.safetensors", "half");
  write_file_atomic(folder.path() / ".mine", "x");
  const RunFolder run(folder.path());
  EXPECT_FALSE(fs::exists(folder.path() / ".checkpoint-7.abcdef"));
  EXPECT_TRUE(fs::exists(folder.path() / ".mine"));
}

TEST(RunFolder, AFullDiskLeavesWholeLines) {
  const TemporaryFolder folder;
  RunFolder run(folder.path());
  run.start(0);
  run.log(entry(1));
  const std::string before = read_file(folder.path() / "metrics.jsonl");
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{before.size() + 5, limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string said = refusal(ErrorCode::kResourceExhausted, [&] { run.log(entry(2)); });
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::signal(SIGXFSZ, handler);
  EXPECT_NE(said.find("metrics.jsonl"), std::string::npos) << said;
  EXPECT_EQ(read_file(folder.path() / "metrics.jsonl"), before);
  run.log(entry(3));
  EXPECT_EQ(run.metrics().size(), 2U);
}

TEST(TrainerState, HasTheShapeOfTransformers) {
  TrainerState state;
  state.global_step = 30;
  state.epoch = 1.0 / 3;
  state.max_steps = 90;
  state.num_train_epochs = 1;
  state.logging_steps = 10;
  state.train_batch_size = 4;
  state.num_input_tokens_seen = 123456;
  state.best_metric = 1.25;
  state.best_global_step = 20;
  state.log_history = {entry(10), {20, 0.2, {{"eval_loss", 1.25}}}, {30, 0.3, {{"loss", NAN}}}};
  const json shape = json::parse(to_json(state, "runs/x/"));
  for (const char* name : {"best_global_step",
                           "best_metric",
                           "best_model_checkpoint",
                           "epoch",
                           "eval_steps",
                           "global_step",
                           "is_hyper_param_search",
                           "is_local_process_zero",
                           "is_world_process_zero",
                           "log_history",
                           "logging_steps",
                           "max_steps",
                           "num_input_tokens_seen",
                           "num_train_epochs",
                           "save_steps",
                           "stateful_callbacks",
                           "total_flos",
                           "train_batch_size",
                           "trial_name",
                           "trial_params"}) {
    EXPECT_TRUE(shape.contains(name)) << name;
  }
  EXPECT_EQ(shape["best_model_checkpoint"], "runs/x/checkpoint-20");
  EXPECT_EQ(shape["log_history"][1]["eval_loss"], 1.25);
  EXPECT_EQ(shape["log_history"][0]["step"], 10);
  const TrainerState back = parse_trainer_state(to_json(state, "runs/x/"), "here");
  EXPECT_EQ(to_json(back), to_json(state));
  EXPECT_EQ(back.epoch, state.epoch);
  EXPECT_EQ(back.log_history[0].values, state.log_history[0].values);
  EXPECT_TRUE(json::parse(to_json(TrainerState{}))["best_metric"].is_null());
}

TEST(TrainerState, WhatCannotBeReadIsAnError) {
  for (const char* bad : {"", "[]", "7", "{}", R"({"global_step":"x","log_history":[]})",
                          R"({"global_step":1,"log_history":[{"loss":1}]})",
                          R"({"global_step":1,"log_history":7})", R"({"global_step":1)"}) {
    EXPECT_NE(refusal(ErrorCode::kCorruptData, [&] { parse_trainer_state(bad, "x/state.json"); })
                  .find("x/state.json"),
              std::string::npos)
        << bad;
  }
}

}  // namespace
}  // namespace ondol::train::testing
