#include <cmath>

#include "kernels/ref/ref.h"

namespace ondol::ref {
namespace {

const float* key_of(const AttentionBlock& b, int64_t key, int64_t e) {
  const KvPage& page = b.pages[key / kPageTokens];
  return page.keys + (b.kv_head * b.head_width + e) * kPageTokens + key % kPageTokens;
}
const float* value_of(const AttentionBlock& b, int64_t key) {
  const KvPage& page = b.pages[key / kPageTokens];
  return page.values + (b.kv_head * kPageTokens + key % kPageTokens) * b.head_width;
}

}  // namespace

void attention(const AttentionBlock& b) {
  for (int64_t row = 0; row < b.rows; ++row) {
    float* scores = b.scores + row * b.score_stride;
    for (int64_t key = 0; key < b.visible[row]; ++key) {
      float score = 0;
      for (int64_t e = 0; e < b.head_width; ++e) {
        score = std::fma(b.q[row][e], *key_of(b, key, e), score);
      }
      score *= b.scale;
      scores[key] = b.bias[row] ? score + b.bias[row][key] : score;
    }
    const MaxSum all = max_sum(scores, b.visible[row]);
    // Every key masked by an infinite bias: nothing to attend to, zeros rather than NaN.
    const float inverse = all.sum == 0.0F ? 0.0F : 1.0F / all.sum;
    for (int64_t e = 0; e < b.head_width; ++e) b.out[row][e] = 0;
    for (int64_t key = 0; key < b.visible[row]; ++key) {
      const float p = exp(scores[key] - all.max);
      for (int64_t e = 0; e < b.head_width; ++e) {
        b.out[row][e] = std::fma(p, value_of(b, key)[e], b.out[row][e]);
      }
    }
    for (int64_t e = 0; e < b.head_width; ++e) b.out[row][e] *= inverse;
  }
}

}  // namespace ondol::ref
