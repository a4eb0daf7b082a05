// The dynamic map of 8 bits (Dettmers, "8-bit approximations for parallelism in deep learning",
// 2015; the map of the bitsandbytes package): seven decades below one, each next one with twice as
// many steps, in 256 ascending values; zero and one are among them. Code 0 of a fresh (zeroed)
// state stands for whatever the map begins with, so a block of size 0 is zeros.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace ondol::train {

class DynamicMap {
 public:
  explicit DynamicMap(bool with_sign);

  std::span<const float> values() const { return values_; }
  uint8_t nearest(float x) const;  // x in [-1, 1]; a tie is the lower one

  // out[i] = size * value of code i
  void decode(std::span<const uint8_t> codes, float size, float* out) const;
  // Returns the largest magnitude, by which the values are divided before they are coded. A NaN or
  // an infinity makes it NaN, never a number. Without sign a positive number never becomes zero: a
  // second moment of zero under a first one that is not would be a step without bounds.
  float encode(std::span<const float> x, uint8_t* codes) const;

 private:
  bool with_sign_;
  static constexpr int kKeyShift = 17;  // sign, exponent and 6 bits of the mantissa
  std::array<float, 256> values_;
  std::array<float, 256> middles_;  // between neighbours; behind the last: infinity
  std::array<uint8_t, size_t{1} << (32 - kKeyShift)> start_;  // a lower bound by key
};

}  // namespace ondol::train
