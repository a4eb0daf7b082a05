#include "train/causal_lm.h"

#include "train/states.h"

namespace ondol::train {

ops::LossSum causal_lm_loss(const Model& model, const ops::Context& context,
                            const PackedBatch& batch, const Adapter* adapter,
                            const ops::LossOptions& options, const TrainingNoise& noise) {
  const Tensor hidden = token_states(model, context, batch.ids, batch.begins, adapter, noise);
  return ops::linear_cross_entropy(context, hidden, model.decoder->head(), batch.labels, options);
}

}  // namespace ondol::train
