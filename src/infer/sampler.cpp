#include "infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "infer/nucleus.h"

namespace ondol {
namespace {

using infer::Candidate;
using infer::VocabularyScan;

constexpr float kLowest = std::numeric_limits<float>::lowest();
// How many candidates top-p and min-p look at before they take the way for flat distributions.
constexpr int64_t kFewCandidates = 64;

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

TokenId argmax(std::span<const float> logits) { return infer::VocabularyScan(logits).argmax(); }

TokenLogprob token_logprob(std::span<const float> logits, TokenId id, int64_t top) {
  const infer::VocabularyScan scan(logits);
  const double log_sum = scan.highest() + std::log(scan.exp_sum(1.0));
  TokenLogprob result{.id = id, .logprob = logits[static_cast<size_t>(id)] - log_sum, .top = {}};
  if (top <= 0) return result;
  for (const auto& [logit, other] : scan.best(top, kLowest).candidates) {
    result.top.emplace_back(other, logit - log_sum);
  }
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

// Without a filter nothing needs an order.
TokenId Sampler::draw_any(const VocabularyScan& scan, float floor) {
  return scan.at_share(rng_.uniform(), options_.temperature, floor);
}

// With a filter: candidates best first, only as many as the filters look at.
TokenId Sampler::draw_best(std::span<const float> logits, const VocabularyScan& scan, float floor) {
  const double t = options_.temperature;
  double sum = 0;
  if (options_.top_k == 0) {
    sum = options_.top_p < 1 ? scan.exp_sum(t) : std::numeric_limits<double>::infinity();
  }
  const VocabularyScan::Best best =
      scan.best(options_.top_k > 0 ? options_.top_k : kFewCandidates, floor);
  if (options_.top_k > 0) {
    for (const Candidate& c : best.candidates) {
      sum += std::exp((static_cast<double>(c.logit) - scan.highest()) / t);
    }
  }
  const bool enough = keep(best, sum) < best.candidates.size();
  if (enough || best.all || options_.top_k > 0) return draw(best);
  return infer::draw_from_nucleus(logits,
                                  {.temperature = t,
                                   .top_p = options_.top_p,
                                   .min_p = options_.min_p,
                                   .highest = scan.highest(),
                                   .floor = floor,
                                   .total = sum},
                                  rng_.uniform());
}

// The weights of the candidates that top-p and min-p keep; `sum` is the weight of all tokens.
size_t Sampler::keep(const VocabularyScan::Best& best, double sum) {
  probabilities_.clear();
  const double highest = best.candidates.front().logit;
  double mass = 0;
  for (const Candidate& c : best.candidates) {
    const double p = std::exp((static_cast<double>(c.logit) - highest) / options_.temperature);
    const bool enough = !probabilities_.empty() && mass >= options_.top_p * sum;
    if (enough || p < options_.min_p) break;
    probabilities_.push_back(p);
    mass += p;
  }
  return probabilities_.size();
}

TokenId Sampler::draw(const VocabularyScan::Best& best) {
  double sum = 0;
  for (double p : probabilities_) sum += p;
  double point = rng_.uniform() * sum;
  for (size_t i = 0; i < probabilities_.size(); ++i) {
    point -= probabilities_[i];
    if (point < 0) return best.candidates[i].id;
  }
  return best.candidates[probabilities_.size() - 1].id;
}

TokenId Sampler::pick(std::span<float> logits) {
  adjust(logits);
  const VocabularyScan scan(logits);
  if (!(scan.highest() >= kLowest)) {
    throw Error(ErrorCode::kInvalidArgument,
                "[sampler] no token can be chosen: every logit is minus infinity or not a number; "
                "try less logit_bias");
  }
  // Below e^-40 of the best one nothing is ever drawn.
  const float floor =
      std::max(kLowest, scan.highest() - static_cast<float>(40.0 * options_.temperature));
  const bool filtered = options_.top_k > 0 || options_.top_p < 1 || options_.min_p > 0;
  const bool greedy = options_.temperature == 0 || std::isinf(scan.highest());
  const TokenId id = greedy     ? scan.argmax()
                     : filtered ? draw_best(logits, scan, floor)
                                : draw_any(scan, floor);
  accept(id);
  return id;
}

}  // namespace ondol
