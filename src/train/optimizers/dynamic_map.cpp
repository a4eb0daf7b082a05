#include "train/optimizers/dynamic_map.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace ondol::train {

DynamicMap::DynamicMap(bool with_sign) : with_sign_(with_sign) {
  constexpr int kDecades = 7;
  std::vector<double> all = {0, 1};
  for (int decade = 0; decade < kDecades; ++decade) {
    const int steps = (with_sign ? 1 : 2) << decade;
    for (int step = 0; step < steps; ++step) {
      // The middle of one of `steps` even parts of [0.1, 1].
      const double part = 0.1 + 0.9 * (step + 0.5) / steps;
      const double value = part * std::pow(10.0, decade - kDecades + 1);
      all.push_back(value);
      if (with_sign) all.push_back(-value);
    }
  }
  std::sort(all.begin(), all.end());
  std::transform(all.begin(), all.end(), values_.begin(),
                 [](double x) { return static_cast<float>(x); });
  for (size_t i = 0; i + 1 < values_.size(); ++i) middles_[i] = (values_[i] + values_[i + 1]) / 2;
  middles_[255] = std::numeric_limits<float>::infinity();
  for (size_t key = 0; key < start_.size(); ++key) {
    // The smallest number with this key: for negative ones all lower bits are set.
    const uint32_t low = static_cast<uint32_t>(key) << kKeyShift;
    const bool negative = (low >> 31) != 0;
    const auto least = std::bit_cast<float>(negative ? low | ((1U << kKeyShift) - 1) : low);
    const auto found = std::lower_bound(middles_.begin(), middles_.end(), least);
    start_[key] = std::isnan(least) ? 0 : static_cast<uint8_t>(found - middles_.begin());
  }
}

uint8_t DynamicMap::nearest(float x) const {
  // Numbers of one key lie between at most three values, so two comparisons end the search.
  size_t code = start_[std::bit_cast<uint32_t>(x) >> kKeyShift];
  code += middles_[code] < x ? 1 : 0;
  code += middles_[code] < x ? 1 : 0;
  return static_cast<uint8_t>(code);
}

void DynamicMap::decode(std::span<const uint8_t> codes, float size, float* out) const {
  for (size_t i = 0; i < codes.size(); ++i) out[i] = values_[codes[i]] * size;
}

float DynamicMap::encode(std::span<const float> x, uint8_t* codes) const {
  uint32_t largest = 0;  // of magnitudes, which are ordered as their bits are; NaNs are above all
  for (const float v : x) largest = std::max(largest, std::bit_cast<uint32_t>(v) & 0x7FFFFFFFU);
  float size = std::bit_cast<float>(largest);
  const bool finite = std::isfinite(size);
  if (!finite) size = std::numeric_limits<float>::quiet_NaN();
  if (size < std::numeric_limits<float>::min()) size = 0;  // its inverse would be infinite
  const float inverse = size > 0 ? 1 / size : 0;
  if (!finite) {
    std::fill_n(codes, x.size(), nearest(0));
    return size;
  }
  for (size_t i = 0; i < x.size(); ++i) {
    const uint8_t code = nearest(x[i] * inverse);
    const uint8_t least = !with_sign_ && x[i] > 0 ? 1 : 0;
    codes[i] = std::max(code, least);
  }
  return size;
}

}  // namespace ondol::train
