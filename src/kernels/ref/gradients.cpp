#include <cmath>

#include "kernels/polynomials.h"
#include "kernels/ref/ref.h"

namespace ondol::ref {

void rms_norm_backward(const float* x, const float* weight, const float* dy, int64_t width,
                       float epsilon, float* dx, float* dweight) {
  const auto count = static_cast<float>(width);
  LaneSum squares, products;
  for (int64_t i = 0; i < width; ++i) {
    squares.add_product(i, x[i], x[i]);
    products.add_product(i, weight[i] * dy[i], x[i]);
  }
  const float inverse = 1.0F / std::sqrt(squares.total() / count + epsilon);
  const float pull = inverse * inverse * inverse * products.total() / count;
  for (int64_t i = 0; i < width; ++i) {
    if (dx) dx[i] += std::fma(-x[i], pull, weight[i] * dy[i] * inverse);
    if (dweight) dweight[i] = std::fma(dy[i] * x[i], inverse, dweight[i]);
  }
}

void layer_norm_backward(const float* x, const float* weight, const float* dy, int64_t width,
                         float epsilon, float* dx, float* dweight, float* dbias) {
  const auto count = static_cast<float>(width);
  LaneSum sum, squares, gradients, products;
  for (int64_t i = 0; i < width; ++i) sum.add(i, x[i]);
  const float mean = sum.total() / count;
  for (int64_t i = 0; i < width; ++i) squares.add_product(i, x[i] - mean, x[i] - mean);
  const float inverse = 1.0F / std::sqrt(squares.total() / count + epsilon);
  const auto normal = [&](int64_t i) { return (x[i] - mean) * inverse; };
  for (int64_t i = 0; i < width; ++i) {
    gradients.add(i, weight[i] * dy[i]);
    products.add_product(i, weight[i] * dy[i], normal(i));
  }
  const float centre = gradients.total() / count, slope = products.total() / count;
  for (int64_t i = 0; i < width; ++i) {
    const float rest = std::fma(-normal(i), slope, weight[i] * dy[i] - centre);
    if (dx) dx[i] = std::fma(rest, inverse, dx[i]);
    if (dweight) dweight[i] = std::fma(dy[i], normal(i), dweight[i]);
    if (dbias) dbias[i] += dy[i];
  }
}

void silu_multiply_backward(const float* gate, const float* up, const float* dy, int64_t count,
                            float* dgate, float* dup) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gate[i], d = dy[i], u = up[i];
    const float s = 1.0F / (1.0F + exp(-g));
    dup[i] = d * (g * s);
    dgate[i] = d * u * (s * std::fma(g, 1.0F - s, 1.0F));
  }
}

void gelu_backward(const float* x, const float* dy, int64_t count, float* dx) {
  for (int64_t i = 0; i < count; ++i) {
    const float below = 0.5F * (1.0F + erf(x[i] * kSqrtHalf));
    const float density = kNormalDensity * exp(x[i] * x[i] * -0.5F);
    dx[i] = dy[i] * std::fma(x[i], density, below);
  }
}

void gelu_tanh_backward(const float* x, const float* dy, int64_t count, float* dx) {
  for (int64_t i = 0; i < count; ++i) {
    const float v = x[i], square = smaller(kGeluFlat, v * v);
    const float t = tanh(kGeluScale * std::fma(kGeluCubic * v * v, v, v));
    const float inner = kGeluScale * std::fma(3 * kGeluCubic, square, 1.0F);
    const float bend = 0.5F * v * std::fma(-t, t, 1.0F) * inner;
    dx[i] = dy[i] * std::fma(0.5F, 1.0F + t, bend);
  }
}

void softmax_backward(const float* p, const float* dp, int64_t width, float scale, float* dx) {
  const float centre = dot(p, dp, width);
  for (int64_t i = 0; i < width; ++i) dx[i] = p[i] * (dp[i] - centre) * scale;
}

void adam(const AdamFactors& f, const float* gradient, int64_t count, float* value, float* mean,
          float* square) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    mean[i] = std::fma(f.take1, g - mean[i], mean[i]);
    square[i] = std::fma(f.take2 * g, g, square[i] * f.keep2);
    const float size = std::fma(std::sqrt(square[i]), f.widen, f.epsilon);
    value[i] = std::fma(-f.step, mean[i] / size, value[i] * f.shrink);
  }
}

void gemm(const Gemm& g) {
  for (int64_t m = 0; m < g.m; ++m) {
    for (int64_t n = 0; n < g.n; ++n) {
      float acc = g.accumulate ? g.out[m * g.out_row + n] : 0.0F;
      for (int64_t k = 0; k < g.k; ++k) {
        acc = std::fma(g.w[k * g.w_row + n], g.x[m * g.x_row + k * g.x_column], acc);
      }
      g.out[m * g.out_row + n] = acc;
    }
  }
}

}  // namespace ondol::ref
