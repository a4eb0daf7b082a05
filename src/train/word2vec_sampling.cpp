#include "train/word2vec_sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ondol::train {

void WordDraws::fill() {
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed_),
                                       static_cast<uint32_t>(seed_ >> 32)};
  for (size_t i = 0; i < words_.size(); i += 4, ++block_) {
    const auto four =
        philox4x32({static_cast<uint32_t>(block_), static_cast<uint32_t>(block_ >> 32),
                    static_cast<uint32_t>(stream_), static_cast<uint32_t>(stream_ >> 32)},
                   key);
    std::copy(four.begin(), four.end(), words_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  at_ = 0;
}

AliasTable::AliasTable(std::span<const uint64_t> counts, double exponent) : slots_(counts.size()) {
  std::vector<double> share(counts.size());
  std::transform(counts.begin(), counts.end(), share.begin(),
                 [&](uint64_t count) { return std::pow(static_cast<double>(count), exponent); });
  const double mean =
      std::accumulate(share.begin(), share.end(), 0.0) / static_cast<double>(share.size());
  std::vector<uint32_t> poor, rich;
  for (uint32_t i = 0; i < share.size(); ++i) {
    share[i] /= mean;
    (share[i] < 1 ? poor : rich).push_back(i);
  }
  // A poor slot is filled up by a rich one, which may become poor by that.
  while (!poor.empty() && !rich.empty()) {
    const uint32_t low = poor.back(), high = rich.back();
    poor.pop_back();
    slots_[low] = {static_cast<uint32_t>(share[low] * 0x1p32), high};
    share[high] -= 1 - share[low];
    if (share[high] < 1) {
      rich.pop_back();
      poor.push_back(high);
    }
  }
  // What is left is full, but for rounding.
  for (const auto& rest : {poor, rich}) {
    for (const uint32_t i : rest) slots_[i] = {std::numeric_limits<uint32_t>::max(), i};
  }
}

std::vector<uint64_t> keep_thresholds(std::span<const uint64_t> counts, uint64_t words,
                                      double sample) {
  constexpr uint64_t kAlways = uint64_t{1} << 32;
  std::vector<uint64_t> keep(counts.size(), kAlways);
  if (sample == 0) return keep;
  const double threshold = sample * static_cast<double>(words);
  for (size_t i = 0; i < counts.size(); ++i) {
    const double ratio = static_cast<double>(counts[i]) / threshold;
    const double share = (std::sqrt(ratio) + 1) / ratio;
    if (share < 1) keep[i] = static_cast<uint64_t>(share * 0x1p32);
  }
  return keep;
}

}  // namespace ondol::train
