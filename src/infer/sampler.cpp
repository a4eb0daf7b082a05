#include "infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"

namespace ondol {
namespace {

void require(bool holds, const char* field, double got, const char* expected) {
  if (holds) return;
  throw Error(ErrorCode::kInvalidArgument, std::string("[sampler] ") + field + " is " +
                                               std::to_string(got) + "; expected " + expected);
}

}  // namespace

void check_sampler(const SamplerOptions& o) {
  require(o.temperature >= 0 && std::isfinite(o.temperature), "temperature", o.temperature,
          "0 or more");
  require(o.top_k >= 0, "top_k", static_cast<double>(o.top_k), "0 (all) or more");
  require(o.top_p > 0 && o.top_p <= 1, "top_p", o.top_p, "above 0 and at most 1");
  require(o.min_p >= 0 && o.min_p < 1, "min_p", o.min_p, "0 or more and below 1");
  require(o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty), "repetition_penalty",
          o.repetition_penalty, "above 0 (1 is off)");
  require(std::abs(o.presence_penalty) <= 10, "presence_penalty", o.presence_penalty, "-10 to 10");
  require(std::abs(o.frequency_penalty) <= 10, "frequency_penalty", o.frequency_penalty,
          "-10 to 10");
}

TokenId argmax(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

TokenLogprob token_logprob(std::span<const float> logits, TokenId id, int64_t top) {
  const float highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  const double log_sum = highest + std::log(sum);

  TokenLogprob result{.id = id, .logprob = logits[static_cast<size_t>(id)] - log_sum, .top = {}};
  if (top <= 0) return result;
  std::vector<TokenId> order(logits.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
  const auto better = [&](TokenId a, TokenId b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  const auto count = std::min<int64_t>(top, static_cast<int64_t>(order.size()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), better);
  for (int64_t i = 0; i < count; ++i) result.top.emplace_back(order[i], logits[order[i]] - log_sum);
  return result;
}

Sampler::Sampler(const SamplerOptions& options, uint64_t stream, std::span<const TokenId> prompt)
    : options_(options), rng_(options.seed, stream) {
  if (options_.repetition_penalty != 1.0) {
    for (TokenId id : prompt) ++prompt_counts_[id];
  }
}

void Sampler::adjust(std::span<float> logits) const {
  const auto in_range = [&](TokenId id) {
    return id >= 0 && static_cast<size_t>(id) < logits.size();
  };
  for (const auto& [id, bias] : options_.logit_bias) {
    if (in_range(id)) logits[id] += bias;
  }
  const auto repeated = [&](TokenId id) {
    float& z = logits[id];
    z = static_cast<float>(z > 0 ? z / options_.repetition_penalty
                                 : z * options_.repetition_penalty);
  };
  if (options_.repetition_penalty != 1.0) {
    for (const auto& [id, count] : prompt_counts_) repeated(id);
    for (const auto& [id, count] : answer_counts_) {
      if (!prompt_counts_.contains(id)) repeated(id);
    }
  }
  if (options_.presence_penalty != 0 || options_.frequency_penalty != 0) {
    for (const auto& [id, count] : answer_counts_) {
      logits[id] -= static_cast<float>(options_.presence_penalty +
                                       options_.frequency_penalty * static_cast<double>(count));
    }
  }
}

// Candidates, best first where an order is needed; ties go to the lower id.
void Sampler::keep_top_k(std::span<const float> logits) {
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > -std::numeric_limits<float>::infinity()) {
      candidates_.push_back({logits[i], static_cast<TokenId>(i)});
    }
  }
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  const auto k = static_cast<size_t>(options_.top_k);
  if (k > 0 && k < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(k) - 1,
                     candidates_.end(), better);
    candidates_.resize(k);
  }
  // A threshold below which no token can matter keeps the sort short: e^-40 of the best is nothing.
  float highest = -std::numeric_limits<float>::infinity();
  for (const Candidate& c : candidates_) highest = std::max(highest, c.logit);
  const float floor = highest - static_cast<float>(40.0 * options_.temperature);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.logit < floor; });
  std::sort(candidates_.begin(), candidates_.end(), better);
}

void Sampler::keep_top_p_and_min_p() {
  probabilities_.clear();
  double sum = 0;
  for (const Candidate& c : candidates_) {
    const double z = (static_cast<double>(c.logit) - candidates_[0].logit) / options_.temperature;
    probabilities_.push_back(std::exp(z));
    sum += probabilities_.back();
  }
  size_t kept = 0;
  double mass = 0;
  while (kept < probabilities_.size() && (kept == 0 || mass < options_.top_p * sum) &&
         probabilities_[kept] >= options_.min_p * probabilities_[0]) {
    mass += probabilities_[kept++];
  }
  probabilities_.resize(kept);
}

TokenId Sampler::draw() {
  double sum = 0;
  for (double p : probabilities_) sum += p;
  double point = rng_.uniform() * sum;
  for (size_t i = 0; i < probabilities_.size(); ++i) {
    point -= probabilities_[i];
    if (point < 0) return candidates_[i].id;
  }
  return candidates_[probabilities_.size() - 1].id;
}

TokenId Sampler::pick(std::span<float> logits) {
  adjust(logits);
  TokenId id;
  if (options_.temperature == 0) {
    id = argmax(logits);
  } else {
    keep_top_k(logits);
    if (candidates_.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[sampler] no token is allowed; try less logit_bias");
    }
    keep_top_p_and_min_p();
    id = draw();
  }
  ++answer_counts_[id];
  return id;
}

}  // namespace ondol
