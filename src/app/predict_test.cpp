// `ondol predict`: what is asked of a row, and what is measured of the answers.
#include "app/predict.h"

#include <gtest/gtest.h>

#include <string>

#include "app/test_support.h"

namespace ondol::app::testing {
namespace {

class Predict : public ::testing::Test {
 protected:
  std::string rows(const std::string& name, const std::string& lines) const {
    write_file_atomic(folder.path() / name, lines);
    return (folder.path() / name).string();
  }

  PredictSummary predict(const std::string& file, const std::string& metric = "") {
    return predict_rows(
        session, {.model = model, .dataset = {file}, .tokens_max = 12, .metric = metric}, silent);
  }

  TempFolder folder;
  // Its template makes a message of the source.
  std::string model = (ondol::testing::golden_dir() / "models" / "llama3_untied").string();
  Session session{{folder.path() / "home"}, {.threads = 2}};
  SilentProgress silent;
};

TEST_F(Predict, RowsInFlightTogetherSayWhatEachSaysAlone) {
  std::string lines;
  for (int i = 0; i < 37; ++i) {
    lines += R"({"prompt": "row )" + std::to_string(i * i) + R"( of", "completion": "x"})" + "\n";
  }
  const PredictSummary all = predict(rows("all.jsonl", lines));
  ASSERT_EQ(all.rows.size(), 37U);
  for (int i = 0; i < 37; i += 6) {
    const Prediction& row = all.rows[static_cast<size_t>(i)];
    EXPECT_EQ(row.source, "row " + std::to_string(i * i) + " of");
    const GenerateResult alone = session.generator(model).generate(
        {.prompt = Prompt{.messages = {{"user", row.source, {}}}}, .tokens_max = 12});
    EXPECT_FALSE(row.written.empty());
    EXPECT_EQ(row.written, alone.samples.at(0).text) << row.source;
  }
}

TEST_F(Predict, AsksTheQuestionsOfConversations) {
  const PredictSummary s =
      predict(rows("talk.jsonl", R"({"question": "How many?", "answer": "7 + 8 = 15\n#### 15"})"
                                 "\n"));
  ASSERT_EQ(s.rows.size(), 1U);
  EXPECT_EQ(s.rows[0].source, "How many?");
  EXPECT_EQ(s.rows[0].target, "7 + 8 = 15\n#### 15");
}

TEST_F(Predict, MeasuresWithAMetricOfTheComparison) {
  const std::string asked = R"({"prompt": "one two", "completion": "none"})"
                            "\n";
  const std::string written = predict(rows("ask.jsonl", asked)).rows.at(0).written;
  const auto contains = predict(rows("ask.jsonl", asked), "contains").metric;
  ASSERT_TRUE(contains);
  EXPECT_EQ(*contains, written.find("none") != std::string::npos ? 1 : 0);
  EXPECT_FALSE(predict(rows("ask.jsonl", asked)).metric);
  EXPECT_THROW(predict(rows("ask.jsonl", asked), "numeric"), Error);  // no number is expected
  EXPECT_THROW(predict(rows("ask.jsonl", asked), "beauty"), Error);
}

TEST_F(Predict, RefusesRowsWithoutAnAnswer) {
  try {
    predict(rows("text.jsonl", "{\"text\": \"only a text\"}\n"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("text.jsonl:1"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace ondol::app::testing
