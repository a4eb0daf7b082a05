// `ondol train sft` on a mixture, with a tiny model: held-out tasks are measured and not learned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "app/train_test_support.h"
#include "models/adapter_file.h"

namespace ondol::app::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kMixture = R"(
[[task]]
name = "count"
file = "count.jsonl"
shots = 1
template = [{ input = "count {{ n }}", target = "next {{ n + 1 }}" },
            { input = "what follows {{ n }}", target = "{{ n + 1 }}" }]
[[task]]
name = "back"
file = "count.jsonl"
where = { side = "b" }
held_out = true
template = [{ input = "before {{ n }}", target = "{{ n - 1 }}" }]
)";

class TrainMixture : public ::testing::Test {
 protected:
  TrainMixture() {
    fields = short_run(folder.path());
    fields.dataset.clear();
    fields.mixture = (folder.path() / "mix.toml").string();
    fields.lora_r = 2;
    fields.learning_rate = 1e-2;
    std::string rows;
    for (int i = 0; i < 40; ++i) {
      rows += R"({"n": )" + std::to_string(i) + R"(, "side": ")" + (i % 8 ? "a" : "b") + "\"}\n";
    }
    write_file_atomic(folder.path() / "count.jsonl", rows);
    write_file_atomic(fields.mixture, kMixture);
  }

  TrainSummary run(const TrainFields& f, TrainJob job = {},
                   const std::string& method = "sft") const {
    Session session({folder.path() / "home"}, {.threads = 2});
    return train_run(method, f, session, job);
  }
  static std::string weights(const fs::path& run) {
    return read_file(run / "checkpoint-6" / "adapter_model.safetensors");
  }

  TempFolder folder;
  TrainFields fields;
};

TEST_F(TrainMixture, HeldOutTasksAreMeasuredAtEveryValidation) {
  std::vector<std::map<std::string, double>> entries;
  std::string words;
  const TrainSummary done =
      run(fields, {.on_metrics =
                       [&](const train::LogEntry& entry) {
                         entries.emplace_back(entry.values.begin(), entry.values.end());
                       },
                   .on_words = [&](const std::string& text) { words += text + "\n"; }});
  EXPECT_THAT(words, HasSubstr("count 100.0 %; held out: back (5 rows)"));
  size_t validations = 0;
  for (const auto& values : entries) {
    if (!values.contains("eval_loss")) continue;
    ++validations;
    ASSERT_TRUE(values.contains("eval_back_loss"));
    EXPECT_GT(values.at("eval_back_loss"), 0);
    EXPECT_LE(values.at("eval_back_exact"), 1);
    EXPECT_NE(values.at("eval_back_loss"), values.at("eval_loss"));
  }
  EXPECT_EQ(validations, 4U);  // before the first step, and three times two steps
  ASSERT_EQ(done.held_out.size(), 1U);
  EXPECT_EQ(done.held_out[0].name, "back");
  EXPECT_EQ(done.held_out[0].loss_before, entries[0].at("eval_back_loss"));
  EXPECT_LT(done.held_out[0].loss_after, done.held_out[0].loss_before);
  EXPECT_THAT(read_file(fs::path(fields.output_dir) / "report.html"), HasSubstr("held out: back"));
  EXPECT_THAT(read_file(fs::path(fields.output_dir) / "metrics.jsonl"),
              HasSubstr("eval_back_loss"));
  const std::string environment = read_file(fs::path(fields.output_dir) / "env.json");
  EXPECT_THAT(environment, HasSubstr("mix.toml"));
  EXPECT_THAT(environment, HasSubstr("count.jsonl"));
}

// The loss of a held-out task is what validation says of the same rows.
TEST_F(TrainMixture, TheLossIsThatOfTheSameRowsAsValidation) {
  std::string rows;
  for (int i = 0; i < 40; i += 8) {
    rows += R"({"inputs": "before )" + std::to_string(i) + R"(", "targets": ")" +
            std::to_string(i - 1) + "\"}\n";
  }
  write_file_atomic(folder.path() / "same.jsonl", rows);
  fields.validation_dataset = {(folder.path() / "same.jsonl").string()};
  fields.max_steps = 1;
  bool compared = false;
  run(fields, {.on_metrics = [&](const train::LogEntry& entry) {
        const std::map<std::string, double> values(entry.values.begin(), entry.values.end());
        if (!values.contains("eval_loss")) return;
        compared = true;
        EXPECT_NEAR(values.at("eval_back_loss"), values.at("eval_loss"), 1e-5);
        EXPECT_NEAR(values.at("eval_back_accuracy"), values.at("eval_accuracy"), 1e-9);
      }});
  EXPECT_TRUE(compared);
}

TEST_F(TrainMixture, StoppedAndResumedEndsWithTheSameBits) {
  run(fields);
  TrainFields other = fields;
  other.output_dir = (folder.path() / "stopped").string();
  StopAfter stop(4);
  EXPECT_THROW(run(other, {.progress = &stop}), Error);
  const TrainSummary done = run(other, {.resume = true});
  EXPECT_TRUE(weights(other.output_dir) == weights(fields.output_dir));
  ASSERT_EQ(done.held_out.size(), 1U);
  EXPECT_NE(done.held_out[0].loss_before, done.held_out[0].loss_after);
}

TEST_F(TrainMixture, HeldOutTasksAreMeasuredWithoutValidationRowsToo) {
  fields.validation_split = 0;
  const TrainSummary done = run(fields);
  EXPECT_FALSE(done.best_eval);
  ASSERT_EQ(done.held_out.size(), 1U);
  EXPECT_LT(done.held_out[0].loss_after, done.held_out[0].loss_before);
}

TEST_F(TrainMixture, RefusesWhatDoesNotGoTogether) {
  const auto fault = [&](const TrainFields& f, const std::string& method = "sft") {
    return error_text([&] { run(f, {}, method); }, ErrorCode::kInvalidArgument);
  };
  TrainFields f = fields;
  f.dataset = {"rows.jsonl"};
  EXPECT_THAT(fault(f), HasSubstr("dataset and mixture are both given"));
  f = fields;
  f.dataset_format = "text";
  EXPECT_THAT(fault(f), HasSubstr("dataset_format; the templates"));
  f = fields;
  f.hidden_size = 32;
  EXPECT_THAT(fault(f, "pretrain"), HasSubstr("mixture; it is for sft and seq2seq"));
  f = fields;
  f.mixture.clear();
  EXPECT_THAT(fault(f), HasSubstr("no rows to learn"));
}

}  // namespace
}  // namespace ondol::app::testing
