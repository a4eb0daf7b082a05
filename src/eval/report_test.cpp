#include "eval/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/rng.h"
#include "support/paths.h"

namespace ondol::eval {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct SampleRecipe {
  const char* name;
  Text description;
  double rate, latency, tokens;
  bool retrieves;
};

// What a 135M model does on a handbook: it cannot know the facts, and half finds them in passages.
const std::vector<SampleRecipe>& sample_recipes() {
  static const std::vector<SampleRecipe> rows = {
      {"zero-shot", {"the question alone", "질문만"}, .04, .34, 58, false},
      {"few-shot",
       {"three worked examples first", "예시 세 개를 먼저 보여 줌"},
       .05,
       .52,
       240,
       false},
      {"chain-of-thought", {"think first, then answer", "먼저 생각하고 답함"}, .04, 1.9, 75, false},
      {"bm25", {"passages found by words", "낱말로 찾은 문단"}, .45, 1.05, 610, true},
      {"vector", {"passages found by meaning", "뜻으로 찾은 문단"}, .41, 1.11, 640, true},
      {"hybrid", {"both searches joined", "두 검색을 합침"}, .48, 1.18, 655, true}};
  return rows;
}

struct SampleFact {
  const char *question, *answer, *quote, *document;
};
const std::vector<SampleFact>& sample_facts() {
  static const std::vector<SampleFact> rows = {
      {"How many days of leave does a new member of staff get in the first year?", "17 days",
       "In the first year every member of staff has 17 days of leave.", "people/leave.md"},
      {"Who signs for travel above 400 euros?", "the harbour master",
       "Travel above 400 euros is signed by the harbour master.", "money/travel.md"},
      {"What is the password rule for the boat shed tablets?", "", "", "it/tablets.html"},
      {"재택근무는 일주일에 며칠까지 할 수 있습니까?", "이틀",
       "재택근무는 일주일에 이틀까지 할 수 있습니다.", "people/remote.md"},
      {"Which form reports a broken winch?", "form W-12",
       "A broken winch is reported the same day on form W-12.", "safety/winches.csv"}};
  return rows;
}

ReportAnswer sample_answer(const SampleRecipe& recipe, const SampleFact& fact, bool right) {
  ReportAnswer answer{.score = right ? 1.0 : 0.0, .latency_s = recipe.latency};
  const bool unanswerable = fact.answer[0] == 0;
  answer.refused = unanswerable && right;
  answer.text = answer.refused ? "The documents do not say."
                : right        ? fmt::format("It is {}, as the handbook says.", fact.answer)
                        : "A member of staff can ask the office, which will be happy to help.";
  answer.prompt =
      fmt::format("<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n", fact.question);
  answer.tokens_in = static_cast<int64_t>(recipe.tokens);
  answer.tokens_out = 14;
  answer.metrics = {{"contains", answer.score},
                    {"f1", right ? .4 : .05},
                    {"refusal", answer.refused == unanswerable ? 1.0 : 0.0}};
  if (recipe.retrieves) {
    const std::string text =
        "Section 4 of the handbook. " + std::string(fact.quote) + " Ask if unsure.";
    ReportPassage passage{.document = fact.document, .heading = "Rules > Everyday", .text = text};
    passage.cited = right;
    passage.gold = !unanswerable;
    if (!unanswerable) passage.highlights = {{27, 27 + std::string(fact.quote).size()}};
    answer.passages = {passage,
                       {.document = "about/history.md", .text = "The harbour opened in 1911."}};
    answer.metrics.push_back({"recall@5", right ? 1.0 : .5});
  }
  return answer;
}

CompareReport sample_report(int questions) {
  const size_t recipes = sample_recipes().size();
  CompareReport report{.title = "Harbour handbook",
                       .created = "2026-01-05 09:30 UTC",
                       .program = "ondol 0.1.0",
                       .command = "ondol compare --split test",
                       .split = "test"};
  DecisionInput input{.cube = ScoreCube(static_cast<int>(recipes), questions)};
  for (const SampleRecipe& row : sample_recipes()) {
    const RecipeCost cost{row.latency,
                          row.latency * 1.6,
                          row.latency * .7,
                          row.tokens,
                          14,
                          row.latency * 1.9,
                          612e6,
                          row.retrieves ? 4.2 : 0,
                          20};
    report.recipes.push_back(
        {row.name, row.description,
         fmt::format("[recipe.{}]\nmodel = \"smollm2-135m-instruct\"\n", row.name), cost});
    input.recipes.push_back({row.name, cost});
  }
  Rng rng(20260105);
  for (int q = 0; q < questions; ++q) {
    const SampleFact& fact = sample_facts()[static_cast<size_t>(q) % sample_facts().size()];
    ReportQuestion question{
        .id = fmt::format("q{}", q), .question = fact.question, .metric = "contains"};
    question.metric_why = {"the expected answer is short", "정답이 짧습니다"};
    question.unanswerable = fact.answer[0] == 0;
    if (!question.unanswerable) {
      question.gold_answers = {fact.answer};
      question.gold = {{fact.document, fact.quote}};
    }
    const double shared = rng.uniform();
    for (size_t r = 0; r < recipes; ++r) {
      const bool right = (rng.uniform() < .75 ? shared : rng.uniform()) < sample_recipes()[r].rate;
      input.cube.at(static_cast<int>(r), q) = right;
      question.answers.push_back(sample_answer(sample_recipes()[r], fact, right));
    }
    report.questions.push_back(std::move(question));
  }
  report.decision = decide(input);
  report.metrics = summarize_metrics(report.questions, recipes);
  report.environment = {{{"Processor", "프로세서"}, "2 cores, AVX-512, VNNI"},
                        {{"Model", "모델"}, "SmolLM2-135M-Instruct.Q4_1.gguf"}};
  report.warnings = {
      {"The embedding model knows English only; vector search on Korean documents is off.",
       "임베딩 모델이 영어만 알기 때문에 한국어 문서의 벡터 검색은 꺼져 있습니다."}};
  report.next = {{{"use the recommended recipe from now on", "추천 레시피를 사용하도록 설정"},
                  "ondol compare --apply"},
                 {{"ask with it", "질문하기"}, "ondol ask \"How many days of leave do I have?\""}};
  return report;
}

std::string data_block(const std::string& html) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const size_t from = html.find(open) + open.size();
  return html.substr(from, html.find("</script>", from) - from);
}

