#include <algorithm>
#include <cmath>

#include "kernels/polynomials.h"
#include "kernels/ref/ref.h"

namespace ondol::ref {
namespace {

// One head of one page, at key `at` of it.
struct Head {
  const std::byte* keys;
  const std::byte* values;
  int64_t at;
};
Head head_of(const AttentionBlock& b, int64_t key) {
  const KvPage& page = b.pages[(b.key_begin + key) / kPageTokens];
  const int64_t offset = b.kv_head * b.head_bytes;
  return {page.keys + offset, page.values + offset, (b.key_begin + key) % kPageTokens};
}

const float* floats(const std::byte* part) { return reinterpret_cast<const float*>(part); }
const uint8_t* codes(const std::byte* part) { return reinterpret_cast<const uint8_t*>(part); }
float scale_of(const AttentionBlock& b, const std::byte* part, int64_t at) {
  return floats(part + b.head_bytes)[at - kPageTokens];
}

float score_f32(const AttentionBlock& b, int64_t row, int64_t key) {
  const Head head = head_of(b, key);
  float score = 0;
  for (int64_t e = 0; e < b.head_width; ++e) {
    score = std::fma(b.q[row][e], floats(head.keys)[e * kPageTokens + head.at], score);
  }
  return score * b.scale;
}

float score_i8(const AttentionBlock& b, int64_t row, int64_t key) {
  const Head head = head_of(b, key);
  const int8_t* q = b.q_codes[row];
  int32_t sum = 0;
  for (int64_t e = 0; e < b.head_width; ++e) {
    sum += (codes(head.keys)[(e / 4 * kPageTokens + head.at) * 4 + e % 4] - 128) * q[e];
  }
  return static_cast<float>(sum) * scale_of(b, head.keys, head.at) *
         (b.q_scale[row].scale * b.scale);
}

void mix_f32(const AttentionBlock& b, int64_t row, const float* p) {
  for (int64_t key = 0; key < b.visible[row]; ++key) {
    const Head head = head_of(b, key);
    const float* value = floats(head.values) + head.at * b.head_width;
    for (int64_t e = 0; e < b.head_width; ++e) {
      b.mixed[row][e] = std::fma(p[key], value[e], b.mixed[row][e]);
    }
  }
}

// Page by page: p * scale of the value as codes of 15 bits, exact integer sums, one fma a page.
void mix_i8(const AttentionBlock& b, int64_t row, const float* p) {
  const int64_t padded = (b.head_width + 15) / 16 * 16;
  for (int64_t first = 0; first < b.visible[row]; first += kPageTokens) {
    const int64_t count = std::min(kPageTokens, b.visible[row] - first);
    const Head head = head_of(b, first);
    float weights[kPageTokens], amax = 0;
    bool finite = true;
    for (int64_t i = 0; i < count; ++i) {
      weights[i] = p[first + i] * scale_of(b, head.values, i);
      amax = larger(std::fabs(weights[i]), amax);
      finite = finite && std::isfinite(weights[i]);
    }
    const bool used = finite && amax > kTinyBlock;
    const float inverse = used ? kWeightCodeMax / amax : 0.0F;
    const float scale = finite ? (used ? amax / kWeightCodeMax : 0.0F) : NAN;
    int32_t code[kPageTokens];
    for (int64_t i = 0; i < count; ++i) {
      code[i] = used ? static_cast<int32_t>(std::nearbyint(weights[i] * inverse)) : 0;
    }
    for (int64_t e = 0; e < b.head_width; ++e) {
      int32_t sum = 0;
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t value = codes(head.values)[(i / 4 * padded + e) * 4 + i % 4];
        sum += code[i] * static_cast<int8_t>(value);
      }
      b.mixed[row][e] = std::fma(static_cast<float>(sum), scale, b.mixed[row][e]);
    }
  }
}

}  // namespace

VectorCodes quantize_vector(const float* x, int64_t width, int8_t* out) {
  float amax = 0;
  bool finite = true;
  for (int64_t i = 0; i < width; ++i) {
    amax = larger(std::fabs(x[i]), amax);
    finite = finite && std::isfinite(x[i]);
  }
  const bool used = finite && amax > kTinyBlock;
  const float inverse = used ? 127.0F / amax : 0.0F;
  std::fill_n(out, (width + 15) / 16 * 16, int8_t{0});
  int32_t sum = 0;
  for (int64_t i = 0; i < width && used; ++i) {
    out[i] = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
    sum += out[i];
  }
  return {finite ? (used ? amax / 127.0F : 0.0F) : NAN, sum};
}

void attention(const AttentionBlock& b) {
  for (int64_t row = 0; row < b.rows; ++row) {
    float scores[kSegmentKeys];
    const bool i8 = b.type == KvType::kI8;
    for (int64_t key = 0; key < b.visible[row]; ++key) {
      scores[key] = i8 ? score_i8(b, row, key) : score_f32(b, row, key);
      if (b.bias[row]) scores[key] += b.bias[row][b.key_begin + key];
    }
    *b.softmax[row] = max_sum(scores, b.visible[row]);
    for (int64_t key = 0; key < b.visible[row]; ++key) {
      scores[key] = exp(scores[key] - b.softmax[row]->max);
    }
    std::fill_n(b.mixed[row], b.head_width, 0.0F);
    i8 ? mix_i8(b, row, scores) : mix_f32(b, row, scores);
  }
}

void join_segments(const SegmentJoin& j) {
  const auto softmax = [&](int64_t s) { return j.softmax[s * kAttentionRows]; };
  const auto mixed = [&](int64_t s) { return j.mixed + s * kAttentionRows * j.width; };
  float max = softmax(0).max;
  for (int64_t s = 1; s < j.segments; ++s) max = larger(softmax(s).max, max);
  float sum = 0;
  std::fill_n(j.out, j.width, 0.0F);
  for (int64_t s = 0; s < j.segments; ++s) {
    const float weight = exp(softmax(s).max - max);
    sum += weight * softmax(s).sum;
    for (int64_t e = 0; e < j.width; ++e) j.out[e] += weight * mixed(s)[e];
  }
  // Every key masked by an infinite bias: nothing to attend to, zeros rather than NaN.
  const float inverse = sum == 0.0F ? 0.0F : 1.0F / sum;
  for (int64_t e = 0; e < j.width; ++e) j.out[e] *= inverse;
}

}  // namespace ondol::ref
