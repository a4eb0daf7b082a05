// Bootstrap and permutation. A draw is a pure function of (seed, draw): block b of draw i is
// philox4x32({b, 0, i, 0}, seed), four words a block. An index is the high half of word * count;
// its bias, count / 2^32, is far below anything a percentile could show.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "eval/statistics.h"

namespace ondol::eval {
namespace {

class DrawWords {
 public:
  DrawWords(uint64_t seed, uint32_t draw)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}, draw_(draw) {}
  uint32_t next() {
    if (used_ == 4) {
      words_ = philox4x32({block_++, 0, draw_, 0}, key_);
      used_ = 0;
    }
    return words_[used_++];
  }
  size_t below(size_t count) {
    return static_cast<size_t>((static_cast<uint64_t>(next()) * count) >> 32);
  }

 private:
  std::array<uint32_t, 2> key_;
  uint32_t draw_;
  uint32_t block_ = 0;
  std::array<uint32_t, 4> words_{};
  size_t used_ = 4;
};

void check(size_t values, const Clusters& clusters, const ResampleOptions& options) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorCode::kInvalidArgument, "[statistics] " + what);
  };
  if (values == 0) fail("nothing to resample; got 0 values, expected at least 1");
  if (clusters.of_question.size() != values) {
    fail("clusters and values differ in length; got " +
         std::to_string(clusters.of_question.size()) + " and " + std::to_string(values));
  }
  if (options.draws < 100) {
    fail("too few draws; got " + std::to_string(options.draws) + ", expected at least 100");
  }
  if (!(options.confidence > 0 && options.confidence < 1)) {
    fail("confidence must be between 0 and 1; got " + std::to_string(options.confidence));
  }
}

struct ClusterSums {
  std::vector<double> sum;
  std::vector<double> count;
};

ClusterSums sums_by_cluster(std::span<const double> values, const Clusters& clusters) {
  ClusterSums result;
  result.sum.resize(static_cast<size_t>(clusters.count));
  result.count.resize(static_cast<size_t>(clusters.count));
  for (size_t q = 0; q < values.size(); ++q) {
    const auto c = static_cast<size_t>(clusters.of_question[q]);
    result.sum[c] += values[q];
    result.count[c] += 1;
  }
  return result;
}

