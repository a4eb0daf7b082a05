#include "ops/pair_loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/tape.h"

namespace ondol::ops {
namespace {

using reference::dot;

void add_scaled(std::span<const float> from, double scale, std::span<float> to) {
  for (size_t d = 0; d < to.size(); ++d) to[d] += static_cast<float>(scale * from[d]);
}

// Gradients of cosines become those of the vectors.
class PairGradient {
 public:
  PairGradient(const Context& context, const Tensor& vectors)
      : context_(context),
        vectors_(vectors),
        value_(context.tape ? context.tape->value_of(vectors) : 0) {
    if (value_) gradient_ = Tensor::zeros(DType::kF32, vectors.shape());
  }
  bool wanted() const { return value_ != 0; }
  // of the product of rows i and j
  void add(int64_t i, int64_t j, double gradient) {
    add_scaled(vectors_.row(j), gradient, gradient_.row(i));
    add_scaled(vectors_.row(i), gradient, gradient_.row(j));
  }
  void give() {
    if (value_) context_.tape->add(value_, std::move(gradient_));
  }

 private:
  const Context& context_;
  const Tensor& vectors_;
  Tape::Value value_;
  Tensor gradient_;
};

}  // namespace

LossSum in_batch_negatives(const Context& context, const Tensor& vectors, int64_t pairs,
                           const LossOptions& options, double cosine_scale) {
  expect_f32("in_batch_negatives", "vectors", vectors, {-1, -1});
  const int64_t candidates = vectors.dim(0) - pairs;
  if (pairs < 1 || candidates < pairs) {
    fail_check("in_batch_negatives", "vectors", std::to_string(vectors.dim(0)),
               "at least two a pair, " + std::to_string(2 * pairs));
  }
  PairGradient gradient(context, vectors);
  LossSum sum;
  std::vector<double> logits(static_cast<size_t>(candidates));
  for (int64_t i = 0; i < pairs; ++i) {
    for (int64_t j = 0; j < candidates; ++j) {
      logits[static_cast<size_t>(j)] = cosine_scale * dot(vectors.row(i), vectors.row(pairs + j));
    }
    const auto largest = std::ranges::max_element(logits);
    const double most = *largest;
    double total = 0;
    for (const double logit : logits) total += std::exp(logit - most);
    sum.loss += most + std::log(total) - logits[static_cast<size_t>(i)];
    sum.correct += largest - logits.begin() == i ? 1 : 0;
    if (!gradient.wanted()) continue;
    for (int64_t j = 0; j < candidates; ++j) {
      const double share = std::exp(logits[static_cast<size_t>(j)] - most) / total;
      gradient.add(i, pairs + j, options.scale * cosine_scale * (share - (i == j ? 1 : 0)));
    }
  }
  sum.tokens = pairs;
  gradient.give();
  return sum;
}

LossSum ordered_cosines(const Context& context, const Tensor& vectors,
                        std::span<const float> scores, const LossOptions& options,
                        double cosine_scale) {
  const auto pairs = static_cast<int64_t>(scores.size());
  expect_f32("ordered_cosines", "vectors", vectors, {2 * pairs, -1});
  std::vector<double> cosines;
  for (int64_t i = 0; i < pairs; ++i) {
    cosines.push_back(dot(vectors.row(i), vectors.row(pairs + i)));
  }
  const auto each = [&](const auto& f) {
    for (size_t i = 0; i < scores.size(); ++i) {
      for (size_t j = 0; j < scores.size(); ++j) {
        if (scores[i] > scores[j]) f(i, j, cosine_scale * (cosines[j] - cosines[i]));
      }
    }
  };
  // log(exp(0) + sum exp(x)), the largest of them taken out.
  double most = 0;
  each([&](size_t, size_t, double x) { most = std::max(most, x); });
  double total = std::exp(-most);
  each([&](size_t, size_t, double x) { total += std::exp(x - most); });
  PairGradient gradient(context, vectors);
  if (gradient.wanted()) {
    std::vector<double> of_cosine(scores.size(), 0.0);
    each([&](size_t i, size_t j, double x) {
      const double g = options.scale * cosine_scale * std::exp(x - most) / total;
      of_cosine[j] += g;
      of_cosine[i] -= g;
    });
    for (int64_t i = 0; i < pairs; ++i) {
      gradient.add(i, pairs + i, of_cosine[static_cast<size_t>(i)]);
    }
    gradient.give();
  }
  return {most + std::log(total), 1, 0};
}

}  // namespace ondol::ops
