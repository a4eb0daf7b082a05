#include "eval/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::eval {
namespace {

using ::testing::HasSubstr;

// Right/wrong scores: question q has its own difficulty; `together` is the share of questions on
// which all recipes throw the same coin.
DecisionInput simulate(const std::vector<double>& rates, const std::vector<double>& costs,
                       int questions, uint64_t seed, double together = 0.8) {
  DecisionInput input{.cube = ScoreCube(static_cast<int>(rates.size()), questions)};
  for (size_t r = 0; r < rates.size(); ++r) {
    input.recipes.push_back(
        {std::string(1, static_cast<char>('A' + r)), {.latency_p50_s = costs[r]}});
  }
  input.options.resample.draws = 1000;
  Rng rng(seed);
  for (int q = 0; q < questions; ++q) {
    const double shared = rng.uniform();
    const bool same = rng.uniform() < together;
    for (size_t r = 0; r < rates.size(); ++r) {
      const double own = rng.uniform();
      input.cube.at(static_cast<int>(r), q) = (same ? shared : own) < rates[r];
    }
  }
  return input;
}

bool says(const Decision& decision, const std::string& part) {
  return std::any_of(decision.reasons.begin(), decision.reasons.end(), [&](const Text& text) {
    return text.en.find(part) != std::string::npos && !text.ko.empty();
  });
}

TEST(Decision, ZeroShotIsEnoughWhenNothingBeatsIt) {
  const Decision decision = decide(simulate({0.6, 0.5, 0.45}, {1, 2, 3}, 200, 1));
  EXPECT_EQ(decision.status, DecisionStatus::kClearBest);
  EXPECT_EQ(decision.chosen, 0);
  EXPECT_THAT(decision.headline.en, HasSubstr("Use A: nothing did better, and nothing costs less"));
  EXPECT_THAT(decision.headline.ko, HasSubstr("추천: A"));
}

TEST(Decision, OfEqualsTheCheapestIsTaken) {
  // Same answers but for 4 questions in 1,200, two each way.
  DecisionInput input = simulate({0.5, 0.5}, {1, 3}, 1200, 2, /*together=*/1);
  for (int q = 0; q < 4; ++q) {
    input.cube.at(0, q) = q % 2;
    input.cube.at(1, q) = 1 - q % 2;
  }
  input.cube.at(0, 10) = 0;  // and the dear one is ahead by a question
  input.cube.at(1, 10) = 1;
  const Decision decision = decide(input);
  EXPECT_EQ(decision.best, 1);
  EXPECT_EQ(decision.chosen, 0);
  EXPECT_EQ(decision.status, DecisionStatus::kCheaperIsEnough);
  EXPECT_EQ(decision.runner_up, 1);
  EXPECT_THAT(decision.headline.en, HasSubstr("as good as B to within 2 points, at 1/3.0 of"));
}

TEST(Decision, CostsThatHardlyDifferLetTheBetterOneWin) {
  DecisionInput input = simulate({0.5, 0.5}, {1.0, 1.02}, 2000, 3, /*together=*/1);
  input.cube.at(0, 0) = 0;
  input.cube.at(1, 0) = 1;
  EXPECT_EQ(decide(input).chosen, 1);
  input.recipes[1].cost.latency_p50_s = 1.2;
  EXPECT_EQ(decide(input).chosen, 0);
}

TEST(Decision, TooFewQuestionsSaysHowManyMore) {
  const DecisionInput input = simulate({0.45, 0.55}, {1, 3}, 30, 6, 0.6);
  const Decision decision = decide(input);
  ASSERT_EQ(decision.status, DecisionStatus::kUndecided);
  EXPECT_EQ(decision.chosen, decision.best);
  EXPECT_GT(decision.questions_more, 0);
  EXPECT_TRUE(says(decision, "About " + std::to_string(decision.questions_more) +
                                 " more questions would settle it"));
  EXPECT_THAT(decision.headline.en, HasSubstr("30 questions are too few"));
}

TEST(Decision, FiveIdenticalAnswersSettleNothing) {
  DecisionInput input = simulate({1, 1}, {1, 3}, 5, 5);
  const Decision decision = decide(input);
  EXPECT_EQ(decision.status, DecisionStatus::kUndecided);
  EXPECT_EQ(decision.questions_more, 15);
}

TEST(Decision, TheNumberOfQuestionsItAsksForIsEnoughMostOfTheTime) {
  // Half the recipes' questions are shared; the true gap is 10 points.
  const Decision first = decide(simulate({0.47, 0.5}, {1, 3}, 60, 10, 0.3));
  ASSERT_EQ(first.status, DecisionStatus::kUndecided);
  ASSERT_GT(first.questions_more, 0);
  // With the true gap in place of the one seen, the formula's number settles 8 times in 10.
  const int needed = static_cast<int>(questions_needed(0.5 * 0.4 + 0.1 * 0.6, 0.1));
  int settled = 0;
  for (uint64_t run = 0; run < 60; ++run) {
    const Decision decision = decide(simulate({0.4, 0.5}, {1, 3}, needed, 1000 + run, 0.6));
    settled += decision.status != DecisionStatus::kUndecided && decision.chosen == 1;
  }
  EXPECT_GE(settled, 40);
}

TEST(Decision, PlantedGainIsFoundAtThePredictedPower) {
  // 300 questions on which 20 % turn out differently: the gain of the formula, found 8 in 10.
  constexpr int kQuestions = 300;
  const double gain = smallest_detectable_from_discordance(0.2, kQuestions);
  int found = 0;
  for (uint64_t run = 0; run < 200; ++run) {
    DecisionInput input{.cube = ScoreCube(2, kQuestions)};
    input.recipes = {{"zero-shot", {.latency_p50_s = 1}}, {"hybrid", {.latency_p50_s = 2}}};
    input.options.resample.draws = 1000;
    Rng rng(77, run);
    for (int q = 0; q < kQuestions; ++q) {
      const double u = rng.uniform(), base = rng.uniform();
      const bool better = u<(0.2 + gain) / 2, worse = u> 1 - (0.2 - gain) / 2;
      input.cube.at(0, q) = better ? 0 : worse ? 1 : base < 0.4;
      input.cube.at(1, q) = better ? 1 : worse ? 0 : base < 0.4;
    }
    const Decision decision = decide(input);
    found += decision.chosen == 1 && decision.pairs[0].shown;
  }
  EXPECT_NEAR(found / 200.0, 0.8, 0.08);
}

TEST(Decision, IdenticalRecipesRaiseAtMostFiveAlarmsInAHundred) {
  // A/A: two runs of one recipe with other seeds at temperature > 0, right/wrong and graded.
  int alarms = 0, graded_alarms = 0;
  for (uint64_t run = 0; run < 200; ++run) {
    DecisionInput input = simulate({0.5, 0.5}, {1, 2}, 100, 5000 + run, 0.7);
    const Decision decision = decide(input);
    const auto alarm = [](const Decision& d) {
      return d.pairs[0].shown || d.verdicts[0].shown_worse || d.verdicts[1].shown_worse;
    };
    alarms += alarm(decision);
    Rng rng(9000, run);
    for (double& value : input.cube.values) value = (value + rng.uniform()) / 2;
    const Decision graded = decide(input);
    graded_alarms += alarm(graded);
    EXPECT_EQ(graded.pairs[0].test, "sign flip");
  }
  EXPECT_LE(alarms, 10);
  EXPECT_LE(graded_alarms, 10);
}

TEST(Decision, SixIdenticalRecipesTogetherRaiseNoMoreAlarmsThanTwo) {
  int alarms = 0;
  for (uint64_t run = 0; run < 200; ++run) {
    DecisionInput input =
        simulate({.5, .5, .5, .5, .5, .5}, {1, 2, 3, 4, 5, 6}, 60, 20000 + run, 0.7);
    input.options.resample.draws = 100;
    const Decision decision = decide(input);
    alarms += std::any_of(decision.pairs.begin(), decision.pairs.end(),
                          [](const PairedDifference& pair) { return pair.shown; });
  }
  EXPECT_LE(alarms, 10);
}

TEST(Decision, SameInputSameBits) {
  const DecisionInput input = simulate({0.3, 0.5, 0.4}, {1, 2, 3}, 80, 4);
  const Decision a = decide(input), b = decide(input);
  for (size_t r = 0; r < a.verdicts.size(); ++r) {
    EXPECT_EQ(a.verdicts[r].p_best, b.verdicts[r].p_best);
    EXPECT_EQ(a.verdicts[r].difference_interval.low, b.verdicts[r].difference_interval.low);
  }
  EXPECT_EQ(a.reasons, b.reasons);
}

TEST(Decision, LimitsLeaveRecipesOut) {
  DecisionInput input = simulate({0.3, 0.8}, {1, 5}, 100, 9);
  input.recipes[1].cost.peak_memory_bytes = 5e9;
  EXPECT_EQ(decide(input).chosen, 1);
  input.options.peak_memory_bytes_max = 1e9;
  const Decision capped = decide(input);
  EXPECT_EQ(capped.chosen, 0);
  EXPECT_EQ(capped.best, 0);
  EXPECT_TRUE(says(capped, "B was left out: it is over a limit"));
  input.options.latency_p95_s_max = -1;
  EXPECT_EQ(decide(input).status, DecisionStatus::kNoneAllowed);
}

TEST(Decision, AllWrongIsSaid) {
  const Decision decision = decide(simulate({0, 0}, {1, 2}, 50, 1));
  EXPECT_EQ(decision.status, DecisionStatus::kAllFail);
  EXPECT_THAT(decision.headline.en, HasSubstr("No recipe answered a single question"));
}

TEST(Decision, ClusteredQuestionsNeedMoreEvidence) {
  DecisionInput input = simulate({0.4, 0.55}, {1, 2}, 200, 12, 0.5);
  const PairedDifference alone = decide(input).pairs[0];
  EXPECT_TRUE(alone.shown);
  // Ten articles of 20 questions, each question repeated: far less information.
  for (int q = 0; q < 200; ++q) {
    input.clusters.push_back("article " + std::to_string(q / 20));
    for (int r = 0; r < 2; ++r) input.cube.at(r, q) = input.cube.at(r, q - q % 20);
  }
  const Decision clustered = decide(input);
  // McNemar counts questions; the interval counts articles, and a claim needs both.
  const auto width = [](const PairedDifference& pair) {
    return pair.interval.high - pair.interval.low;
  };
  EXPECT_GT(width(clustered.pairs[0]), 2 * width(alone));
  EXPECT_FALSE(clustered.pairs[0].shown);
}

TEST(Decision, RepeatsAreAveragedAndTheirSpreadShown) {
  DecisionInput input{.cube = ScoreCube(1, 30, 2)};
  input.recipes = {{"A", {.latency_p50_s = 1}}};
  for (int q = 0; q < 30; ++q) input.cube.at(0, q, 1) = 1;
  const Decision decision = decide(input);
  EXPECT_EQ(decision.verdicts[0].mean, 0.5);
  EXPECT_NEAR(decision.verdicts[0].repeat_deviation, std::sqrt(0.5), 1e-12);
  EXPECT_EQ(decision.runner_up, -1);
}

TEST(Decision, BadInputIsRefused) {
  DecisionInput input = simulate({0.5, 0.5}, {1, 2}, 30, 1);
  input.cube.at(0, 3) = 1.5;
  EXPECT_THROW(decide(input), Error);
  input.cube.at(0, 3) = NAN;
  EXPECT_THROW(decide(input), Error);
  input.cube.at(0, 3) = 1;
  input.clusters = {"a"};
  EXPECT_THROW(decide(input), Error);
  input.clusters.clear();
  input.recipes.pop_back();
  EXPECT_THROW(decide(input), Error);
  EXPECT_THROW(decide({}), Error);
}

TEST(Decision, PowerIsSaidBeforeAnythingRuns) {
  EXPECT_THAT(power_sentence(60).en, HasSubstr("differences of about 16 points"));
  EXPECT_THAT(power_sentence(60).ko, HasSubstr("약 16점"));
}

}  // namespace
}  // namespace ondol::eval
