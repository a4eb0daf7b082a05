#include "eval/decision.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "eval/decision_words.h"

namespace ondol::eval {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[decision] " + what);
}

void check(const DecisionInput& input) {
  const ScoreCube& cube = input.cube;
  if (input.recipes.empty() || static_cast<size_t>(cube.recipes) != input.recipes.size()) {
    refuse("recipes and score rows differ; got " + std::to_string(input.recipes.size()) + " and " +
           std::to_string(cube.recipes) + ", expected the same number, at least 1");
  }
  if (cube.questions < 1) refuse("there is nothing to decide on; got 0 questions");
  if (!input.clusters.empty() && input.clusters.size() != static_cast<size_t>(cube.questions)) {
    refuse("clusters and questions differ; got " + std::to_string(input.clusters.size()) + " and " +
           std::to_string(cube.questions));
  }
  for (const double value : cube.values) {
    if (!(value >= 0 && value <= 1)) {
      refuse("scores must be from 0 to 1; got " + std::to_string(value));
    }
  }
  if (!(input.options.margin >= 0 && input.options.margin < 1)) {
    refuse("the margin must be from 0 to 1; got " + std::to_string(input.options.margin));
  }
}

std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Mean over questions of the standard deviation between repeats.
double repeat_deviation(const ScoreCube& cube, int recipe) {
  if (cube.repeats < 2) return 0;
  const std::vector<double> means = cube.question_means(recipe);
  double total = 0;
  for (int q = 0; q < cube.questions; ++q) {
    double squares = 0;
    for (int k = 0; k < cube.repeats; ++k) {
      const double off = cube.at(recipe, q, k) - means[static_cast<size_t>(q)];
      squares += off * off;
    }
    total += std::sqrt(squares / (cube.repeats - 1));
  }
  return total / cube.questions;
}

bool within_caps(const RecipeCost& cost, const DecisionOptions& options) {
  const auto over = [](double value, const std::optional<double>& cap) {
    return cap && value > *cap;
  };
  return !over(cost.latency_p95_s, options.latency_p95_s_max) &&
         !over(cost.peak_memory_bytes, options.peak_memory_bytes_max) &&
         !over(cost.build_s, options.build_s_max);
}

// Everything the rule looks at, computed once.
class Table {
 public:
  explicit Table(const DecisionInput& input)
      : input_(input),
        clusters_(input.clusters.empty() ? no_clusters(static_cast<size_t>(input.cube.questions))
                                         : make_clusters(input.clusters)) {
    for (int r = 0; r < input.cube.recipes; ++r) rows_.push_back(input.cube.question_means(r));
  }

  std::vector<double> difference(size_t a, size_t b) const { return minus(rows_[a], rows_[b]); }

  void fill_verdicts(Decision& decision) const {
    const auto& options = input_.options;
    const JointBootstrap joint = joint_bootstrap(rows_, clusters_, options.resample);
    for (size_t r = 0; r < rows_.size(); ++r) {
      RecipeVerdict verdict;
      verdict.mean = mean(rows_[r]);
      verdict.interval = own_interval(r, joint.mean[r]);
      verdict.p_best = joint.best_probability[r];
      verdict.expected_regret = joint.expected_regret[r];
      verdict.rank = joint.rank[r];
      verdict.repeat_deviation = repeat_deviation(input_.cube, static_cast<int>(r));
      verdict.cost = cost_on(input_.recipes[r].cost, options.cost_axis);
      verdict.within_caps = within_caps(input_.recipes[r].cost, options);
      decision.verdicts.push_back(verdict);
    }
  }

  // Against the best one: the interval that the rule reads.
  void fill_differences(Decision& decision) const {
    const auto best = static_cast<size_t>(decision.best);
    for (size_t r = 0; r < rows_.size(); ++r) {
      RecipeVerdict& verdict = decision.verdicts[r];
      verdict.good_enough = true;
      if (r == best) continue;
      const std::vector<double> d = difference(r, best);
      verdict.difference = mean(d);
      verdict.difference_interval = guarded_interval(d, clusters_, input_.options.resample);
      verdict.good_enough = verdict.difference_interval.low > -input_.options.margin;
    }
    for (const PairedDifference& pair : decision.pairs) {
      if (!pair.shown || (pair.a != decision.best && pair.b != decision.best)) continue;
      const int other = pair.a == decision.best ? pair.b : pair.a;
      RecipeVerdict& verdict = decision.verdicts[static_cast<size_t>(other)];
      verdict.shown_worse = verdict.difference < 0;
    }
  }

