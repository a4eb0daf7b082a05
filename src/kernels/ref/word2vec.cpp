#include <array>
#include <cmath>

#include "kernels/ref/ref.h"

namespace ondol::ref {
namespace {

// 1 - sigmoid for the word that was there, -sigmoid for the others.
float pull_of_table(const float* sigmoids, float score, bool present) {
  constexpr float kScale = static_cast<float>(kSigmoidTableSize) / 12.0F;
  if (!(std::fabs(score) < 6.0F)) return 0.0F;
  const float sigmoid = sigmoids[static_cast<int>((score + 6.0F) * kScale)];
  return (present ? 1.0F : 0.0F) - sigmoid;
}

}  // namespace

void negative_step(const NegativeStep& work) {
  std::array<float, kNegativeRowsMax> pulls{};
  for (int64_t k = 0; k < work.count; ++k) {
    const float score = dot(work.input, work.rows[k], work.width);
    const float z = k == 0 ? -score : score;
    const float small = exp(-std::fabs(z));
    const float share = 1.0F / (1.0F + small);
    const float sigmoid = (z < 0.0F ? small * share : share) * work.rate;
    pulls[static_cast<size_t>(k)] = work.sigmoids
                                        ? pull_of_table(work.sigmoids, score, k == 0) * work.rate
                                        : (k == 0 ? sigmoid : -sigmoid);
    work.margins[k] = z;
    work.shares[k] = share;
  }
  for (int64_t i = 0; i < work.width; ++i) {
    const float input = work.input[i];
    float error = 0.0F;
    for (int64_t k = 0; k < work.count; ++k) {
      const float pull = pulls[static_cast<size_t>(k)];
      float& value = work.rows[k][i];
      error = std::fma(pull, value, error);
      value = std::fma(pull, input, value);
    }
    work.target[i] += error;
  }
}

}  // namespace ondol::ref
