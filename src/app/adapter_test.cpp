// Adapters in recipes: loaded once, checked against the model, part of every key.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "app/assistant.h"
#include "app/compare.h"
#include "app/test_support.h"

namespace ondol::app {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::make_workspace;
using testing::TempFolder;

namespace fs = std::filesystem;

constexpr int64_t kQuestions = 6;  // of the test split
constexpr const char* kRecipes = R"(
[recipe.bare]
prompt = { system = "S", user_template = "{question}" }
decode = { max_tokens = 8, temperature = 20.0 }

[recipe.adapted]
adapter = "runs/x/best"
prompt = { system = "S", user_template = "{question}" }
decode = { max_tokens = 8, temperature = 20.0 }

[recipe.other]
adapter = "runs/y.gguf"
prompt = { system = "S", user_template = "{question}" }
decode = { max_tokens = 8, temperature = 20.0 }
)";

class AdapterRecipes : public ::testing::Test {
 protected:
  AdapterRecipes() : workspace(make_workspace(folder.path(), kRecipes)) {
    const fs::path golden = ondol::testing::golden_dir() / "adapters" / "plain";
    fs::create_directories(folder.path() / "runs" / "x");
    fs::copy(golden, folder.path() / "runs" / "x" / "best", fs::copy_options::recursive);
    fs::copy_file(golden / "adapter.gguf", folder.path() / "runs" / "y.gguf");
  }

  static Session make_session() { return Session(Home{"/nonexistent"}, {.threads = 1}); }
  CompareOutcome run(std::vector<std::string> recipes = {}) {
    Session session = make_session();
    SilentProgress progress;
    CompareOptions options{.latency_questions = 0, .command = "ondol compare"};
    options.recipes = std::move(recipes);
    return compare(workspace, session, options, progress);
  }
  void change_config(const std::function<void(nlohmann::json&)>& change) {
    const fs::path file = folder.path() / "runs" / "x" / "best" / "adapter_config.json";
    nlohmann::json config = nlohmann::json::parse(read_file(file));
    change(config);
    write_file_atomic(file, config.dump());
  }

  TempFolder folder;
  Workspace workspace;
};

TEST_F(AdapterRecipes, CompareTakesThemAndKeysByTheirHash) {
  const CompareOutcome first = run({"bare", "adapted"});
  EXPECT_EQ(first.answers_computed, 2 * kQuestions);
  size_t different = 0;
  for (const eval::ReportQuestion& question : first.report.questions) {
    EXPECT_EQ(question.answers.at(0).error + question.answers.at(1).error, "");
    different += question.answers[0].text != question.answers[1].text;
  }
  EXPECT_GT(different, 0U);
  const std::string report = eval::report_json(first.report);
  EXPECT_THAT(report, HasSubstr("adapter of adapted"));
  EXPECT_THAT(report, HasSubstr("runs/x/best ("));
  EXPECT_EQ(run({"bare", "adapted"}).answers_computed, 0);
  // The same matrices in another file are the same adapter.
  EXPECT_EQ(run({"other"}).answers_computed, 0);
  change_config([](nlohmann::json& config) { config["lora_alpha"] = 9; });
  const CompareOutcome louder = run({"bare", "adapted"});
  EXPECT_EQ(louder.answers_computed, kQuestions);
}

TEST_F(AdapterRecipes, AnAssistantTalksToTheAdaptedModel) {
  Session session = make_session();
  const Assistant bare(workspace, session, "bare"), adapted(workspace, session, "adapted");
  EXPECT_EQ(
      adapted.generator().id(),
      bare.generator().id() + "/adapter " +
          session.adapter(testing::tiny_llama().string(), folder.path() / "runs" / "x" / "best")
              ->hash);
  const Query query{.text = "How many days of leave?"};
  EXPECT_NE(adapted.answer(query, {}).text, bare.answer(query, {}).text);
}

TEST_F(AdapterRecipes, WhatOfTheFileWasNotUsedIsSaidOnce) {
  change_config([](nlohmann::json& config) { config["use_new_thing"] = 3; });
  Session session = make_session();
  const Assistant first(workspace, session, "adapted"), second(workspace, session, "adapted");
  const std::vector<std::string> notices = session.take_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_THAT(notices[0], HasSubstr("use_new_thing"));
  EXPECT_TRUE(session.take_notices().empty());
}

TEST_F(AdapterRecipes, ErrorsComeBeforeTheFirstAnswer) {
  change_config([](nlohmann::json& config) { config["use_dora"] = true; });
  EXPECT_THAT(error_text([&] { run(); }, ErrorCode::kCorruptData),
              HasSubstr("lora_magnitude_vector"));
  std::filesystem::remove_all(folder.path() / "runs");
  EXPECT_THAT(error_text([&] { run(); }, ErrorCode::kNotFound), HasSubstr("there is no"));
}

}  // namespace
}  // namespace ondol::app
