// Closed-form intervals and tests.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.h"
#include "eval/statistics.h"

namespace ondol::eval {
namespace {

void require(bool condition, const std::string& message) {
  if (!condition) throw Error(ErrorCode::kInvalidArgument, "[statistics] " + message);
}

double two_sided_quantile(double confidence) {
  require(confidence > 0 && confidence < 1,
          "confidence must be between 0 and 1; got " + std::to_string(confidence));
  return normal_quantile(0.5 + confidence / 2);
}

double log_binomial(int64_t n, int64_t k) {
  const auto x = [](int64_t value) { return std::lgamma(static_cast<double>(value) + 1); };
  return x(n) - x(k) - x(n - k);
}

}  // namespace

double normal_quantile(double p) {
  require(p > 0 && p < 1, "a probability must be between 0 and 1; got " + std::to_string(p));
  // Bisection on erfc: 80 halvings of [-40, 40] end far below double precision of z.
  double low = -40, high = 40;
  for (int step = 0; step < 80; ++step) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::numbers::sqrt2) / 2 < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

Interval wilson(int64_t successes, int64_t trials, double confidence) {
  require(trials > 0 && successes >= 0 && successes <= trials,
          "a rate needs 0 <= successes <= trials, trials > 0; got " + std::to_string(successes) +
              " of " + std::to_string(trials));
  const double z = two_sided_quantile(confidence), n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double center = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {successes == 0 ? 0.0 : std::max(0.0, center - half),
          successes == trials ? 1.0 : std::min(1.0, center + half)};
}

McNemar mcnemar(int64_t only_a, int64_t only_b) {
  require(only_a >= 0 && only_b >= 0, "discordant counts must not be negative");
  const int64_t n = only_a + only_b, k = std::min(only_a, only_b);
  McNemar result{only_a, only_b, 1, 1};
  if (n == 0) return result;
  double tail = 0;
  for (int64_t i = 0; i <= k; ++i) {
    tail += std::exp(log_binomial(n, i) - static_cast<double>(n) * std::numbers::ln2);
  }
  const double point = std::exp(log_binomial(n, k) - static_cast<double>(n) * std::numbers::ln2);
  result.p_exact = std::min(1.0, 2 * tail);
  // With b == c the two tails overlap in the middle term: 2 tail counts it twice.
  result.p_mid = only_a == only_b ? 1 - point : std::min(1.0, 2 * tail - point);
  return result;
}

Interval newcombe_paired(int64_t both, int64_t only_a, int64_t only_b, int64_t neither,
                         double confidence) {
  const int64_t n = both + only_a + only_b + neither;
  require(std::min({both, only_a, only_b, neither}) >= 0 && n > 0,
          "the cells of a paired table must not be negative and not all zero");
  const int64_t right_a = both + only_a, right_b = both + only_b;
  const Interval a = wilson(right_a, n, confidence), b = wilson(right_b, n, confidence);
  const auto d = [](int64_t value) { return static_cast<double>(value); };
  const double pa = d(right_a) / d(n), pb = d(right_b) / d(n);
  const double product = d(right_a) * d(n - right_a) * d(right_b) * d(n - right_b);
  // Method 10 takes n/2 off a positive association, so that 0 discordant pairs are not certainty.
  double association = d(both) * d(neither) - d(only_a) * d(only_b);
  if (association > 0) association = std::max(0.0, association - d(n) / 2);
  const double phi = product > 0 ? association / std::sqrt(product) : 0;
  const auto joined = [phi](double x, double y) {
    return std::sqrt(std::max(0.0, x * x - 2 * phi * x * y + y * y));
  };
  const double difference = pa - pb;
  return {std::max(-1.0, difference - joined(pa - a.low, b.high - pb)),
          std::min(1.0, difference + joined(a.high - pa, pb - b.low))};
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t x, size_t y) { return p_values[x] < p_values[y]; });
  std::vector<double> adjusted(p_values.size());
  double running = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double scaled = p_values[order[i]] * static_cast<double>(order.size() - i);
    running = std::max(running, std::min(1.0, scaled));
    adjusted[order[i]] = running;
  }
  return adjusted;
}

namespace {
// z(97.5 %) + z(80 %): found in 80 of 100 repetitions by a two-sided test at 5 %.
constexpr double kPowerFactor = 2.8;
}  // namespace

double smallest_detectable_difference(double variance, int64_t questions) {
  require(questions > 0 && variance >= 0, "power needs at least one question");
  return kPowerFactor * std::sqrt(variance / static_cast<double>(questions));
}

double smallest_detectable_from_discordance(double discordance, int64_t questions) {
  // A difference of right/wrong scores is -1, 0 or 1: its variance is the share that differs, less
  // the squared mean, which is small where the question is whether a difference is seen at all.
  return std::min(1.0, smallest_detectable_difference(discordance, questions));
}

double questions_needed(double variance, double difference) {
  require(difference != 0, "no number of questions tells a difference of 0 from 0");
  return variance * kPowerFactor * kPowerFactor / (difference * difference);
}

}  // namespace ondol::eval