  std::vector<PairedDifference> pairs() const {
    std::vector<PairedDifference> out;
    std::vector<double> p_values;
    for (size_t a = 0; a < rows_.size(); ++a) {
      for (size_t b = a + 1; b < rows_.size(); ++b) {
        out.push_back(pair(a, b));
        p_values.push_back(out.back().p);
      }
    }
    const std::vector<double> adjusted = holm(p_values);
    // Exact McNemar at 5 % raises about 3 false alarms in 100 because counts are coarse; the sign
    // flip has exactly its nominal level. Both are held to 3 in 100, so that a check of 200 equal
    // pairs stays within 5 in 100 by more than luck.
    const double alpha = right_or_wrong() && !clustered() ? 0.05 : 0.03;
    for (size_t i = 0; i < out.size(); ++i) {
      out[i].p_holm = adjusted[i];
      out[i].shown = adjusted[i] < alpha && (out[i].interval.low > 0 || out[i].interval.high < 0);
    }
    return out;
  }

  bool right_or_wrong() const {
    return input_.cube.repeats == 1 &&
           std::all_of(input_.cube.values.begin(), input_.cube.values.end(),
                       [](double value) { return value == 0 || value == 1; });
  }

 private:
  bool clustered() const { return clusters_.count < input_.cube.questions; }

  Interval own_interval(size_t r, const Interval& bootstrap) const {
    if (!right_or_wrong() || clustered()) return bootstrap;
    const auto right = static_cast<int64_t>(std::lround(mean(rows_[r]) * input_.cube.questions));
    return wilson(right, input_.cube.questions, input_.options.resample.confidence);
  }

  PairedDifference pair(size_t a, size_t b) const {
    const std::vector<double> d = difference(a, b);
    PairedDifference out{.a = static_cast<int>(a), .b = static_cast<int>(b)};
    out.difference = mean(d);
    out.interval = guarded_interval(d, clusters_, input_.options.resample);
    out.better = std::count_if(d.begin(), d.end(), [](double x) { return x > 0; });
    out.worse = std::count_if(d.begin(), d.end(), [](double x) { return x < 0; });
    // Clusters widen the interval, which must leave 0 out too; a flip of whole clusters on top
    // would need more documents than people have.
    if (right_or_wrong()) {
      out.test = "exact mcnemar";
      out.p = mcnemar(out.better, out.worse).p_exact;
    } else {
      out.test = "sign flip";
      out.p = sign_flip_p(d, clusters_, input_.options.resample);
    }
    return out;
  }

  const DecisionInput& input_;
  Clusters clusters_;
  std::vector<std::vector<double>> rows_;
};

// Highest mean; of equal ones the cheapest.
int best_of(const std::vector<RecipeVerdict>& verdicts, bool caps, int except = -1) {
  int best = -1;
  for (int r = 0; r < static_cast<int>(verdicts.size()); ++r) {
    const RecipeVerdict& verdict = verdicts[static_cast<size_t>(r)];
    if (r == except || (caps && !verdict.within_caps)) continue;
    if (best >= 0) {
      const RecipeVerdict& leader = verdicts[static_cast<size_t>(best)];
      if (verdict.mean < leader.mean) continue;
      if (verdict.mean == leader.mean && verdict.cost >= leader.cost) continue;
    }
    best = r;
  }
  return best;
}

bool is_cheaper(const RecipeVerdict& a, const RecipeVerdict& b, const DecisionOptions& options) {
  return a.cost * (1 + options.cost_tolerance) < b.cost;
}

// Of those shown good enough: the best within cost_tolerance of the cheapest.
int cheapest_good_enough(const Decision& decision) {
  double cost_min = decision.verdicts[static_cast<size_t>(decision.best)].cost;
  for (const RecipeVerdict& verdict : decision.verdicts) {
    if (verdict.within_caps && verdict.good_enough) cost_min = std::min(cost_min, verdict.cost);
  }
  int chosen = decision.best;
  double mean_max = -1;
  for (size_t r = 0; r < decision.verdicts.size(); ++r) {
    const RecipeVerdict& verdict = decision.verdicts[r];
    if (!verdict.within_caps || !verdict.good_enough) continue;
    if (verdict.cost > cost_min * (1 + decision.options.cost_tolerance)) continue;
    if (verdict.mean > mean_max) {
      mean_max = verdict.mean;
      chosen = static_cast<int>(r);
    }
  }
  return chosen;
}

// How many questions in all would tell, 8 times in 10, whether this cheaper recipe is good enough
// or worse; from the width of its interval now, which holds clusters and graded scores.
double questions_to_settle(const RecipeVerdict& verdict, const Decision& decision) {
  const Interval& interval = verdict.difference_interval;
  const double z = normal_quantile(0.5 + decision.options.resample.confidence / 2);
  const double deviation = (interval.high - interval.low) / 2 / z;
  const double variance = deviation * deviation * static_cast<double>(decision.questions);
  const double room = verdict.difference + decision.options.margin;
  double needed = INFINITY;
  if (room > 0) needed = std::min(needed, questions_needed(variance, room));
  if (verdict.difference < 0) {
    needed = std::min(needed, questions_needed(variance, verdict.difference));
  }
  return needed;
}

