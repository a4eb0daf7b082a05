#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "eval/dataset.h"
#include "support/paths.h"

namespace ondol::eval {
namespace {

using ::ondol::testing::data_dir;
using ::testing::HasSubstr;

TEST(Datasets, EverySetOfTheTableReads) {
  ONDOL_NEED_DATA("rag_xquad");
  const std::map<std::string, std::pair<size_t, size_t>> expected = {
      {"rag_xquad", {595, 240}}, {"rag_musique", {50, 1890}}, {"rag_hotpotqa", {50, 994}},
      {"gsm8k", {7473, 0}},      {"arc_easy", {2243, 0}},     {"boolq", {3000, 0}}};
  for (const DatasetReader& reader : dataset_readers()) {
    if (std::string(reader.name) == "questions") continue;
    const QuestionSet set = read_dataset(reader.name, data_dir());
    ASSERT_TRUE(expected.contains(reader.name)) << reader.name;
    EXPECT_EQ(set.questions.size(), expected.at(reader.name).first) << reader.name;
    EXPECT_EQ(set.documents.size(), expected.at(reader.name).second) << reader.name;
    EXPECT_EQ(set.documents.empty(), !reader.has_documents);
    for (const Question& question : set.questions) {
      EXPECT_FALSE(question.unanswerable()) << question.id;
      // What is written in our own format reads back the same.
      if (question.id.ends_with("7")) {
        EXPECT_EQ(parse_questions(format_question(question), "x")[0], question);
      }
    }
  }
}

TEST(Datasets, XquadQuotesHoldTheAnswerInEveryLanguage) {
  ONDOL_NEED_DATA("rag_xquad");
  for (const char* language : {"en", "de", "zh"}) {
    const QuestionSet set = read_dataset("rag_xquad", data_dir(), {.language = language});
    size_t holds = 0;
    for (const Question& question : set.questions) {
      holds += question.gold[0].quote.find(question.answers[0]) != std::string::npos;
      EXPECT_FALSE(question.gold[0].quote.empty());
    }
    // The rest are answers that run over a full stop ("No. 1", "Dr. ...").
    EXPECT_GE(holds, set.questions.size() * 97 / 100) << language;
  }
}

TEST(Datasets, NoPassageIsInTwoSplitsAndSamplesNest) {
  ONDOL_NEED_DATA("rag_xquad");
  const QuestionSet set = read_dataset("rag_xquad", data_dir());
  std::map<std::string, Split> split_of;
  for (const Question& question : set.questions) {
    const auto [at, fresh] = split_of.try_emplace(question.gold[0].document, question.split);
    EXPECT_EQ(at->second, question.split);
  }
  const auto ids = [](size_t count) {
    std::vector<std::string> out;
    const DatasetOptions options{.questions_max = count};
    for (const Question& q : read_dataset("rag_xquad", data_dir(), options).questions) {
      out.push_back(q.id);
    }
    return out;
  };
  const auto small = ids(20), big = ids(60);
  ASSERT_EQ(small.size(), 20u);
  EXPECT_TRUE(std::equal(small.begin(), small.end(), big.begin()));
}

TEST(Datasets, ArithmeticAnswersAreNumbersAndYesNoHasBothChoices) {
  ONDOL_NEED_DATA("gsm8k");
  const QuestionSet gsm8k = read_dataset("gsm8k", data_dir());
  EXPECT_EQ(gsm8k.questions[0].answers, std::vector<std::string>{"72"});
  EXPECT_EQ(gsm8k.questions[0].metric, "numeric");
  const QuestionSet boolq = read_dataset("boolq", data_dir() / "boolq");
  EXPECT_EQ(boolq.questions[0].choices[1], "yes");
  EXPECT_EQ(boolq.questions[0].answer_index, 1);
  EXPECT_EQ(boolq.questions[4].answer_index, 0);
}

TEST(Datasets, UnknownNameAndLanguageSayWhatThereIs) {
  const auto message = [](const char* name, const char* language) {
    try {
      read_dataset(name, data_dir(), {.language = language});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message("squad", "en"), HasSubstr("got 'squad', expected one of questions, rag_xq"));
  EXPECT_THAT(message("rag_xquad", "fr"), HasSubstr("got 'fr', expected one of en de zh"));
}

}  // namespace
}  // namespace ondol::eval
