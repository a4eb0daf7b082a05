// Statistics for recipes that answered the same questions: intervals, paired tests, power.
//
//   Interval rate = wilson(17, 20);                              // [0.640, 0.948]
//   McNemar test = mcnemar(/*only_a=*/9, /*only_b=*/2);          // p_exact 0.065, p_mid 0.039
//   BootstrapMean gain = paired_bootstrap(differences, clusters, {.seed = 1});
//
// Everything is deterministic: random draws are Philox blocks of (seed, draw), see base/rng.h. Pure
// functions, thread-safe. Errors: Error(kInvalidArgument) for empty or mismatched input.
// Sources: Wilson 1927; McNemar 1947, mid-p after Fagerland, Lydersen, Laake 2013; Newcombe 1998
// (method 10, paired proportions); Agresti, Min 2005; Efron 1979; Holm 1979.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ondol::eval {

struct Interval {
  double low = 0;
  double high = 0;
};

struct ResampleOptions {
  int draws = 10000;
  double confidence = 0.95;
  uint64_t seed = 20260101;
};

double normal_quantile(double probability);  // inverse of the standard normal distribution

// A rate from counts. 0 <= successes <= trials, trials > 0.
Interval wilson(int64_t successes, int64_t trials, double confidence = 0.95);

struct McNemar {
  int64_t only_a = 0;  // right in a, wrong in b
  int64_t only_b = 0;
  double p_exact = 1;  // two-sided binomial on the discordant pairs
  double p_mid = 1;    // the same less half the probability of what was seen: less conservative
};
McNemar mcnemar(int64_t only_a, int64_t only_b);

// Interval of p_a - p_b from the four cells of a paired table.
Interval newcombe_paired(int64_t both, int64_t only_a, int64_t only_b, int64_t neither,
                         double confidence = 0.95);

// Which cluster each question belongs to, as indices 0..count-1; an empty name is a cluster of its
// own.
struct Clusters {
  std::vector<int> of_question;
  int count = 0;
};
Clusters make_clusters(std::span<const std::string> names);
Clusters no_clusters(size_t questions);

struct BootstrapMean {
  double mean = 0;
  Interval interval;  // percentile
};
// Mean over questions; whole clusters are drawn with replacement.
BootstrapMean paired_bootstrap(std::span<const double> values, const Clusters& clusters,
                               const ResampleOptions& options = {});

// The interval decisions stand on: the wider of the bootstrap's and of a normal interval with one
// pseudo-observation of +1/2 and one of -1/2 squared mass on either side (Agresti-Min for graded
// scores). It keeps a handful of identical answers from looking like certainty.
Interval guarded_interval(std::span<const double> differences, const Clusters& clusters,
                          const ResampleOptions& options = {});

// Two-sided: how often a mean at least as far from 0 comes up when each cluster's sign is a coin
// toss; (hits + 1) / (draws + 1), or exact when there are at most 14 clusters.
double sign_flip_p(std::span<const double> differences, const Clusters& clusters,
                   const ResampleOptions& options = {});

// Adjusted p-values in the order given (step-down, each at most 1).
std::vector<double> holm(std::span<const double> p_values);

// The true difference that n questions find 80 times in 100 at 5 % two-sided: 2.8 sqrt(variance /
// n).
double smallest_detectable_difference(double variance, int64_t questions);
// The same before anything ran, from the share of questions expected to turn out differently.
double smallest_detectable_from_discordance(double discordance, int64_t questions);
// The questions needed to tell `difference` from 0 that way.
double questions_needed(double variance, double difference);

struct JointBootstrap {
  std::vector<double> best_probability;  // of each recipe; ties share
  std::vector<double> expected_regret;   // mean loss against the best of each draw
  std::vector<Interval> rank;            // 1 = best
  std::vector<Interval> mean;
};
// scores[recipe][question]; the clusters are drawn once a draw for all recipes together.
JointBootstrap joint_bootstrap(const std::vector<std::vector<double>>& scores,
                               const Clusters& clusters, const ResampleOptions& options = {});

}  // namespace ondol::eval
