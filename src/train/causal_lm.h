// One pass of a decoder over a batch of sequences: the loss of the next tokens and, under a tape,
// its gradients. Sequences are laid end to end, each attends to itself only: no padding, no
// contamination between packed examples.
//
//   CausalLm lm(model);
//   LossSum loss = lm.run(context, sequences, &adapter, {.scale = 1.0F / labels});
#pragma once

#include <span>
#include <vector>

#include "models/model.h"
#include "ops/loss.h"

namespace ondol::train {

// One example: loss[i] says whether token i is to be learnt (predicted from the tokens before it).
// The first token has no loss: nothing stands before it.
struct Sequence {
  std::span<const text::TokenId> ids;
  std::span<const uint8_t> loss;
};

// Tokens that count in the loss of these sequences.
int64_t label_tokens(std::span<const Sequence> sequences);

class CausalLm {
 public:
  // `model` has a decoder and outlives this.
  explicit CausalLm(const Model& model) : model_(model) {}

  ops::LossSum run(const ops::Context& context, std::span<const Sequence> sequences,
                   const Adapter* adapter, const ops::LossOptions& options);

 private:
  const Model& model_;
};

}  // namespace ondol::train
