#include "train/sft.h"

namespace ondol::train {

std::vector<Sequence> SftObjective::sequences(Split split,
                                              std::span<const uint32_t> examples) const {
  std::vector<Sequence> sequences;
  for (const uint32_t example : examples) {
    const ExampleSet& set = of(split).examples;
    sequences.push_back({set.ids(example), set.loss(example)});
  }
  return sequences;
}

int64_t SftObjective::weight(Split split, std::span<const uint32_t> examples) const {
  return label_tokens(sequences(split, examples));
}

ops::LossSum SftObjective::loss(const ops::Context& context, Split split,
                                std::span<const uint32_t> examples,
                                const ops::LossOptions& options) {
  return lm_.run(context, sequences(split, examples), &lora_.adapter, options);
}

}  // namespace ondol::train