void settle(Decision& decision) {
  const RecipeVerdict& chosen = decision.verdicts[static_cast<size_t>(decision.chosen)];
  if (chosen.mean == 0 && decision.verdicts[static_cast<size_t>(decision.best)].mean == 0) {
    decision.status = DecisionStatus::kAllFail;
    return;
  }
  double needed = 0;
  for (const RecipeVerdict& verdict : decision.verdicts) {
    const bool open = verdict.within_caps && !verdict.good_enough && !verdict.shown_worse;
    if (open && is_cheaper(verdict, chosen, decision.options)) {
      needed = std::max(needed, questions_to_settle(verdict, decision));
    }
  }
  const bool too_few = decision.questions < decision.options.questions_min;
  if (too_few) needed = std::max(needed, static_cast<double>(decision.options.questions_min));
  if (needed > 0) {
    constexpr double kQuestionsSayable = 20000;  // beyond, the number would only sound exact
    decision.status = DecisionStatus::kUndecided;
    if (needed <= kQuestionsSayable) {
      decision.questions_more =
          std::max<int64_t>(1, static_cast<int64_t>(std::ceil(needed)) - decision.questions);
    }
    return;
  }
  decision.status = decision.chosen == decision.best ? DecisionStatus::kClearBest
                                                     : DecisionStatus::kCheaperIsEnough;
}

double detectable_now(const Decision& decision, const Table& table) {
  if (decision.runner_up < 0) {
    return smallest_detectable_from_discordance(0.2, decision.questions);
  }
  double squares = 1;  // the pseudo-observations of guarded_interval
  for (const double d : table.difference(static_cast<size_t>(decision.chosen),
                                         static_cast<size_t>(decision.runner_up))) {
    squares += d * d;
  }
  const double variance = squares / static_cast<double>(decision.questions + 2);
  return std::min(1.0, smallest_detectable_difference(variance, decision.questions));
}

}  // namespace

ScoreCube::ScoreCube(int recipe_count, int question_count, int repeat_count)
    : recipes(recipe_count), questions(question_count), repeats(repeat_count) {
  if (recipes < 0 || questions < 0 || repeats < 1) refuse("a score cube needs positive sizes");
  values.assign(static_cast<size_t>(recipes) * questions * repeats, 0.0);
}

double& ScoreCube::at(int recipe, int question, int repeat) {
  return values[(static_cast<size_t>(recipe) * questions + question) * repeats + repeat];
}

double ScoreCube::at(int recipe, int question, int repeat) const {
  return values[(static_cast<size_t>(recipe) * questions + question) * repeats + repeat];
}

std::vector<double> ScoreCube::question_means(int recipe) const {
  std::vector<double> means(static_cast<size_t>(questions));
  for (int q = 0; q < questions; ++q) {
    double sum = 0;
    for (int k = 0; k < repeats; ++k) sum += at(recipe, q, k);
    means[static_cast<size_t>(q)] = sum / repeats;
  }
  return means;
}

double cost_on(const RecipeCost& cost, CostAxis axis) {
  switch (axis) {
    case CostAxis::kLatency:
      return cost.latency_p50_s;
    case CostAxis::kCpu:
      return cost.cpu_s;
    case CostAxis::kTokens:
      break;
  }
  return cost.tokens_in + cost.tokens_out;
}

const char* decision_status_name(DecisionStatus status) {
  constexpr std::array<const char*, 5> kNames = {"clear_best", "cheaper_is_enough", "undecided",
                                                 "all_fail", "none_allowed"};
  return kNames[static_cast<size_t>(status)];
}

Decision decide(const DecisionInput& input) {
  check(input);
  Decision decision;
  decision.options = input.options;
  decision.questions = input.cube.questions;
  const Table table(input);
  table.fill_verdicts(decision);
  decision.best = best_of(decision.verdicts, /*caps=*/true);
  if (decision.best < 0) {
    decision.best = best_of(decision.verdicts, /*caps=*/false);
    decision.status = DecisionStatus::kNoneAllowed;
  }
  decision.pairs = table.pairs();
  table.fill_differences(decision);
  if (decision.status != DecisionStatus::kNoneAllowed) {
    decision.chosen = cheapest_good_enough(decision);
    decision.runner_up = decision.chosen != decision.best
                             ? decision.best
                             : best_of(decision.verdicts, /*caps=*/true, decision.chosen);
    settle(decision);
    decision.detectable = detectable_now(decision, table);
  }
  explain(input, decision);
  return decision;
}

}  // namespace ondol::eval
