#include "train/sft.h"

namespace ondol::train {

int64_t SftObjective::weight(Split split, std::span<const uint32_t> examples) const {
  int64_t count = 0;
  for (const uint32_t example : examples) count += learned_tokens(of(split).examples.loss(example));
  return count;
}

ops::LossSum SftObjective::loss(const ops::Context& context, Split split,
                                std::span<const uint32_t> examples,
                                const ops::LossOptions& options) {
  return causal_lm_loss(model_, context, make_batch(of(split).examples, examples), adapter_,
                        options);
}

}  // namespace ondol::train
