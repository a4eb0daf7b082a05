// The search over settings on a tiny model: what it tries is fixed, what it keeps is the best, and
// an interrupted one ends as one that was not.
#include "app/train_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "app/test_support.h"
#include "app/train_config.h"
#include "base/files.h"
#include "models/adapter_file.h"

namespace ondol::app::testing {
namespace {

class TrainSearch : public ::testing::Test {
 protected:
  TrainSearch() {
    std::ofstream rows(folder.path() / "train.jsonl");
    for (int i = 0; i < 30; ++i) {
      rows << R"({"prompt": "count )" << i << R"( then", "completion": " next )" << i + 1 << R"("})"
           << "\n";
    }
    fields.model = tiny_llama().string();
    fields.dataset = {(folder.path() / "train.jsonl").string()};
    fields.validation_split = 0.2;
    fields.output_dir = (folder.path() / "search").string();
    fields.max_length = 64;
    fields.max_steps = 9;
    fields.lora_r = 4;
    fields.learning_rate = 1e-2;
  }

  SearchSummary search(const SearchJob& job = {}, int64_t trials = 4) const {
    Session session({folder.path() / "home"}, {.threads = 2});
    return search_sft(fields, session, job, {.trials = trials});
  }

  TempFolder folder;
  TrainFields fields;
};

TEST_F(TrainSearch, CandidatesFollowFromTheSeed) {
  EXPECT_EQ(train_toml(search_candidate(fields, 0, 64)), train_toml(fields));
  std::set<std::string> seen;
  for (int64_t i = 1; i < 40; ++i) {
    const TrainFields f = search_candidate(fields, i, 8);
    EXPECT_EQ(train_toml(f), train_toml(search_candidate(fields, i, 8)));
    seen.insert(train_toml(f));
    EXPECT_GE(f.learning_rate, 1.9e-3);
    EXPECT_LE(f.learning_rate, 5.1e-2);
    EXPECT_GE(f.lora_r, 1);
    EXPECT_LE(f.lora_r, 8);
    EXPECT_DOUBLE_EQ(f.lora_alpha / static_cast<double>(f.lora_r), fields.lora_alpha / 4);
    EXPECT_GE(f.max_steps, 5);
  }
  EXPECT_GT(seen.size(), 35U);
  TrainFields other = fields;
  other.seed = 7;
  EXPECT_NE(train_toml(search_candidate(other, 1, 8)), train_toml(search_candidate(fields, 1, 8)));
}

TEST_F(TrainSearch, KeepsTheBestAndSaysWhatItTried) {
  int ran = 0;
  const SearchSummary found = search({.on_trial = [&](const SearchTrial&, int) { ++ran; }});
  EXPECT_EQ(found.rounds, 2);
  ASSERT_EQ(found.trials.size(), 4U);
  EXPECT_EQ(ran, 4 + 2);  // four begin, two go on
  const SearchTrial& best = found.trials.front();
  EXPECT_EQ(best.steps, best.total_steps);
  for (const SearchTrial& trial : found.trials) {
    ASSERT_TRUE(trial.loss);
    EXPECT_EQ(trial.rounds,
              trial.number == best.number || trial.number == found.trials[1].number ? 2 : 1);
    EXPECT_GE(*trial.loss, *best.loss);
    if (trial.rounds == 1) {
      EXPECT_EQ(trial.steps, (trial.total_steps + 2) / 3);
    }
  }
  EXPECT_LT(*best.loss, *found.first_eval);
  const nlohmann::json json = nlohmann::json::parse(read_file(found.folder / "search.json"));
  EXPECT_EQ(json["trials"][0]["trial"], best.number);
  EXPECT_EQ(json["trials"][0]["best_eval_loss"], *best.loss);
  EXPECT_NE(read_file(found.folder / "report.html").find("<table>"), std::string::npos);
  EXPECT_NE(search_text(found).find("rank"), std::string::npos);
  TrainFields settings;
  read_train_config(read_file(found.folder / "best.toml"), "best.toml", settings);
  EXPECT_EQ(settings.learning_rate, best.fields.learning_rate);
  ThreadPool pool(1);
  const Model model = load_model(fields.model, pool);
  EXPECT_EQ(load_adapter(found.folder / "best", model).hash,
            load_adapter(best.adapter, model).hash);
}

// Asks to stop in the middle of a later trial.
class StopInTrial final : public ProgressSink {
 public:
  explicit StopInTrial(int updates) : left_(updates) {}
  void update(std::string_view stage, uint64_t, uint64_t) override {
    if (stage.ends_with("train") && --left_ == 0) throw Error(ErrorCode::kCancelled, "stopped");
  }
  void notice(std::string_view) override {}

 private:
  int left_;
};

TEST_F(TrainSearch, InterruptedItGoesOnToTheSameResult) {
  const std::string whole = search_json(search());
  const std::string folder_name = fields.output_dir;
  fields.output_dir = (folder.path() / "other").string();
  for (const int updates : {2, 9, 16}) {
    StopInTrial stop(updates);
    EXPECT_THROW(search({.resume = true, .progress = &stop}), Error) << updates;
  }
  const auto results = [](const std::string& text) {
    std::string found;
    const nlohmann::json all = nlohmann::json::parse(text);  // outlives what is read of it
    for (const auto& trial : all["trials"]) {
      found += trial["trial"].dump() + " " + trial["best_eval_loss"].dump() + " " +
               trial["steps"].dump() + "\n";
    }
    return found;
  };
  EXPECT_EQ(results(search_json(search({.resume = true}))), results(whole));
  fields.output_dir = folder_name;
  EXPECT_THROW(search(), Error);  // a search is there already
}

TEST_F(TrainSearch, WithoutValidationRowsNothingCanBeChosen) {
  fields.validation_split = 0;
  EXPECT_THROW(search(), Error);
  fields.validation_split = 0.2;
  EXPECT_THROW(search({}, 0), Error);
}

}  // namespace
}  // namespace ondol::app::testing
