#include <cmath>

#include "kernels/polynomials.h"
#include "kernels/ref/ref.h"

namespace ondol::ref {

void rms_norm(const float* x, const float* weight, int64_t width, float epsilon, float* out) {
  LaneSum squares;
  for (int64_t i = 0; i < width; ++i) squares.add_product(i, x[i], x[i]);
  const float inverse = 1.0F / std::sqrt(squares.total() / static_cast<float>(width) + epsilon);
  for (int64_t i = 0; i < width; ++i) out[i] = x[i] * inverse * weight[i];
}

void layer_norm(const float* x, const float* weight, const float* bias, int64_t width,
                float epsilon, float* out) {
  LaneSum sum, squares;
  for (int64_t i = 0; i < width; ++i) sum.add(i, x[i]);
  const float mean = sum.total() / static_cast<float>(width);
  for (int64_t i = 0; i < width; ++i) squares.add_product(i, x[i] - mean, x[i] - mean);
  const float inverse = 1.0F / std::sqrt(squares.total() / static_cast<float>(width) + epsilon);
  for (int64_t i = 0; i < width; ++i) {
    const float normal = (x[i] - mean) * inverse;
    out[i] = bias ? std::fma(normal, weight[i], bias[i]) : normal * weight[i];
  }
}

void add(const float* x, int64_t count, float* inout) {
  for (int64_t i = 0; i < count; ++i) inout[i] += x[i];
}

void silu_multiply(const float* gate, const float* up, int64_t count, float* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = gate[i] / (1.0F + exp(-gate[i])) * up[i];
}

void gelu(float* inout, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    inout[i] = 0.5F * inout[i] * (1.0F + erf(inout[i] * kSqrtHalf));
  }
}

void gelu_tanh(float* inout, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float x = inout[i];
    const float inner = kGeluScale * std::fma(kGeluCubic * x * x, x, x);
    inout[i] = 0.5F * x * (1.0F + tanh(inner));
  }
}

MaxSum max_sum(const float* x, int64_t width) {
  float max = -3.4028234663852886e38F;
  for (int64_t i = 0; i < width; ++i) max = larger(x[i], max);
  LaneSum sum;
  for (int64_t i = 0; i < width; ++i) sum.add(i, exp(x[i] - max));
  return {max, sum.total()};
}

void softmax(float* inout, int64_t width) {
  const MaxSum row = max_sum(inout, width);
  const float inverse = 1.0F / row.sum;
  for (int64_t i = 0; i < width; ++i) inout[i] = exp(inout[i] - row.max) * inverse;
}

float dot(const float* a, const float* b, int64_t count) {
  LaneSum sum;
  for (int64_t i = 0; i < count; ++i) sum.add_product(i, a[i], b[i]);
  return sum.total();
}

void dot_i8_rows(const int8_t* query, const int8_t* rows, int64_t count, int64_t width,
                 int32_t* out) {
  for (int64_t row = 0; row < count; ++row) {
    int32_t sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += query[i] * rows[row * width + i];
    out[row] = sum;
  }
}

void rope(float* x, int64_t rotary_width, RopeLayout layout, const float* cos, const float* sin) {
  const int64_t half = rotary_width / 2;
  for (int64_t i = 0; i < half; ++i) {
    float& first = x[layout == RopeLayout::kPairs ? 2 * i : i];
    float& second = x[layout == RopeLayout::kPairs ? 2 * i + 1 : i + half];
    const float a = first, b = second;
    first = std::fma(a, cos[i], -(b * sin[i]));
    second = std::fma(b, cos[i], a * sin[i]);
  }
}

}  // namespace ondol::ref
