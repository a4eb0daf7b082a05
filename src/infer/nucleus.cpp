#include "infer/nucleus.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "infer/vocabulary_scan.h"

namespace ondol::infer {
namespace {

constexpr int64_t kBuckets = 4096;

class Nucleus {
 public:
  Nucleus(std::span<const float> logits, const NucleusOptions& options)
      : logits_(logits),
        options_(options),
        per_logit_(static_cast<float>(kBuckets - 1) /
                   std::max(options.highest - options.floor, 1e-30F)),
        weights_(kBuckets, 0.0) {
    for (const float logit : logits) {
      const double p = weight(logit);
      if (p > 0) weights_[bucket(logit)] += p;
    }
  }

  text::TokenId draw(double share) const {
    // Where top-p ends: in bucket `last`, whose members are kept while they are needed.
    const double wanted = options_.top_p * options_.total;
    size_t last = 0;
    double before = 0;
    while (last + 1 < weights_.size() && before + weights_[last] < wanted) {
      before += weights_[last++];
    }
    std::vector<Candidate> edge = members(last);
    double mass = before;
    size_t kept = 0;
    while (kept < edge.size() && (mass < wanted || mass == 0)) mass += weight(edge[kept++].logit);
    edge.resize(kept);

    double point = share * mass;
    size_t chosen = 0;
    while (chosen < last && point >= weights_[chosen]) point -= weights_[chosen++];
    std::vector<Candidate> among = chosen == last ? std::move(edge) : members(chosen);
    // A bucket may be empty, or rounding lead past the end of the last one.
    while (among.empty()) among = members(--chosen);
    for (const Candidate& c : among) {
      point -= weight(c.logit);
      if (point < 0) return c.id;
    }
    return among.back().id;
  }

 private:
  // 0: not kept.
  double weight(float logit) const {
    if (!(logit >= options_.floor)) return 0;
    const double p =
        std::exp((static_cast<double>(logit) - options_.highest) / options_.temperature);
    return p < options_.min_p ? 0 : p;
  }
  size_t bucket(float logit) const {
    const float at = (options_.highest - logit) * per_logit_;
    return static_cast<size_t>(std::clamp(at, 0.0F, static_cast<float>(kBuckets - 1)));
  }
  std::vector<Candidate> members(size_t index) const {
    std::vector<Candidate> out;
    for (size_t i = 0; i < logits_.size(); ++i) {
      if (logits_[i] >= options_.floor && bucket(logits_[i]) == index && weight(logits_[i]) > 0) {
        out.push_back({logits_[i], static_cast<text::TokenId>(i)});
      }
    }
    std::sort(out.begin(), out.end(), better);
    return out;
  }

  std::span<const float> logits_;
  NucleusOptions options_;
  float per_logit_;
  std::vector<double> weights_;  // of each bucket, the most likely first
};

}  // namespace

text::TokenId draw_from_nucleus(std::span<const float> logits, const NucleusOptions& options,
                                double share) {
  return Nucleus(logits, options).draw(share);
}

}  // namespace ondol::infer
