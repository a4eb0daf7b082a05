#include "app/compare.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "app/test_support.h"

namespace ondol::app {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::make_workspace;
using testing::TempFolder;

constexpr const char* kBare = R"(
[recipe.bare]
prompt = { system = "S", user_template = "{question}" }
decode = { max_tokens = 6 }
)";
constexpr const char* kFound = R"(
[recipe.found]
prompt = { system = "S", user_template = "{passages}{question}" }
knowledge = [ { kind = "bm25", top_k = 1 } ]
refuse = { mode = "off" }
decode = { max_tokens = 6 }
)";
constexpr const char* kHot = R"(
[recipe.hot]
prompt = { system = "S", user_template = "{question}" }
decode = { max_tokens = 6, temperature = 2.0 }
)";
constexpr const char* kFitted = R"(
[recipe.fitted]
prompt = { system = "S", user_template = "{passages}{question}" }
knowledge = [ { kind = "bm25", top_k = 1 } ]
decode = { max_tokens = 6 }
)";
constexpr int64_t kQuestions = 6;  // of the test split

// The tiny model knows nothing; what it says is the same every time, and that is all these tests
// need.
class Compare : public ::testing::Test {
 protected:
  static Session make_session() { return Session(Home{"/nonexistent"}, {.threads = 1}); }
  static CompareOptions fast() { return {.latency_questions = 0, .command = "ondol compare"}; }
  static Workspace ingested(const std::filesystem::path& folder, const std::string& recipes) {
    Workspace workspace = make_workspace(folder, recipes);
    Session session = make_session();
    SilentProgress progress;
    ingest_workspace(workspace, session, {}, progress);
    return workspace;
  }
  static CompareOutcome run(const Workspace& workspace, const CompareOptions& options = fast()) {
    Session session = make_session();
    SilentProgress progress;
    return compare(workspace, session, options, progress);
  }
  static std::vector<std::string> answers(const CompareOutcome& outcome) {
    std::vector<std::string> all;
    for (const eval::ReportQuestion& question : outcome.report.questions) {
      for (const eval::ReportAnswer& answer : question.answers) {
        EXPECT_EQ(answer.error, "");
        all.push_back(question.id + ": " + answer.text + " " + std::to_string(answer.score));
        for (const std::string& repeat : answer.other_repeats) all.push_back(repeat);
      }
    }
    return all;
  }
  TempFolder folder;
};

TEST_F(Compare, WritesAReportAndARecommendation) {
  const Workspace workspace = ingested(folder.path(), std::string(kBare) + kFound);
  CompareOptions options = fast();
  options.latency_questions = 3;
  const CompareOutcome outcome = run(workspace, options);
  EXPECT_EQ(outcome.answers_computed, 2 * kQuestions);
  const auto report = nlohmann::json::parse(read_file(outcome.folder / "report.json"));
  EXPECT_EQ(report.at("questions").size(), static_cast<size_t>(kQuestions));
  EXPECT_EQ(report.at("recipes").size(), 2U);
  EXPECT_THAT(read_file(outcome.folder / "report.html"), HasSubstr("</html>"));
  ASSERT_GE(outcome.report.decision.chosen, 0);
  const RecipeBook book = parse_recipes(read_file(outcome.recommended), "recommended.toml");
  ASSERT_EQ(book.recipes.size(), 1U);
  const std::string name = book.recipes[0].name;
  EXPECT_EQ(name, outcome.report.recipes[static_cast<size_t>(outcome.report.decision.chosen)].name);
  EXPECT_EQ(outcome.report.recipes[0].cost.latency_questions, 3);
  for (const eval::ReportQuestion& question : outcome.report.questions) {
    ASSERT_EQ(question.answers.size(), 2U);
    EXPECT_TRUE(question.answers[0].passages.empty());
    ASSERT_EQ(question.answers[1].passages.size(), 1U);
    EXPECT_TRUE(question.answers[1].passages[0].gold) << question.question;
  }

  apply_recommendation(workspace, outcome);
  const Workspace again = Workspace::open(folder.path());
  EXPECT_EQ(again.book().chosen, name);
  EXPECT_EQ(again.book().recipes.size(), 2U);
}

TEST_F(Compare, AnInterruptedOneGoesOnWhereItStopped) {
  const std::string recipes = std::string(kBare) + kFound + kHot;
  CompareOptions options = fast();
  options.repeats = 2;
  const int64_t all = kQuestions + kQuestions + 2 * kQuestions;  // only `hot` differs a repeat
  const TempFolder other;
  const CompareOutcome whole = run(ingested(other.path(), recipes), options);
  EXPECT_EQ(whole.answers_computed, all);
  EXPECT_EQ(whole.answers_cached, 0);

  const Workspace workspace = ingested(folder.path(), recipes);
  int64_t interrupted = 0;
  int64_t cached_before = 0;
  for (const int64_t steps : {3, 9, 15}) {
    Session session = make_session();
    testing::StoppingProgress progress(steps);
    error_text([&] { compare(workspace, session, options, progress); }, ErrorCode::kCancelled);
    EXPECT_FALSE(std::filesystem::exists(workspace.runs()));  // no half report
    ++interrupted;
  }
  EXPECT_EQ(interrupted, 3);
  const CompareOutcome rest = run(workspace, options);
  EXPECT_EQ(rest.answers_computed + rest.answers_cached, all);
  EXPECT_GE(rest.answers_cached, 15);
  EXPECT_GT(rest.answers_computed, cached_before);
  EXPECT_EQ(answers(rest), answers(whole));

  const CompareOutcome again = run(workspace, options);
  EXPECT_EQ(again.answers_computed, 0);
  EXPECT_EQ(answers(again), answers(whole));
  EXPECT_NE(again.folder, rest.folder);
  options.fresh = true;
  EXPECT_EQ(run(workspace, options).answers_computed, all);
}

