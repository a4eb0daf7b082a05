// Slopes of a formula in double precision by differences, for the tests of gradients.
#pragma once

#include <functional>

#include "kernels/test_support.h"

namespace ondol::testing {

using Values = std::vector<float>;
using Doubles = std::vector<double>;
using Forward = std::function<Doubles(const std::vector<Doubles>& inputs)>;

// d(sum of dy * forward(inputs)) / d inputs[which], by differences of fourth order.
inline Doubles differences(const Forward& forward, std::vector<Doubles> inputs, const Doubles& dy,
                           size_t which) {
  const auto loss = [&] {
    const Doubles y = forward(inputs);
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += dy[i] * y[i];
    return sum;
  };
  constexpr double kStep = 1e-3;
  Doubles slopes;
  for (double& x : inputs[which]) {
    const double kept = x;
    const auto at = [&](double steps) {
      x = kept + steps * kStep;
      return loss();
    };
    const double near = at(1) - at(-1), far = at(2) - at(-2);
    x = kept;
    slopes.push_back((8 * near - far) / (12 * kStep));
  }
  return slopes;
}

// Norms of rows [.., weight.size()], epsilon 1e-2.
inline Doubles normed(const Doubles& x, bool centre, const Doubles& weight, const Doubles& bias) {
  const size_t width = weight.size();
  Doubles out(x.size());
  for (size_t row = 0; row < x.size(); row += width) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < width; ++i) mean += centre ? x[row + i] : 0;
    mean /= static_cast<double>(width);
    for (size_t i = 0; i < width; ++i) square += (x[row + i] - mean) * (x[row + i] - mean);
    const double scale = 1 / std::sqrt(square / static_cast<double>(width) + 1e-2);
    for (size_t i = 0; i < width; ++i) {
      out[row + i] = (x[row + i] - mean) * scale * weight[i] + (bias.empty() ? 0 : bias[i]);
    }
  }
  return out;
}

// A copy between two guards, so that it lies off any alignment.
inline constexpr float kGuard = 8.0F;
inline Values guarded(const Values& values) {
  Values wide = {kGuard};
  wide.insert(wide.end(), values.begin(), values.end());
  wide.push_back(kGuard);
  return wide;
}

}  // namespace ondol::testing
