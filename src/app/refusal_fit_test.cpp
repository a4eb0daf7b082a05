#include "app/refusal_fit.h"

#include <gtest/gtest.h>

namespace ondol::app {
namespace {

TEST(RefusalFit, GoodAnswersAreNotSilenced) {
  // Refusing below 0.5 would catch one unanswerable question and lose two right answers.
  const std::vector<RefusalExample> examples = {
      {0.2, 1, false}, {0.3, 0, true}, {0.4, 1, false}, {0.8, 1, false}};
  const RefusalFit fit = best_threshold(examples);
  EXPECT_EQ(fit.threshold, 0);
  EXPECT_DOUBLE_EQ(fit.score_with, 0.75);
}

TEST(RefusalFit, WrongAnswersBelowTheThresholdCostNothing) {
  std::vector<RefusalExample> examples = {
      {0.2, 0, true}, {0.3, 0, false}, {0.4, 0, true}, {0.8, 0, true}};
  for (int i = 0; i < 10; ++i) examples.push_back({0.6, 1, false});
  const RefusalFit fit = best_threshold(examples);
  EXPECT_DOUBLE_EQ(fit.threshold, 0.5);
  EXPECT_DOUBLE_EQ(fit.score_without, 10.0 / 14);
  EXPECT_DOUBLE_EQ(fit.score_with, 12.0 / 14);
}

TEST(RefusalFit, AtMostOneAnswerableQuestionInTenIsRefused) {
  // Every answer is wrong: refusing all three below 0.5 would score best, but two of them are
  // answerable.
  std::vector<RefusalExample> examples = {
      {0.1, 0, true}, {0.2, 0, false}, {0.3, 0, false}, {0.4, 0, true}};
  for (int i = 0; i < 10; ++i) examples.push_back({0.9, 0, false});
  EXPECT_DOUBLE_EQ(best_threshold(examples).threshold, (0.2 + 0.3) / 2);
}

TEST(RefusalFit, NothingToFitNeverRefuses) {
  EXPECT_EQ(best_threshold({}).threshold, 0);
  const std::vector<RefusalExample> answerable = {{0.1, 0, false}, {0.9, 1, false}};
  EXPECT_EQ(best_threshold(answerable).threshold, 0);
}

}  // namespace
}  // namespace ondol::app
