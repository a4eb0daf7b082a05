#include <bit>
#include <cmath>

#include "kernels/polynomials.h"
#include "kernels/ref/ref.h"

namespace ondol::ref {
namespace {

template <int N>
float polynomial(const float (&coefficients)[N], float x) {
  float sum = coefficients[N - 1];
  for (int i = N - 2; i >= 0; --i) sum = std::fma(sum, x, coefficients[i]);
  return sum;
}

float power_of_two(int exponent) {
  return std::bit_cast<float>(static_cast<uint32_t>(exponent + 127) << 23);
}

}  // namespace

float exp(float x) {
  if (std::isnan(x)) return x;
  const float clamped = smaller(kExpMax, larger(kExpMin, x));
  const float n = (clamped * kLog2E + kRounder) - kRounder;
  const float r = std::fma(-n, kLn2Low, std::fma(-n, kLn2High, clamped));
  const float p = 1.0F + std::fma(polynomial(kExpPoly, r), r * r, r);
  const int whole = static_cast<int>(n);
  const int half = whole >> 1;
  return p * power_of_two(half) * power_of_two(whole - half);
}

float erf(float x) {
  const float size = std::fabs(x);
  if (size < kErfSwitch) return std::fma(x, polynomial(kErfPoly, x * x), x);
  const float tail = exp(polynomial(kErfcPoly, smaller(kErfMax, size)));
  return std::copysign(1.0F - tail, x);
}

float tanh(float x) {
  const float size = std::fabs(x);
  if (size < kTanhSwitch) return std::fma(x * (x * x), polynomial(kTanhPoly, x * x), x);
  return std::copysign(1.0F - 2.0F / (exp(size + size) + 1.0F), x);
}

void LaneSum::add_product(int64_t i, float a, float b) {
  float& lane = lanes_[static_cast<size_t>(i % 16)];
  lane = std::fma(a, b, lane);
}

float LaneSum::total() {
  for (size_t step = 8; step > 0; step /= 2) {
    for (size_t lane = 0; lane < step; ++lane) lanes_[lane] += lanes_[lane + step];
  }
  return lanes_[0];
}

}  // namespace ondol::ref