// Linear interpolation between order statistics (numpy's default).
double quantile_of_sorted(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(position);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (position - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

Interval percentiles(std::vector<double>& draws, double confidence) {
  std::sort(draws.begin(), draws.end());
  return {quantile_of_sorted(draws, (1 - confidence) / 2),
          quantile_of_sorted(draws, (1 + confidence) / 2)};
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Clusters make_clusters(std::span<const std::string> names) {
  Clusters clusters;
  std::map<std::string_view, int> index;
  for (const std::string& name : names) {
    if (name.empty()) {
      clusters.of_question.push_back(clusters.count++);
      continue;
    }
    const auto [at, fresh] = index.try_emplace(name, clusters.count);
    if (fresh) ++clusters.count;
    clusters.of_question.push_back(at->second);
  }
  return clusters;
}

Clusters no_clusters(size_t questions) {
  return make_clusters(std::vector<std::string>(questions));
}

BootstrapMean paired_bootstrap(std::span<const double> values, const Clusters& clusters,
                               const ResampleOptions& options) {
  check(values.size(), clusters, options);
  const ClusterSums by_cluster = sums_by_cluster(values, clusters);
  const size_t count = by_cluster.sum.size();
  std::vector<double> draws(static_cast<size_t>(options.draws));
  for (size_t d = 0; d < draws.size(); ++d) {
    DrawWords words(options.seed, static_cast<uint32_t>(d));
    double sum = 0, questions = 0;
    for (size_t i = 0; i < count; ++i) {
      const size_t c = words.below(count);
      sum += by_cluster.sum[c];
      questions += by_cluster.count[c];
    }
    draws[d] = sum / questions;
  }
  return {mean_of(values), percentiles(draws, options.confidence)};
}

Interval guarded_interval(std::span<const double> differences, const Clusters& clusters,
                          const ResampleOptions& options) {
  Interval interval = paired_bootstrap(differences, clusters, options).interval;
  double sum = 0, squares = 0;
  for (const double d : differences) {
    sum += d;
    squares += d * d;
  }
  // Agresti-Min adds 1/2 to each of the four cells: two more questions, one more squared unit.
  const double n = static_cast<double>(differences.size()) + 2;
  const double mean = sum / n;
  const double deviation = std::sqrt(std::max(0.0, (squares + 1) / n - mean * mean) / n);
  const double half = normal_quantile(0.5 + options.confidence / 2) * deviation;
  return {std::max(-1.0, std::min(interval.low, mean - half)),
          std::min(1.0, std::max(interval.high, mean + half))};
}

double sign_flip_p(std::span<const double> differences, const Clusters& clusters,
                   const ResampleOptions& options) {
  check(differences.size(), clusters, options);
  std::vector<double> sums;
  for (const double sum : sums_by_cluster(differences, clusters).sum) {
    if (sum != 0) sums.push_back(sum);
  }
  if (sums.empty()) return 1;
  const double seen = std::abs(std::accumulate(sums.begin(), sums.end(), 0.0));
  constexpr double kRoundOff = 1e-12;  // equal sums added in another order count as equal
  const auto as_far = [&](auto sign_is_minus) {
    double sum = 0;
    for (size_t i = 0; i < sums.size(); ++i) sum += sign_is_minus(i) ? -sums[i] : sums[i];
    return std::abs(sum) >= seen - kRoundOff;
  };
  constexpr size_t kExactMax = 14;  // 2^14 sign patterns, about as many as draws
  if (sums.size() <= kExactMax) {
    const uint32_t patterns = 1u << sums.size();
    uint32_t hits = 0;
    for (uint32_t p = 0; p < patterns; ++p) {
      hits += as_far([p](size_t i) { return (p >> i) & 1; });
    }
    return static_cast<double>(hits) / patterns;
  }
  int hits = 0;
  for (int d = 0; d < options.draws; ++d) {
    DrawWords words(options.seed, static_cast<uint32_t>(d));
    uint32_t bits = 0;
    hits += as_far([&](size_t i) {
      if (i % 32 == 0) bits = words.next();
      return (bits >> (i % 32)) & 1;
    });
  }
  return (hits + 1.0) / (options.draws + 1.0);
}

JointBootstrap joint_bootstrap(const std::vector<std::vector<double>>& scores,
                               const Clusters& clusters, const ResampleOptions& options) {
  if (scores.empty()) throw Error(ErrorCode::kInvalidArgument, "[statistics] no recipes");
  const size_t recipes = scores.size(), draws = static_cast<size_t>(options.draws);
  std::vector<ClusterSums> sums;
  for (const auto& row : scores) {
    check(row.size(), clusters, options);
    sums.push_back(sums_by_cluster(row, clusters));
  }
  std::vector<std::vector<double>> means(recipes, std::vector<double>(draws)), ranks = means;
  JointBootstrap result;
  result.best_probability.assign(recipes, 0);
  result.expected_regret.assign(recipes, 0);
  const auto count = static_cast<size_t>(clusters.count);
  std::vector<size_t> picked(count);
  for (size_t d = 0; d < draws; ++d) {
    DrawWords words(options.seed, static_cast<uint32_t>(d));
    for (size_t& c : picked) c = words.below(count);
    double best = -std::numeric_limits<double>::infinity();
    for (size_t r = 0; r < recipes; ++r) {
      double sum = 0, questions = 0;
      for (const size_t c : picked) {
        sum += sums[r].sum[c];
        questions += sums[r].count[c];
      }
      means[r][d] = sum / questions;
      best = std::max(best, means[r][d]);
    }
    constexpr double kTie = 1e-12;
    const auto is_best = [&](size_t r) { return means[r][d] >= best - kTie; };
    double sharing = 0;
    for (size_t r = 0; r < recipes; ++r) sharing += is_best(r);
    for (size_t r = 0; r < recipes; ++r) {
      if (is_best(r)) result.best_probability[r] += 1 / sharing;
      result.expected_regret[r] += best - means[r][d];
      for (size_t other = 0; other < recipes; ++other) {
        ranks[r][d] += means[other][d] > means[r][d] + kTie;
      }
      ranks[r][d] += 1;
    }
  }
  for (size_t r = 0; r < recipes; ++r) {
    result.best_probability[r] /= static_cast<double>(draws);
    result.expected_regret[r] /= static_cast<double>(draws);
    result.mean.push_back(percentiles(means[r], options.confidence));
    result.rank.push_back(percentiles(ranks[r], options.confidence));
  }
  return result;
}

}  // namespace ondol::eval
