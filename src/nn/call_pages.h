// Pages of keys and values for one call, of one layer that every layer writes over: encoders and
// training keep nothing for later tokens.
//
//   const CallPages pages(shape, batch);      // rows and adapters of `batch`, from position 0
//   model.decoder->forward(context, ids, pages.batch());
#pragma once

#include <vector>

#include "nn/sequence_batch.h"

namespace ondol::nn {

class CallPages {
 public:
  CallPages(const AttentionShape& shape, const SequenceBatch& batch, KvType type = KvType::kF32)
      : pool_({1, shape.kv_heads, shape.head_width, type}, SIZE_MAX), batch_(batch) {
    ids_.reserve(batch.sequences.size());
    for (SequenceSlice& sequence : batch_.sequences) {
      const int64_t tokens = sequence.token_end - sequence.token_begin;
      std::vector<KvPool::PageId>& ids = ids_.emplace_back();
      for (int64_t slot = 0; slot < tokens; slot += kPageTokens) ids.push_back(pool_.allocate());
      sequence.pages = ids;
      sequence.first_position = 0;
    }
    batch_.kv = &pool_;
    batch_.kv_of_one_layer = true;
  }
  CallPages(const CallPages&) = delete;
  CallPages& operator=(const CallPages&) = delete;
  const SequenceBatch& batch() const { return batch_; }

 private:
  KvPool pool_;
  SequenceBatch batch_;
  std::vector<std::vector<KvPool::PageId>> ids_;
};

}  // namespace ondol::nn
