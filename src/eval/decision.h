// Which recipe to use (architecture, contract 14): the cheapest one whose interval of (it - best)
// lies above -margin; else the best one, and how many more questions would settle it.
//
//   DecisionInput input{.recipes = {{"zero-shot", costs}, {"hybrid", costs}}, .cube = cube};
//   Decision decision = decide(input);      // decision.chosen, .reasons[0].en, .verdicts[i].p_best
//
// "Best" is the highest mean score. Cheapest is by `cost_axis`; of recipes within cost_tolerance of
// the cheapest the better one is taken. Intervals are guarded_interval's; p-values are exact
// McNemar (mid-p) for right/wrong scores and sign-flip for graded ones, adjusted by Holm over all
// pairs, because "best" was picked after looking. Deterministic. Errors: Error(kInvalidArgument).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/metrics.h"
#include "eval/statistics.h"

namespace ondol::eval {

// Per question where not said otherwise (contract 13: latency from a serial pass with cold caches).
struct RecipeCost {
  double latency_p50_s = 0;
  double latency_p95_s = 0;
  double first_token_p50_s = 0;
  double tokens_in = 0;
  double tokens_out = 0;
  double cpu_s = 0;
  double peak_memory_bytes = 0;
  double build_s = 0;             // once: index, examples, adapter
  int64_t latency_questions = 0;  // how many the latencies were measured on
};

enum class CostAxis { kLatency, kCpu, kTokens };
Text cost_axis_name(CostAxis axis);
double cost_on(const RecipeCost& cost, CostAxis axis);  // latency_p50_s, cpu_s, tokens_in + out

struct DecisionRecipe {
  std::string name{};
  RecipeCost cost{};
};

// score[recipe][question][repeat], each in [0, 1]; a failed answer scores 0.
struct ScoreCube {
  int recipes = 0;
  int questions = 0;
  int repeats = 1;
  std::vector<double> values{};

  ScoreCube() = default;
  ScoreCube(int recipe_count, int question_count, int repeat_count = 1);
  double& at(int recipe, int question, int repeat = 0);
  double at(int recipe, int question, int repeat = 0) const;
  std::vector<double> question_means(int recipe) const;  // mean over repeats
};

struct DecisionOptions {
  double margin = 0.02;  // how much quality may be given away for a lower cost
  CostAxis cost_axis = CostAxis::kLatency;
  double cost_tolerance = 0.05;  // costs closer than this share are equal
  int64_t questions_min = 20;    // below, no recommendation is called settled
  ResampleOptions resample{};
  // A recipe above a cap is not recommended; it is still shown.
  std::optional<double> latency_p95_s_max{};
  std::optional<double> peak_memory_bytes_max{};
  std::optional<double> build_s_max{};
};

struct DecisionInput {
  std::vector<DecisionRecipe> recipes{};
  ScoreCube cube{};
  std::vector<std::string> clusters{};  // one a question, or empty
  DecisionOptions options{};
};

struct RecipeVerdict {
  double mean = 0;
  Interval interval{};
  double difference = 0;  // to the best
  Interval difference_interval{};
  double p_best = 0;
  double expected_regret = 0;
  Interval rank{};
  double repeat_deviation = 0;  // mean within-question standard deviation; 0 with one repeat
  double cost = 0;              // on the chosen axis
  bool good_enough = false;     // interval above -margin
  bool shown_worse = false;     // than the best: its PairedDifference is shown
  bool within_caps = true;
};

struct PairedDifference {
  int a = 0;  // indices of recipes; difference = mean of a - mean of b
  int b = 0;
  double difference = 0;
  Interval interval{};
  int64_t better = 0;  // questions on which a scored higher
  int64_t worse = 0;
  double p = 1;
  double p_holm = 1;
  bool shown = false;  // claimed: p_holm below the level and the interval leaves 0 out
  std::string test{};  // "exact mcnemar" or "sign flip"
};

enum class DecisionStatus {
  kClearBest,        // the best one; every cheaper one was shown worse, or there is no cheaper one
  kCheaperIsEnough,  // a cheaper one is shown to be no more than the margin worse
  kUndecided,        // the best one for now; more questions would settle it
  kAllFail,          // no recipe answered anything
  kNoneAllowed,      // every recipe breaks a cap
};
const char* decision_status_name(DecisionStatus status);

struct Decision {
  DecisionStatus status = DecisionStatus::kUndecided;
  int chosen = -1;     // index of a recipe; -1 only for kNoneAllowed
  int runner_up = -1;  // -1: none
  int best = -1;       // highest mean of those within the caps (of all, if none is)
  std::vector<RecipeVerdict> verdicts{};  // one a recipe
  std::vector<PairedDifference> pairs{};  // a < b, all
  double detectable = 0;                  // smallest difference these questions find 8 times in 10
  int64_t questions_more = 0;  // kUndecided: how many more would settle it; 0: too many to say
  DecisionOptions options{};
  int64_t questions = 0;
  Text headline{};              // one sentence
  std::vector<Text> reasons{};  // plain sentences, most important first
};

Decision decide(const DecisionInput& input);

// What to print before anything runs: "With 60 questions only differences above 16 points ...".
Text power_sentence(int64_t questions, double expected_discordance = 0.2);

}  // namespace ondol::eval
