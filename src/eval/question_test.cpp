#include "eval/question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/error.h"

namespace ondol::eval {
namespace {

using ::testing::HasSubstr;

TEST(Questions, ReadsEveryField) {
  const auto questions = parse_questions(
      "\xEF\xBB\xBF{\"id\":\"q1\",\"question\":\"How long?\",\"answers\":[\"two years\"],"
      "\"gold\":[{\"document\":\"w.md\",\"quote\":\"covered for two years\"},\"x.md\"],"
      "\"metric\":\"contains\",\"cluster\":\"w\",\"split\":\"dev\"}\r\n\n"
      "{\"question\":\"보증 기간은?\",\"choices\":[\"1년\",\"2년\"],\"answer_index\":1}\n"
      "{\"question\":\"Who is the mayor of Mars?\",\"answers\":[],\"split\":\"test\"}",
      "q.jsonl");
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_EQ(questions[0].gold,
            (std::vector<GoldPassage>{{"w.md", "covered for two years"}, {"x.md", ""}}));
  EXPECT_EQ(questions[0].split, Split::kDev);
  EXPECT_EQ(questions[1].id, "line-3");
  EXPECT_EQ(questions[1].answer_index, 1);
  EXPECT_FALSE(questions[1].unanswerable());
  EXPECT_TRUE(questions[2].unanswerable());
  for (const Question& question : questions) {
    EXPECT_EQ(parse_questions(format_question(question), "again")[0], question);
  }
}

TEST(Questions, ErrorsNameLineAndField) {
  const struct {
    const char* line;
    const char* message;
  } rows[] = {
      {"{\"answers\":[\"a\"]}", "line 2: field 'question' is missing"},
      {"{\"question\":7}", "field 'question' must be a text; got number"},
      {"[1]", "line 2: not a JSON object"},
      {"{\"question\":\"a\"", "not a JSON object"},
      {"{\"question\":\"a\",\"answer\":\"b\"}", "field 'answer' is not known"},
      {"{\"question\":\"a\",\"answers\":\"b\"}", "field 'answers' must be a list; got string"},
      {"{\"question\":\"a\",\"answers\":[\"\"]}", "field 'answers' holds an empty text"},
      {"{\"question\":\"a\",\"choices\":[\"x\"],\"answer_index\":1}", "from 0 to 0; got 1"},
      {"{\"question\":\"a\",\"choices\":[\"x\"],\"answer_index\":-1}", "got -1"},
      {"{\"question\":\"a\",\"answer_index\":0}", "needs 'choices'"},
      {"{\"question\":\"a\",\"choices\":[\"x\"]}", "need an 'answer_index'"},
      {"{\"question\":\"a\",\"gold\":[{\"quote\":\"x\"}]}", "an object without 'document'"},
      {"{\"question\":\"a\",\"gold\":[{\"document\":\"d\",\"page\":1}]}", "'gold.page'"},
      {"{\"question\":\"a\",\"split\":\"val\"}", "must be train, dev or test; got 'val'"},
      {"{\"id\":\"one\",\"question\":\"a\"}", "field 'id' is there twice; got 'one'"},
  };
  for (const auto& row : rows) {
    try {
      parse_questions(std::string("{\"id\":\"one\",\"question\":\"q\"}\n") + row.line, "f.jsonl");
      ADD_FAILURE() << "accepted: " << row.line;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(row.message)) << row.line;
      EXPECT_THAT(error.what(), HasSubstr("f.jsonl line 2:"));
    }
  }
}

TEST(Questions, LimitsHold) {
  const std::string line = "{\"question\":\"" + std::string(100, 'x') + "\"}\n";
  EXPECT_THROW(parse_questions(line, "f", {.line_bytes_max = 50}), Error);
  EXPECT_THROW(parse_questions(line + line, "f", {.questions_max = 1}), Error);
  EXPECT_THROW(
      parse_questions("{\"question\":\"a\",\"answers\":[\"b\",\"c\"]}", "f", {.list_items_max = 1}),
      Error);
  EXPECT_THROW(parse_questions(" \n\n", "f"), Error);
}

TEST(Questions, SplitsAreStableAndOfTheirSize) {
  std::array<int, 3> count{};
  for (int i = 0; i < 5000; ++i) {
    ++count[static_cast<size_t>(assign_split("question " + std::to_string(i)))];
  }
  EXPECT_NEAR(count[0], 2000, 120);
  EXPECT_NEAR(count[1], 1000, 100);
  EXPECT_NEAR(count[2], 2000, 120);
  // Pinned: a changed hash would move every user's questions between splits.
  std::string splits;
  for (const char* id : {"a", "b", "c", "q1", "q2", "질문"}) {
    splits += std::string(split_name(assign_split(id))) + " ";
  }
  EXPECT_EQ(splits, "dev train test test test train ");
}

}  // namespace
}  // namespace ondol::eval
