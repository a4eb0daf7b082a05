#include "infer/vocabulary_scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/table.h"

namespace ondol::infer {
namespace {

using text::TokenId;

constexpr float kNone = -std::numeric_limits<float>::infinity();
// A group of 512 entries is 16 blocks of 32: block l holds every 16th entry from l on, so that its
// maximum is one lane of a vector.
constexpr size_t kLanes = 16;
constexpr size_t kGroup = 512;
constexpr size_t kChunk = 2 * kGroup;  // summed by one kernel call

// The comparison is false for NaN, so one never gets in.
float larger(float a, float b) { return a > b ? a : b; }

// Of a temperature near 0 too: 0 times it must stay 0.
float inverse_of(double temperature) { return static_cast<float>(std::min(1 / temperature, 1e30)); }

}  // namespace

VocabularyScan::VocabularyScan(std::span<const float> logits) : logits_(logits) {
  const size_t whole = logits.size() / kGroup;
  maxima_.resize((logits.size() + kGroup - 1) / kGroup * kLanes, kNone);
  for (size_t group = 0; group < whole; ++group) {
    // Fixed bounds and an array of its own: the compiler makes vector code of it.
    const float* x = logits.data() + group * kGroup;
    std::array<float, kLanes> most;
    most.fill(kNone);
    for (size_t row = 0; row < kGroup; row += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) most[lane] = larger(x[row + lane], most[lane]);
    }
    std::copy(most.begin(), most.end(), maxima_.begin() + static_cast<ptrdiff_t>(group * kLanes));
  }
  for (size_t i = whole * kGroup; i < logits.size(); ++i) {
    float& most = maxima_[whole * kLanes + i % kLanes];
    most = larger(logits[i], most);
  }
  highest_ = kNone;
  for (const float m : maxima_) highest_ = larger(m, highest_);
}

TokenId VocabularyScan::argmax() const {
  const auto block = std::find(maxima_.begin(), maxima_.end(), highest_) - maxima_.begin();
  const auto group = block / static_cast<ptrdiff_t>(kLanes) * static_cast<ptrdiff_t>(kGroup);
  const auto at = std::find(logits_.begin() + group, logits_.end(), highest_);
  return at == logits_.end() ? 0 : static_cast<TokenId>(at - logits_.begin());
}

VocabularyScan::Best VocabularyScan::best(int64_t k, float floor) const {
  const auto wanted = static_cast<size_t>(k);
  float threshold = larger(floor, std::numeric_limits<float>::lowest());
  bool cut = false;
  if (wanted < maxima_.size()) {
    // k blocks have a maximum at or above the k-th largest one: no worse entry is among the best k.
    std::vector<float> order = maxima_;
    const auto kth = order.begin() + static_cast<ptrdiff_t>(wanted) - 1;
    std::nth_element(order.begin(), kth, order.end(), std::greater<>());
    cut = *kth > threshold;
    threshold = larger(*kth, threshold);
  }
  Best result;
  for (size_t b = 0; b < maxima_.size(); ++b) {
    if (!(maxima_[b] >= threshold)) continue;
    const size_t group = b / kLanes * kGroup;
    const size_t end = std::min(group + kGroup, logits_.size());
    for (size_t i = group + b % kLanes; i < end; i += kLanes) {
      if (logits_[i] >= threshold) {
        result.candidates.push_back({logits_[i], static_cast<TokenId>(i)});
      }
    }
  }
  result.all = !cut && result.candidates.size() <= wanted;
  if (result.candidates.size() > wanted) {
    std::nth_element(result.candidates.begin(), result.candidates.begin() + k - 1,
                     result.candidates.end(), better);
    result.candidates.resize(wanted);
  }
  std::sort(result.candidates.begin(), result.candidates.end(), better);
  return result;
}

size_t VocabularyScan::chunks() const { return (logits_.size() + kChunk - 1) / kChunk; }

double VocabularyScan::chunk_sum(size_t chunk, float inverse_temperature, float floor) const {
  constexpr float kNothing = -200.0F;  // e^-200: below what an f32 can hold
  std::array<float, kChunk> scaled;
  const size_t begin = chunk * kChunk;
  const size_t count = std::min(kChunk, logits_.size() - begin);
  for (size_t i = 0; i < count; ++i) {
    const float z = (logits_[begin + i] - highest_) * inverse_temperature;
    scaled[i] = logits_[begin + i] >= floor ? larger(z, kNothing) : kNothing;
  }
  static const KernelTable& table = best_kernels();
  const MaxSum sum = table.max_sum(scaled.data(), static_cast<int64_t>(count));
  return sum.max > kNothing ? std::exp(static_cast<double>(sum.max)) * sum.sum : 0.0;
}

double VocabularyScan::exp_sum(double temperature) const {
  double sum = 0;
  for (size_t c = 0; c < chunks(); ++c) {
    sum += chunk_sum(c, inverse_of(temperature), kNone);
  }
  return sum;
}

TokenId VocabularyScan::at_share(double share, double temperature, float floor) const {
  constexpr size_t kBlocksEach = kChunk / kGroup * kLanes;
  std::vector<double> sums(chunks(), 0.0);
  double total = 0;
  for (size_t c = 0; c < sums.size(); ++c) {
    const size_t end = std::min((c + 1) * kBlocksEach, maxima_.size());
    float most = kNone;
    for (size_t b = c * kBlocksEach; b < end; ++b) most = larger(maxima_[b], most);
    // A chunk without an entry to choose weighs nothing, so it is never the one.
    if (most > kNone && most >= floor) sums[c] = chunk_sum(c, inverse_of(temperature), floor);
    total += sums[c];
  }
  double point = share * total;
  size_t chosen = 0;
  for (size_t c = 0; c < sums.size(); ++c) {
    if (sums[c] <= 0) continue;
    chosen = c;
    if (point < sums[c]) break;
    point -= sums[c];
  }
  // Within the chunk in double, from where the point lies in it.
  const size_t begin = chosen * kChunk, end = std::min(begin + kChunk, logits_.size());
  std::array<double, kChunk> weights{};
  double exact = 0;
  size_t last = begin;
  for (size_t i = begin; i < end; ++i) {
    if (!(logits_[i] >= floor) || logits_[i] == kNone) continue;
    weights[i - begin] = std::exp((static_cast<double>(logits_[i]) - highest_) / temperature);
    exact += weights[i - begin];
    last = i;
  }
  double rest = std::min(point / sums[chosen], 1.0) * exact;
  for (size_t i = begin; i < last; ++i) {
    if (weights[i - begin] <= 0) continue;
    if (rest < weights[i - begin]) return static_cast<TokenId>(i);
    rest -= weights[i - begin];
  }
  return static_cast<TokenId>(last);
}

}  // namespace ondol::infer
