// One pass of a decoder over a batch of examples: the loss of the next tokens and, under a tape,
// its gradients. Examples are laid end to end, each attends to itself only: no padding, no
// contamination between packed examples.
//
//   LossSum loss = causal_lm_loss(model, context, make_batch(examples, pack), &adapter,
//                                 {.scale = 1.0F / labels});
#pragma once

#include "models/model.h"
#include "ops/loss.h"
#include "train/packing.h"

namespace ondol::train {

// `model` has a decoder. `adapter` may be null.
ops::LossSum causal_lm_loss(const Model& model, const ops::Context& context,
                            const PackedBatch& batch, const Adapter* adapter,
                            const ops::LossOptions& options, const TrainingNoise& noise = {});

}  // namespace ondol::train
