#include "infer/speculation.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ondol::infer {
namespace {

// A machine whose steps cost `first` and, for each further token, `more`.
void measure(StepCost& cost, double first, double more, int times = 20) {
  for (int i = 0; i < times; ++i) {
    for (int64_t t = 1; t <= 20; ++t) cost.note(t, first + more * static_cast<double>(t - 1));
  }
}

int64_t chosen(SpeculationPolicy& policy, int64_t match) {
  const GuessOffer offer{match, kGuessTokensMax};
  return policy.choose(1, {&offer, 1})[0];
}

TEST(StepCost, EstimatesWhatWasMeasuredAndBetween) {
  StepCost cost;
  EXPECT_EQ(cost.estimate(1), 0);
  for (int i = 0; i < 50; ++i) {
    cost.note(1, 1.0);
    cost.note(5, 2.0);
  }
  EXPECT_NEAR(cost.estimate(1), 1, 1e-6);
  EXPECT_NEAR(cost.estimate(5), 2, 1e-6);
  EXPECT_NEAR(cost.estimate(3), 1.5, 1e-6);
  EXPECT_GT(cost.estimate(9), cost.estimate(5));
  for (int i = 0; i < 60; ++i) cost.note(1, 3.0);  // a busier machine: slowly believed
  EXPECT_NEAR(cost.estimate(1), 3, 0.2);
  EXPECT_GT(cost.estimate(5), 2.2);
  cost.note(0, 1);
  cost.note(1000, 1);  // more than a step may have: not recorded
  EXPECT_GT(cost.estimate(1000), 0);
}

TEST(GuessRecord, CountsByTheLengthOfTheMatch) {
  GuessRecord record;
  EXPECT_LT(record.probability(2), record.probability(20));
  for (int i = 0; i < 100; ++i) {
    record.note(2, 4, 4);
    record.note(20, 4, 0);
  }
  EXPECT_GT(record.probability(2), 0.95);
  EXPECT_LT(record.probability(20), 0.05);
}

TEST(SpeculationPolicy, GuessesMoreWhereTokensAreCheap) {
  SpeculationPolicy cheap, dear;
  measure(cheap.cost, 1, 0.01);
  measure(dear.cost, 1, 0.25);
  EXPECT_GT(chosen(cheap, 16), chosen(dear, 16));
  EXPECT_GT(chosen(dear, 16), chosen(dear, 2));
  EXPECT_LE(chosen(cheap, 16), kGuessTokensMax);
}

TEST(SpeculationPolicy, StopsWhereItDoesNotPayAndTriesAgain) {
  SpeculationPolicy policy;
  measure(policy.cost, 1, 0.5);
  for (int i = 0; i < 50; ++i) policy.record.note(2, 4, 0);
  int tried = 0;
  for (int i = 0; i < 1000; ++i) tried += chosen(policy, 2) > 0;
  EXPECT_GE(tried, 3);
  EXPECT_LE(tried, 20);
  for (int i = 0; i < 100; ++i) policy.record.note(2, 4, 4);
  EXPECT_GT(chosen(policy, 2), 0);
}

TEST(SpeculationPolicy, FindsTheFastestLengthOfASteppedCost) {
  // Four tokens cost what one does, the fifth doubles it.
  SpeculationPolicy policy;
  for (int i = 0; i < 20; ++i) {
    for (int64_t t = 1; t <= 16; ++t) policy.cost.note(t, t <= 4 ? 1.0 : 2.5);
    policy.record.note(4, 8, 6);
  }
  EXPECT_EQ(chosen(policy, 4), 3);
}

TEST(SpeculationPolicy, SharesAStepAmongSequences) {
  SpeculationPolicy policy;
  measure(policy.cost, 1, 0.1);
  for (int i = 0; i < 50; ++i) {
    policy.record.note(2, 4, 0);
    policy.record.note(16, 8, 8);
  }
  const std::vector<GuessOffer> offers = {{2, 8}, {16, 8}, {0, 0}, {16, 3}};
  const std::vector<int64_t> lengths = policy.choose(4, offers);
  ASSERT_EQ(lengths.size(), 4U);
  EXPECT_EQ(lengths[0], 0);
  EXPECT_GT(lengths[1], 0);
  EXPECT_EQ(lengths[2], 0);
  EXPECT_LE(lengths[3], 3);
  const std::vector<int64_t> full = policy.choose(kStepTokensMax, offers);
  EXPECT_EQ(*std::max_element(full.begin(), full.end()), 0);
}

TEST(SpeculationPolicy, CountsWhatADraftModelTakes) {
  SpeculationPolicy policy;
  measure(policy.cost, 1, 0.02);
  for (int i = 0; i < 50; ++i) policy.record.note(kDraftMatch, 4, 3);
  const auto chosen_at = [&](double seconds_each) {
    const GuessOffer offer{kDraftMatch, kGuessTokensMax, seconds_each};
    return policy.choose(1, {&offer, 1})[0];
  };
  EXPECT_GT(chosen_at(0.01), chosen_at(0.2));
  EXPECT_GT(chosen_at(0.2), 0);
  EXPECT_EQ(chosen_at(2), 0);
}

TEST(GuessPause, GrowsWithEveryFailureInARow) {
  GuessPause pause;
  int64_t asked = 0, paused = 0;
  for (int i = 0; i < 400; ++i) {
    if (pause.pausing()) {
      ++paused;
    } else {
      ++asked;
      pause.note(0);
    }
  }
  EXPECT_LT(asked, 70);
  EXPECT_EQ(asked + paused, 400);
  while (pause.pausing()) {
  }
  pause.note(2);
  EXPECT_FALSE(pause.pausing());
  pause.note(0);
  EXPECT_FALSE(pause.pausing());  // the first failure costs nothing
  pause.note(0);
  EXPECT_TRUE(pause.pausing());
}

}  // namespace
}  // namespace ondol::infer
