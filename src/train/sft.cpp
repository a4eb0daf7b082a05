#include "train/sft.h"

#include "base/rng.h"

namespace ondol::train {

int64_t SftObjective::weight(Split split, std::span<const uint32_t> examples) const {
  int64_t count = 0;
  for (const uint32_t example : examples) count += learned_tokens(of(split).examples.loss(example));
  return count;
}

ops::LossSum SftObjective::loss(const ops::Context& context, Split split,
                                std::span<const uint32_t> examples,
                                const ops::LossOptions& options) {
  const TrainingNoise noise = split == Split::kTrain ? noise_ : TrainingNoise{};
  return causal_lm_loss(model_, context, make_batch(of(split).examples, examples), adapter_,
                        options, noise);
}

void SftObjective::begin_batch(int64_t step, int64_t micro_batch) {
  constexpr uint64_t kNoiseStream = 0x6E6F697365;  // no other use of the seed draws from it
  Rng rng(options_.seed, kNoiseStream + (static_cast<uint64_t>(step) << 20));
  rng.seek(2 * static_cast<uint64_t>(micro_batch));
  noise_ = {rng.next_u64(), static_cast<float>(options_.dropout),
            static_cast<float>(options_.neftune_noise_alpha)};
}

}  // namespace ondol::train
