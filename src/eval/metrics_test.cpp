#include "eval/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace ondol::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Pair {
  const char* answer;
  const char* gold;
  double expected;
};

TEST(Metrics, NormalizationFollowsSquad) {
  const struct {
    const char* in;
    const char* out;
  } rows[] = {
      {"The  Quick, brown fox!", "quick brown fox"},
      {"an apple a day", "apple day"},
      {"$1,000.00", "1000.00"},
      {"twenty-five", "twentyfive"},
      {"-3 degrees", "-3 degrees"},
      {"ＦＵＬＬ　ｗｉｄｔｈ", "full width"},
      {"北京。", "北京"},
      {"...", "..."},
      {"The", "the"},
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(normalize_answer(row.in), row.out) << row.in;
  EXPECT_EQ(normalize_korean("서울에서는 17일입니다."), "서울 17일");
  EXPECT_EQ(normalize_korean("나이 많은 개가"), "나이 많은 개가");  // short stems stay
}

TEST(Metrics, ExactMatch) {
  const Pair rows[] = {
      {"the Panthers.", "Panthers", 1},
      {"Carolina Panthers", "Panthers", 0},
      {"35", "3.5", 0},
      {"김민수입니다.", "김민수", 1},
      {"연차 휴가는", "연차휴가", 1},
      {"김민호", "김민수", 0},
      {"", "x", 0},
  };
  for (const Pair& row : rows) {
    EXPECT_EQ(exact_match(row.answer, row.gold), row.expected) << row.answer << " / " << row.gold;
  }
}

TEST(Metrics, TokenF1CountsRepetitionsOnce) {
  const Pair rows[] = {
      {"red blue", "red blue", 1},
      {"red red red", "red", 0.5},            // 1 common: 2*1/(3+1)
      {"red blue green", "green blue", 0.8},  // 2 common: 2*2/(3+2)
      {"yellow", "red", 0},
      {"서울에 삽니다", "서울", 2.0 / 3},  // particle off: 1 common of 2 and 1
      {"黑豹队", "黑豹", 0.8},             // characters: 2 common of 3 and 2
  };
  for (const Pair& row : rows) {
    EXPECT_NEAR(token_f1(row.answer, row.gold), row.expected, 1e-12) << row.answer;
  }
}

TEST(Metrics, CharacterF1LeavesSpacesOut) {
  const Pair rows[] = {
      {"연차 휴가", "연차휴가", 1},
      {"abcd", "abxy", 0.5},           // 2 common: 2*2/(4+4)
      {"서울특별시", "서울시", 0.75},  // 3 common: 2*3/(5+3)
      {"", "a", 0},
  };
  for (const Pair& row : rows) {
    EXPECT_NEAR(character_f1(row.answer, row.gold), row.expected, 1e-12) << row.answer;
  }
}

TEST(Metrics, ContainsStopsAtWordBoundaries) {
  const Pair rows[] = {
      {"They gave up 308 points.", "308", 1},
      {"They gave up 1308 points.", "308", 0},
      {"It was 1,308 points", "1308", 1},
      {"The cats sat", "cat", 0},
      {"by Kawann Short, the tackle", "Kawann Short", 1},
      {"Short Kawann", "Kawann Short", 0},
      {"연차는 17일입니다.", "17일", 1},
      {"연차는 117일입니다.", "17일", 0},
      {"우리 회사는 연차 휴가를 줍니다", "연차휴가", 1},
      {"他是卡万·肖特。", "卡万·肖特", 1},
      {"anything", "", 0},
      {"", "anything", 0},
  };
  for (const Pair& row : rows) {
    EXPECT_EQ(contains_answer(row.answer, row.gold), row.expected == 1)
        << row.answer << " / " << row.gold;
  }
}

TEST(Metrics, LastNumberUnderstandsHowPeopleWriteNumbers) {
  const struct {
    const char* text;
    double value;
  } rows[] = {
      {"so 3 + 4 = 7.", 7},
      {"#### 72\nThanks for the 5 points", 72},
      {"It costs $1,234.50", 1234.5},
      {"about -3", -3},
      {"(-$5)", -5},
      {"from 2010-2012", 2012},
      {"3/4 of it", 0.75},
      {"6½ sacks", 6.5},
      {"２００명", 200},
      {"3만 5천 원", 35000},
      {"1억 2천만 원", 120000000},
      {"5 million people", 5e6},
      {"12%", 12},
      {"1,2,3", 3},
      {".5 litres", 0.5},
      {"7. Next", 7},
  };
  for (const auto& row : rows) {
    const auto got = last_number(row.text);
    ASSERT_TRUE(got) << row.text;
    EXPECT_NEAR(*got, row.value, 1e-9 * std::abs(row.value) + 1e-12) << row.text;
  }
  for (const char* none : {"", "no numbers here", "####", "-", "."}) {
    EXPECT_FALSE(last_number(none)) << none;
  }
  EXPECT_TRUE(numbers_equal(0.333333, 1.0 / 3, 1e-3));
  EXPECT_FALSE(numbers_equal(34, 35));
}

TEST(Metrics, ChoicesAsLmEvaluationHarness) {
  const std::vector<std::string> choices = {"no", "certainly so", "한국"};
  // Sums: -4, -10, -6. Characters 2, 12, 2; bytes 2, 12, 6.
  const std::vector<double> ll = {-4, -10, -6};
  EXPECT_EQ(best_choice(ll, choices, ChoiceNormalization::kNone), 0);
  EXPECT_EQ(best_choice(ll, choices, ChoiceNormalization::kCharacters), 1);  // -2, -0.83, -3
  const std::vector<double> korean = {-4, -14, -6};
  EXPECT_EQ(best_choice(korean, choices, ChoiceNormalization::kBytes), 2);  // -2, -1.17, -1
  EXPECT_EQ(best_choice(korean, choices, ChoiceNormalization::kCharacters), 1);
  const std::vector<double> tie = {-3, -3, -9};
  EXPECT_EQ(best_choice(tie, choices, ChoiceNormalization::kNone), 0);
  EXPECT_THROW(best_choice(std::vector<double>{-1}, choices, ChoiceNormalization::kNone), Error);
}

TEST(Metrics, RetrievalCountsDocumentsOnce) {
  const std::vector<std::string> found = {"a", "a", "b", "c", "b", "d"};  // a b c d
  const std::vector<std::string> gold = {"b", "d"};
  EXPECT_THAT(distinct_documents(found), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(recall_at(found, gold, 1), 0);
  EXPECT_EQ(recall_at(found, gold, 2), 0.5);
  EXPECT_EQ(recall_at(found, gold, 4), 1);
  EXPECT_EQ(reciprocal_rank(found, gold), 0.5);
  // DCG = 1/log2(3) + 1/log2(5); ideal = 1 + 1/log2(3).
  const double dcg = 1 / std::log2(3.0) + 1 / std::log2(5.0), ideal = 1 + 1 / std::log2(3.0);
  EXPECT_NEAR(ndcg_at(found, gold, 10), dcg / ideal, 1e-12);
  EXPECT_EQ(reciprocal_rank({}, gold), 0);
  EXPECT_EQ(ndcg_at({}, gold, 10), 0);
}

TEST(Metrics, CitationsMeetTheQuote) {
  const GoldPassage gold{"w.md", "Every lamp is covered for two years."};
  const struct {
    CitedSpan cited;
    bool hit;
  } rows[] = {
      {{"w.md", "covered for two years"}, true},
      {{"w.md", "Lamps. Every lamp is covered for two years. Keep the receipt."}, true},
      {{"x.md", "covered for two years"}, false},
      {{"w.md", "Send the lamp back to the shop in Daegu"}, false},
      {{"w.md", ""}, true},
  };
  for (const auto& row : rows)
    EXPECT_EQ(citation_hits(row.cited, gold), row.hit) << row.cited.quote;
  EXPECT_TRUE(citation_hits({"w.md", "anything"}, {"w.md", ""}));
}

Question with(std::vector<std::string> answers, std::vector<GoldPassage> gold = {}) {
  return {.id = "q", .question = "?", .answers = std::move(answers), .gold = std::move(gold)};
}

TEST(Metrics, AutoPicksByTheFormOfTheAnswer) {
  Question choice{.question = "?", .answer_index = 0, .choices = {"x", "y"}};
  const std::string ten = "one two three four five six seven eight nine ten";
  const struct {
    Question question;
    const char* metric;
  } rows[] = {
      {with({}), "refusal"},
      {choice, "acc_norm"},
      {with({"1,250", "$1250"}), "numeric"},
      {with({"308"}, {{"p0", ""}}), "contains"},
      {with({"Kawann Short"}), "contains"},
      {with({ten}), "f1"},
      {with({ten, "ten words"}), "contains"},
      {with({"직원은 입사 후 여섯 달이 지나면 재택근무를 신청할 수 있습니다"}), "char_f1"},
      {with({"卡万·肖特"}), "contains"},
  };
  for (const auto& row : rows) {
    const MetricChoice chosen = choose_metric(row.question);
    EXPECT_EQ(chosen.metric, row.metric);
    EXPECT_FALSE(chosen.why.en.empty());
    EXPECT_FALSE(chosen.why.ko.empty());
  }
  Question named = with({"x"});
  named.metric = "exact";
  EXPECT_EQ(choose_metric(named).metric, "exact");
  named.metric = "bleu";
  try {
    choose_metric(named);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("got 'bleu', expected one of auto contains"));
  }
}

TEST(Metrics, RefusalsAreJudgedFirst) {
  const Question answerable = with({"two years"}), unanswerable = with({});
  EXPECT_EQ(score_answer(answerable, {.text = "Two years."}).value, 1);
  EXPECT_EQ(score_answer(answerable, {.text = "two years", .refused = true}).value, 0);
  EXPECT_EQ(score_answer(unanswerable, {.text = "Two years."}).value, 0);
  EXPECT_EQ(score_answer(unanswerable, {.text = "", .refused = true}).value, 1);
  EXPECT_EQ(score_answer(unanswerable, {.text = "The documents do not say."}).value, 1);
  EXPECT_EQ(score_answer(unanswerable, {.text = "문서에 나와 있지 않습니다."}).value, 1);
  EXPECT_EQ(score_answer(unanswerable, {.text = "  "}).value, 0);
  EXPECT_FALSE(is_refusal({.text = "Yes. I don't know why, though."}));
}

TEST(Metrics, WhatDoesNotApplyIsAbsentNotZero) {
  const Question question = with({"two years"}, {{"w.md", "two years"}});
  const auto names = [&](const GradedAnswer& answer) {
    std::string out;
    for (const MetricValue& value : all_scores(question, answer)) out += value.metric + " ";
    return out;
  };
  EXPECT_EQ(names({.text = "x"}), "contains exact f1 char_f1 refusal ");
  const std::string retrieving = names({.text = "x", .retrieves = true});
  EXPECT_THAT(retrieving, HasSubstr("recall@5"));
  EXPECT_THAT(retrieving, HasSubstr("citation_recall"));
  EXPECT_THAT(retrieving, ::testing::Not(HasSubstr("citation_precision")));
}

TEST(Metrics, ChoiceWithoutLikelihoodsIsReadAsText) {
  Question choice{.id = "q", .question = "?", .answer_index = 1, .choices = {"food", "water"}};
  const Score text = score_answer(choice, {.text = "It is water."});
  EXPECT_EQ(text.value, 1);
  EXPECT_EQ(text.metric, "contains");
  const Score scored = score_answer(choice, {.choice_log_likelihoods = {-1, -9}});
  EXPECT_EQ(scored.value, 0);
  EXPECT_EQ(scored.metric, "acc_norm");
  Question numbers = with({"no number"});
  numbers.metric = "numeric";
  EXPECT_THROW(score_answer(numbers, {.text = "3"}), Error);
}

TEST(Metrics, NamesAreUniqueAndExplainedInBothLanguages) {
  for (const Metric& metric : metrics()) {
    EXPECT_EQ(find_metric(metric.name), &metric);
    for (const Text& text : {metric.title, metric.meaning}) {
      EXPECT_FALSE(text.en.empty() || text.ko.empty()) << metric.name;
    }
  }
  EXPECT_EQ(find_metric("bleu"), nullptr);
}

}  // namespace
}  // namespace ondol::eval
