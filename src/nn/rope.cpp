#include "nn/rope.h"

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace ondol::nn {
namespace {

// The wavelength bands of Llama 3.1, as Hugging Face's "llama3" rope type defines them.
float llama3_frequency(float frequency, const RopeConfig::Llama3& scaling) {
  const auto factor = static_cast<float>(scaling.factor);
  const auto context = static_cast<float>(scaling.original_context);
  const auto low = static_cast<float>(scaling.low_frequency_factor);
  const auto high = static_cast<float>(scaling.high_frequency_factor);
  const float wavelength = 2 * std::numbers::pi_v<float> / frequency;
  if (wavelength > context / low) return frequency / factor;
  if (wavelength < context / high) return frequency;
  const float smooth = (context / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

}  // namespace

Rope::Rope(const RopeConfig& config) : layout_(config.layout), rotary_width_(config.rotary_width) {
  const int64_t half = config.rotary_width / 2;
  if (!config.frequency_factors.empty() &&
      static_cast<int64_t>(config.frequency_factors.size()) != half) {
    throw Error(ErrorCode::kCorruptData, "[rope] frequency factors; got " +
                                             std::to_string(config.frequency_factors.size()) +
                                             ", expected " + std::to_string(half));
  }
  const auto base = static_cast<float>(config.base);
  for (int64_t i = 0; i < half; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(config.rotary_width);
    float frequency = 1 / std::pow(base, exponent) / static_cast<float>(config.linear_factor);
    if (config.llama3.original_context > 0) frequency = llama3_frequency(frequency, config.llama3);
    if (!config.frequency_factors.empty()) frequency /= config.frequency_factors[i];
    frequencies_.push_back(frequency);
  }
}

ops::RopeRows Rope::rows(const SequenceBatch& batch) const {
  ops::RopeRows rows;
  rows.layout = layout_;
  rows.rotary_width = rotary_width_;
  if (frequencies_.empty()) return rows;
  const auto half = static_cast<int64_t>(frequencies_.size());
  rows.cosines = Tensor::zeros(DType::kF32, {batch.tokens(), half});
  rows.sines = Tensor::zeros(DType::kF32, {batch.tokens(), half});
  for (const SequenceSlice& sequence : batch.sequences) {
    for (int64_t t = sequence.token_begin; t < sequence.token_end; ++t) {
      const auto position = static_cast<float>(sequence.first_position + t - sequence.token_begin);
      const std::span<float> cosines = rows.cosines.row(t), sines = rows.sines.row(t);
      for (int64_t i = 0; i < half; ++i) {
        const double angle = position * frequencies_[i];  // rounded to f32 first
        cosines[i] = static_cast<float>(std::cos(angle));
        sines[i] = static_cast<float>(std::sin(angle));
      }
    }
  }
  return rows;
}

}  // namespace ondol::nn
