#include "train/states.h"

#include <cstdint>
#include <vector>

namespace ondol::train {

Tensor token_states(const Model& model, const ops::Context& context,
                    std::span<const text::TokenId> ids, std::span<const int64_t> begins,
                    const Adapter* adapter, const TrainingNoise& noise) {
  SequenceBatch batch;
  batch.noise = noise;
  if (model.encoder) {
    for (size_t s = 0; s + 1 < begins.size(); ++s) {
      batch.sequences.push_back({begins[s], begins[s + 1], 0, {}, adapter});
    }
    return model.encoder->forward(context, ids, batch);
  }
  // Keys and values of one layer at a time: the tape keeps what it needs of them itself.
  KvShape shape = model.decoder->kv_shape();
  shape.layers = 1;
  KvPool kv(shape, SIZE_MAX);
  batch.kv = &kv;
  batch.kv_of_one_layer = true;
  std::vector<std::vector<KvPool::PageId>> tables(begins.size() - 1);
  for (size_t s = 0; s < tables.size(); ++s) {
    const int64_t begin = begins[s], end = begins[s + 1];
    for (int64_t slot = begin; slot < end; slot += kPageTokens) tables[s].push_back(kv.allocate());
    batch.sequences.push_back({begin, end, 0, tables[s], adapter});
  }
  return model.decoder->forward(context, ids, batch);
}

}  // namespace ondol::train