TEST(Report, PageAndJsonHoldTheSameData) {
  const CompareReport report = sample_report(60);
  const std::string json = report_json(report), html = report_html(report);
  EXPECT_EQ(nlohmann::json::parse(data_block(html)), nlohmann::json::parse(json));
  // To look at: the sample page stays in the temporary folder.
  write_file_atomic(::testing::TempDir() + "ondol-report-sample.html", html);
}

TEST(Report, JsonHoldsWhatItsSchemaAsksFor) {
  const auto schema =
      nlohmann::json::parse(read_file(testing::source_dir() / "docs" / "report.schema.json"));
  const auto json = nlohmann::json::parse(report_json(sample_report(30)));
  // Every required field is there and no field is unknown, at each level the schema describes.
  const std::function<void(const nlohmann::json&, const nlohmann::json&, const std::string&)>
      check =
          [&](const nlohmann::json& rule, const nlohmann::json& value, const std::string& where) {
            if (rule.contains("$ref")) {
              const std::string name = rule["$ref"].get<std::string>().substr(8);  // "#/$defs/"
              ASSERT_TRUE(schema["$defs"].contains(name)) << name;
              return check(schema["$defs"][name], value, where);
            }
            if (rule.contains("properties")) {
              ASSERT_TRUE(value.is_object()) << where;
              for (const auto& name : rule["required"]) {
                EXPECT_TRUE(value.contains(name.get<std::string>())) << where << "." << name;
              }
              for (const auto& [key, item] : value.items()) {
                ASSERT_TRUE(rule["properties"].contains(key)) << where << "." << key;
                check(rule["properties"][key], item, where + "." + key);
              }
            } else if (rule.contains("items") && value.is_array()) {
              for (const auto& item : value) check(rule["items"], item, where + "[]");
            } else if (rule.contains("additionalProperties") && value.is_object()) {
              for (const auto& item : value)
                check(rule["additionalProperties"], item, where + ".*");
            }
          };
  check(schema, json, "report");
  EXPECT_EQ(json["version"], kReportVersion);
  EXPECT_EQ(json["recipes"].size(), 6u);
  EXPECT_EQ(json["pairs"].size(), 15u);
  EXPECT_EQ(json["questions"].size(), 30u);
}

TEST(Report, RetrievalWinsClearlyOnTheSample) {
  const CompareReport report = sample_report(60);
  const Decision& decision = report.decision;
  EXPECT_GE(decision.chosen, 3) << "one of the recipes that read documents";
  for (int r = 0; r < 3; ++r) EXPECT_TRUE(decision.verdicts[static_cast<size_t>(r)].shown_worse);
}

