#include "train/causal_lm.h"

#include "base/error.h"

namespace ondol::train {
namespace {

int64_t pages_of(const Sequence& sequence) {
  return (static_cast<int64_t>(sequence.ids.size()) + kPageTokens - 1) / kPageTokens;
}

}  // namespace

int64_t label_tokens(std::span<const Sequence> sequences) {
  int64_t count = 0;
  for (const Sequence& sequence : sequences) {
    for (size_t i = 1; i < sequence.loss.size(); ++i) count += sequence.loss[i] != 0 ? 1 : 0;
  }
  return count;
}

ops::LossSum CausalLm::run(const ops::Context& context, std::span<const Sequence> sequences,
                           const Adapter* adapter, const ops::LossOptions& options) {
  std::vector<text::TokenId> ids;
  std::vector<int32_t> targets;
  SequenceBatch batch;
  int64_t pages = 0;
  for (const Sequence& sequence : sequences) pages += pages_of(sequence);
  KvShape shape = model_.decoder->kv_shape();
  shape.layers = 1;
  const size_t page_bytes = KvPool(shape, 0).page_bytes();
  KvPool kv(shape, static_cast<size_t>(pages) * page_bytes);
  batch.kv = &kv;
  batch.kv_of_one_layer = true;
  std::vector<std::vector<KvPool::PageId>> tables;
  tables.reserve(sequences.size());
  for (const Sequence& sequence : sequences) {
    ONDOL_ASSERT(sequence.ids.size() == sequence.loss.size());
    const auto begin = static_cast<int64_t>(ids.size());
    std::vector<KvPool::PageId>& table = tables.emplace_back();
    for (int64_t page = 0; page < pages_of(sequence); ++page) table.push_back(kv.allocate());
    ids.insert(ids.end(), sequence.ids.begin(), sequence.ids.end());
    for (size_t i = 0; i < sequence.ids.size(); ++i) {
      const bool counts = i + 1 < sequence.ids.size() && sequence.loss[i + 1] != 0;
      targets.push_back(counts ? sequence.ids[i + 1] : ops::kNoTarget);
    }
    batch.sequences.push_back({begin, static_cast<int64_t>(ids.size()), 0, table, adapter});
  }
  const Tensor hidden = model_.decoder->forward(context, ids, batch);
  return ops::linear_cross_entropy(context, hidden, model_.decoder->head(), targets, options);
}

}  // namespace ondol::train
