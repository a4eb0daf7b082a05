// The formulas of the coarse ops in fine ops: the specification, the oracle of the fused kernels
// and what gradients will be derived from. Templates over float and double; plain loops, no
// threads.
//
// Letters: T tokens, N outputs, K inputs, D width, E head width. Row-major.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace ondol::ops::reference {

// In double precision, in order.
inline double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t d = 0; d < a.size(); ++d) sum += static_cast<double>(a[d]) * b[d];
  return sum;
}

// out[T, N] = x[T, K] * w[N, K]^T
template <class Real>
void matmul_transposed_weight(std::span<const Real> x, std::span<const Real> w, int64_t tokens,
                              int64_t outputs, int64_t inputs, std::span<Real> out) {
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t n = 0; n < outputs; ++n) {
      Real sum = 0;
      for (int64_t k = 0; k < inputs; ++k) sum += x[t * inputs + k] * w[n * inputs + k];
      out[t * outputs + n] = sum;
    }
  }
}

template <class Real>
void add(std::span<const Real> x, std::span<Real> inout) {
  for (size_t i = 0; i < x.size(); ++i) inout[i] += x[i];
}

// Adds bias[N] to every row of inout[T, N].
template <class Real>
void add_rows(std::span<const Real> bias, std::span<Real> inout) {
  for (size_t i = 0; i < inout.size(); ++i) inout[i] += bias[i % bias.size()];
}

template <class Real>
void multiply(std::span<const Real> x, std::span<Real> inout) {
  for (size_t i = 0; i < x.size(); ++i) inout[i] *= x[i];
}

// max(x, 0); a NaN stays one.
template <class Real>
void relu(std::span<Real> inout) {
  for (Real& x : inout) x = x < 0 ? Real(0) : x;
}

// x / (1 + e^-x)
template <class Real>
void silu(std::span<Real> inout) {
  for (Real& x : inout) x = x / (1 + std::exp(-x));
}

// x * Phi(x) with the normal distribution's Phi (Hendrycks and Gimpel, "Gaussian error linear
// units", 2016).
template <class Real>
void gelu(std::span<Real> inout) {
  for (Real& x : inout) x = x * (1 + std::erf(x / std::numbers::sqrt2_v<Real>)) / 2;
}

// The same paper's tanh approximation.
template <class Real>
void gelu_tanh(std::span<Real> inout) {
  const Real scale = std::sqrt(2 / std::numbers::pi_v<Real>);
  for (Real& x : inout) x = x * (1 + std::tanh(scale * (x + Real(0.044715) * x * x * x))) / 2;
}

template <class Real>
Real mean(std::span<const Real> x) {
  Real sum = 0;
  for (Real value : x) sum += value;
  return sum / static_cast<Real>(x.size());
}

template <class Real>
Real mean_of_squares(std::span<const Real> x) {
  Real sum = 0;
  for (Real value : x) sum += value * value;
  return sum / static_cast<Real>(x.size());
}

// x / sqrt(mean(x^2) + epsilon) * weight, row by row (Zhang and Sennrich, "Root mean square layer
// normalization", 2019).
template <class Real>
void rms_norm(std::span<const Real> x, std::span<const Real> weight, Real epsilon,
              std::span<Real> out) {
  const size_t width = weight.size();
  for (size_t row = 0; row < x.size(); row += width) {
    const Real scale = 1 / std::sqrt(mean_of_squares(x.subspan(row, width)) + epsilon);
    for (size_t d = 0; d < width; ++d) out[row + d] = x[row + d] * scale * weight[d];
  }
}

// (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al., "Layer normalization", 2016).
template <class Real>
void layer_norm(std::span<const Real> x, std::span<const Real> weight, std::span<const Real> bias,
                Real epsilon, std::span<Real> out) {
  const size_t width = weight.size();
  std::vector<Real> centred(width);
  for (size_t row = 0; row < x.size(); row += width) {
    const Real centre = mean(x.subspan(row, width));
    for (size_t d = 0; d < width; ++d) centred[d] = x[row + d] - centre;
    const Real scale = 1 / std::sqrt(mean_of_squares(std::span<const Real>(centred)) + epsilon);
    for (size_t d = 0; d < width; ++d) out[row + d] = centred[d] * scale * weight[d] + bias[d];
  }
}

template <class Real>
void softmax(std::span<Real> inout) {
  Real largest = inout[0];
  for (Real x : inout) largest = std::max(largest, x);
  Real sum = 0;
  for (Real& x : inout) sum += x = std::exp(x - largest);
  for (Real& x : inout) x /= sum;
}

// Rotates the pair (a, b) of each i < rotary/2 by its angle (Su et al., "RoFormer", 2021).
// `pair(i)` gives the two indices: neighbours (2i, 2i+1) or halves (i, i + rotary/2).
template <class Real, class Pair>
void rotate(std::span<Real> head, std::span<const Real> cosines, std::span<const Real> sines,
            Pair pair) {
  for (size_t i = 0; i < cosines.size(); ++i) {
    const auto [first, second] = pair(i);
    const Real a = head[first], b = head[second];
    head[first] = a * cosines[i] - b * sines[i];
    head[second] = b * cosines[i] + a * sines[i];
  }
}

// One query of one head over `visible` keys: softmax(q k^T * scale + bias) v. keys, values
// [visible, E]; bias empty or [visible].
template <class Real>
void attend(std::span<const Real> query, std::span<const Real> keys, std::span<const Real> values,
            std::span<const Real> bias, Real scale, std::span<Real> out) {
  const size_t width = query.size();
  std::vector<Real> scores(keys.size() / width);
  for (size_t key = 0; key < scores.size(); ++key) {
    Real sum = 0;
    for (size_t e = 0; e < width; ++e) sum += query[e] * keys[key * width + e];
    scores[key] = sum * scale + (bias.empty() ? Real(0) : bias[key]);
  }
  softmax(std::span<Real>(scores));
  for (size_t e = 0; e < width; ++e) {
    Real sum = 0;
    for (size_t key = 0; key < scores.size(); ++key) sum += scores[key] * values[key * width + e];
    out[e] = sum;
  }
}

}  // namespace ondol::ops::reference
