#include "infer/speculation.h"

#include <algorithm>
#include <cmath>

namespace ondol::infer {
namespace {

// What a token more is thought to cost, as a part of a step of one, before it was measured: little,
// so that it is tried.
constexpr double kFirstSlope = 0.12;
constexpr int64_t kForgetSteps = 1000;
constexpr int64_t kRetryTokens = 4;
constexpr int64_t kPatienceMax = 256;
constexpr int64_t kPauseMax = 8;

size_t match_class(int64_t match) {
  if (match == kDraftMatch) return 6;
  return match <= 2 ? 0 : match == 3 ? 1 : match <= 5 ? 2 : match <= 8 ? 3 : match < 16 ? 4 : 5;
}

}  // namespace

bool StepCost::known(int64_t tokens) const {
  const Point& point = points_[static_cast<size_t>(tokens)];
  return point.seconds > 0 && steps_ - point.noted <= kForgetSteps;
}

void StepCost::note(int64_t tokens, double seconds) {
  if (tokens < 1 || tokens > kStepTokensMax || !(seconds > 0)) return;
  ++steps_;
  Point& point = points_[static_cast<size_t>(tokens)];
  if (!known(tokens)) {
    point = {seconds, steps_};
    return;
  }
  // Slow steps are often another program's fault: they count less than fast ones.
  const double change = (seconds / point.seconds - 1) * (seconds < point.seconds ? 0.4 : 0.1);
  // Some of it is what all steps have in common: longer contexts, a busier machine.
  const double common = 1 + std::clamp(change, -0.2, 0.2) * 0.2;
  for (Point& other : points_) other.seconds *= &other == &point ? 1 + change : common;
  point.noted = steps_;
}

double StepCost::estimate(int64_t tokens) const {
  int64_t below = std::clamp<int64_t>(tokens, 1, kStepTokensMax);
  while (below > 0 && !known(below)) --below;
  int64_t above = std::max<int64_t>(tokens, 1);
  while (above <= kStepTokensMax && !known(above)) ++above;
  const auto at = [&](int64_t t) { return points_[static_cast<size_t>(t)].seconds; };
  if (below == 0) return above <= kStepTokensMax ? at(above) : 0;
  if (below == tokens) return at(below);
  if (above <= kStepTokensMax) {
    const double part = static_cast<double>(tokens - below) / static_cast<double>(above - below);
    return at(below) + part * (at(above) - at(below));
  }
  return at(below) * (1 + kFirstSlope * static_cast<double>(tokens - below));
}

// What such matches are worth before anything was counted, as if seen in four tries.
GuessRecord::GuessRecord()
    : counts_{{{1.2, 4}, {2.0, 4}, {2.8, 4}, {3.2, 4}, {3.5, 4}, {3.7, 4}, {2.8, 4}}} {}

void GuessRecord::note(int64_t match, int64_t guessed, int64_t accepted) {
  constexpr double kFade = 0.95;
  Count& count = counts_[match_class(match)];
  count.right = count.right * kFade + static_cast<double>(accepted);
  count.tried = count.tried * kFade + static_cast<double>(std::min(accepted + 1, guessed));
}

double GuessRecord::probability(int64_t match) const {
  const Count& count = counts_[match_class(match)];
  return std::clamp(count.right / count.tried, 0.02, 0.98);
}

std::vector<int64_t> SpeculationPolicy::choose(int64_t tokens, std::span<const GuessOffer> offers) {
  struct Token {
    double probability;
    size_t offer;
  };
  std::vector<Token> order;
  for (size_t i = 0; i < offers.size(); ++i) {
    double probability = 1;
    for (int64_t j = 0; j < std::min(offers[i].tokens, kGuessTokensMax); ++j) {
      probability *= record.probability(offers[i].match);
      order.push_back({probability, i});
    }
  }
  // Stable: the tokens of one offer stay in their order, each at most as likely as the one before.
  std::stable_sort(order.begin(), order.end(),
                   [](const Token& a, const Token& b) { return a.probability > b.probability; });
  const auto room = static_cast<size_t>(std::max<int64_t>(kStepTokensMax - tokens, 0));
  if (order.size() > room) order.resize(room);

  const double plain = cost.estimate(tokens);
  double expected = static_cast<double>(tokens), best_rate = plain > 0 ? expected / plain : 0;
  size_t best = plain > 0 ? 0 : order.size();
  std::vector<int64_t> taken(offers.size(), 0);
  double before = 0;  // the step: what a draft model takes
  for (size_t i = 0; i < order.size() && plain > 0; ++i) {
    const GuessOffer& offer = offers[order[i].offer];
    const auto length = static_cast<double>(++taken[order[i].offer]);
    before = std::max(before, length * offer.seconds_each);
    expected += order[i].probability;
    const double rate = expected / (before + cost.estimate(tokens + static_cast<int64_t>(i) + 1));
    if (rate > best_rate) {
      best_rate = rate;
      best = i + 1;
    }
  }
  if (best > 0) {
    declined_ = 0;
    patience_ = 16;
  } else if (!order.empty() && ++declined_ >= patience_) {
    // What did not pay is tried again now and then: texts and machines change.
    declined_ = 0;
    patience_ = std::min(2 * patience_, kPatienceMax);
    best = std::min<size_t>(order.size(), kRetryTokens);
  }
  std::vector<int64_t> lengths(offers.size(), 0);
  for (size_t i = 0; i < best; ++i) ++lengths[order[i].offer];
  return lengths;
}

void GuessPause::note(int64_t accepted) {
  if (accepted > 0) {
    next_ = 1;
    return;
  }
  left_ = next_ - 1;
  next_ = std::min(2 * next_, kPauseMax);
}

}  // namespace ondol::infer
