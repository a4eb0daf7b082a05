#include "train/causal_lm.h"

#include <vector>

namespace ondol::train {

ops::LossSum causal_lm_loss(const Model& model, const ops::Context& context,
                            const PackedBatch& batch, const Adapter* adapter,
                            const ops::LossOptions& options, const TrainingNoise& noise) {
  // Keys and values of one layer at a time: the tape keeps what it needs of them itself.
  KvShape shape = model.decoder->kv_shape();
  shape.layers = 1;
  KvPool kv(shape, SIZE_MAX);
  SequenceBatch sequences;
  sequences.kv = &kv;
  sequences.kv_of_one_layer = true;
  sequences.noise = noise;
  std::vector<std::vector<KvPool::PageId>> tables(batch.examples.size());
  for (size_t i = 0; i < tables.size(); ++i) {
    const int64_t begin = batch.begins[i], end = batch.begins[i + 1];
    for (int64_t slot = begin; slot < end; slot += kPageTokens) tables[i].push_back(kv.allocate());
    sequences.sequences.push_back({begin, end, 0, tables[i], adapter});
  }
  const Tensor hidden = model.decoder->forward(context, batch.ids, sequences);
  return ops::linear_cross_entropy(context, hidden, model.decoder->head(), batch.labels, options);
}

}  // namespace ondol::train