TEST(Report, HostileTextsStayText) {
  CompareReport report = sample_report(5);
  const std::string evil =
      "</script><script>alert(1)</script><!--<script> \" ' & \\u003c \xE2\x80\xA8";
  report.title = evil;
  report.recipes[0].name = evil;
  report.questions[0].question = evil;
  report.questions[0].answers[0].text = evil + std::string("\xff\xfe\0x", 4);
  report.questions[0].answers[3].passages[0].text = "\xED\x95 cut";
  report.questions[0].answers[3].passages[0].highlights = {{0, 99999}, {4, 2}, {0, 2}};
  const std::string html = report_html(report);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(data_block(html), Not(HasSubstr("<")));
  const auto json = nlohmann::json::parse(data_block(html));
  EXPECT_EQ(json["questions"][0]["question"], evil);
  EXPECT_EQ(json["questions"][0]["results"][3]["passages"][0]["highlights"].size(), 1u);
  // Two script elements and the data block, no more.
  size_t scripts = 0;
  for (size_t at = 0; (at = html.find("<script", at)) != std::string::npos; ++at) ++scripts;
  EXPECT_EQ(scripts, 2u);
}

TEST(Report, PageIsSelfContained) {
  std::string html = report_html(sample_report(5));
  for (const char* outside :
       {"src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest", "innerHTML"}) {
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
  // The only address is the name of the SVG namespace.
  const std::string name = "http://www.w3.org/2000/svg";
  html.erase(html.find(name), name.size());
  EXPECT_THAT(html, Not(HasSubstr("http://")));
  EXPECT_THAT(html, Not(HasSubstr("https://")));
}

TEST(Report, EveryLabelIsThereInBothLanguages) {
  const std::string html = report_html(sample_report(5));
  const size_t en = html.find("\n  en: {"), ko = html.find("\n  ko: {"),
               end = html.find("\n};", ko);
  ASSERT_NE(en, std::string::npos);
  ASSERT_NE(ko, std::string::npos);
  const auto keys = [](std::string_view part) {
    std::set<std::string> out;
    for (size_t at = 0; at < part.size(); ++at) {
      const bool start = at > 1 && (part.substr(at - 2, 2) == ", " ||
                                    part.substr(at - 2, 2) == "{ " || part[at - 1] == ' ');
      if (!start || !std::isalpha(static_cast<unsigned char>(part[at]))) continue;
      size_t to = at;
      while (to < part.size() &&
             (std::isalnum(static_cast<unsigned char>(part[to])) || part[to] == '_'))
        ++to;
      if (part.substr(to, 2) == ": " && part.substr(to, 3) != ": {" && part[to + 2] != ' ' &&
          (part[to + 2] == '\'' || part[to + 2] == '[')) {
        out.insert(std::string(part.substr(at, to - at)));
      }
    }
    return out;
  };
  const auto english = keys(std::string_view(html).substr(en, ko - en));
  EXPECT_GT(english.size(), 60u);
  EXPECT_EQ(english, keys(std::string_view(html).substr(ko, end - ko)));
}

TEST(Report, MetricColumnsSplitRefusalAndSkipWhatDoesNotApply) {
  const CompareReport report = sample_report(20);
  std::string names;
  for (const MetricColumn& column : report.metrics) names += column.name + " ";
  EXPECT_EQ(names, "contains f1 refusal_unanswerable refusal_answerable recall@5 ");
  const MetricColumn& unanswerable = report.metrics[2];
  EXPECT_EQ(unanswerable.cells[0].questions, 4);
  const MetricColumn& recall = report.metrics[4];
  EXPECT_EQ(recall.cells[0].questions, 0);  // zero-shot retrieves nothing
  EXPECT_EQ(recall.cells[3].questions, 20);
  EXPECT_LE(recall.cells[3].interval.low, recall.cells[3].mean);
  EXPECT_THROW(summarize_metrics(report.questions, 6, {"one"}), Error);
}

TEST(Report, OneRecipeAndNoQuestionsStillGiveAPage) {
  CompareReport report{.title = "empty"};
  report.recipes = {{.name = "only"}};
  DecisionInput input{.recipes = {{"only", {}}}, .cube = ScoreCube(1, 1)};
  report.decision = decide(input);
  EXPECT_THAT(report_html(report), HasSubstr("\"only\""));
  EXPECT_EQ(nlohmann::json::parse(report_json(report))["decision"]["runner_up"], nullptr);
}

}  // namespace
}  // namespace ondol::eval