TEST_F(Compare, ANewRecipeOrDocumentIsAllThatIsComputed) {
  EXPECT_EQ(run(ingested(folder.path(), kBare)).answers_computed, kQuestions);
  const Workspace more = ingested(folder.path(), std::string(kBare) + kFound);
  CompareOutcome outcome = run(more);
  EXPECT_EQ(outcome.answers_computed, kQuestions);
  EXPECT_EQ(outcome.answers_cached, kQuestions);

  write_file_atomic(more.documents() / "desk.md", "# Desks\n\nDesks are green.\n");
  Session session = make_session();
  SilentProgress progress;
  ingest_workspace(more, session, {}, progress);
  outcome = run(more);
  EXPECT_EQ(outcome.answers_computed,
            2);  // the two questions about desks, of the recipe that looks
  EXPECT_EQ(outcome.answers_cached, 2 * kQuestions - 2);
}

TEST_F(Compare, AFittedRefusalIsWrittenDown) {
  const CompareOutcome outcome = run(ingested(folder.path(), kFitted));
  ASSERT_FALSE(outcome.recommended.empty());
  const RecipeBook book = parse_recipes(read_file(outcome.recommended), "recommended.toml");
  EXPECT_EQ(book.recipe("fitted").refusal.mode, "fixed");
  EXPECT_GE(book.recipe("fitted").refusal.threshold, 0);
}

TEST_F(Compare, RetrievalAloneNeedsNoModel) {
  ingested(folder.path(), "");
  // The model does not exist: nothing may load it.
  const Workspace workspace =
      make_workspace(folder.path(), std::string(kBare) + kFound, "/no/such/model");
  CompareOptions options = fast();
  options.retrieval_only = true;
  const CompareOutcome outcome = run(workspace, options);
  ASSERT_EQ(outcome.report.recipes.size(), 1U);  // `bare` looks nothing up
  EXPECT_EQ(outcome.report.recipes[0].name, "found");
  EXPECT_EQ(outcome.answers_computed, 0);
  for (const eval::ReportQuestion& question : outcome.report.questions) {
    EXPECT_EQ(question.answers.at(0).score, 1) << question.question;
  }
  EXPECT_THAT(error_text([&] { run(workspace); }, ErrorCode::kNotFound),
              HasSubstr("/no/such/model"));
}

TEST_F(Compare, ErrorsSayWhatToDo) {
  const Workspace workspace = make_workspace(folder.path(), std::string(kBare) + kFound);
  EXPECT_THAT(error_text([&] { run(workspace); }, ErrorCode::kNotFound), HasSubstr("ondol ingest"));
  const auto with = [&](auto change, ErrorCode code) {
    CompareOptions options = fast();
    options.recipes = {"bare"};
    change(options);
    return error_text([&] { run(workspace, options); }, code);
  };
  EXPECT_THAT(with([](auto& o) { o.recipes = {"bar"}; }, ErrorCode::kNotFound),
              HasSubstr("no recipe 'bar'"));
  EXPECT_THAT(with([](auto& o) { o.split = eval::Split::kDev; }, ErrorCode::kInvalidArgument),
              HasSubstr("split 'dev'"));
  EXPECT_THAT(with([](auto& o) { o.dataset = "nothing"; }, ErrorCode::kNotFound),
              HasSubstr("nothing"));
  EXPECT_THAT(with([](auto& o) { o.questions = "/no/questions.jsonl"; }, ErrorCode::kNotFound),
              HasSubstr("/no/questions.jsonl"));
  EXPECT_THAT(
      error_text([&] { run(make_workspace(folder.path(), "")); }, ErrorCode::kInvalidArgument),
      HasSubstr("no recipe to compare"));
  write_file_atomic(folder.path() / "questions.jsonl", "{\"question\": 7}\n");
  EXPECT_THAT(with([](auto&) {}, ErrorCode::kCorruptData), HasSubstr("line 1"));
}

// One question that does not fit is its own error; the others are answered.
TEST_F(Compare, AQuestionThatFailsIsRecordedAndTheOthersGoOn) {
  const Workspace workspace = make_workspace(folder.path(), kBare);
  std::string questions = read_file(workspace.questions());
  questions += R"({"id": "long", "question": ")" + std::string(400, 'x') +
               R"(", "answers": ["x"], "split": "test"})"
               "\n";
  write_file_atomic(workspace.questions(), questions);
  const CompareOutcome outcome = run(workspace);
  ASSERT_EQ(outcome.report.questions.size(), 7U);
  for (const eval::ReportQuestion& question : outcome.report.questions) {
    const eval::ReportAnswer& answer = question.answers.at(0);
    if (question.id == "long") {
      EXPECT_THAT(answer.error, HasSubstr("256"));
      EXPECT_EQ(answer.score, 0);
    } else {
      EXPECT_EQ(answer.error, "");
    }
  }
}

}  // namespace
}  // namespace ondol::app
