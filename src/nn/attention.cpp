#include "nn/attention.h"

#include <array>

#include "ops/check.h"

namespace ondol::nn {

void check_batch(const SequenceBatch& batch, int64_t tokens) {
  if (batch.kv == nullptr) ops::fail_check("batch", "pool of keys and values", "none", "one");
  int64_t row = 0;
  for (const SequenceSlice& sequence : batch.sequences) {
    ops::expect_equal("batch", "first row of a sequence", sequence.token_begin, row);
    if (sequence.token_end < sequence.token_begin || sequence.first_position < 0) {
      ops::fail_check("batch", "rows and position of a sequence",
                      std::to_string(sequence.token_begin) + " to " +
                          std::to_string(sequence.token_end) + " at " +
                          std::to_string(sequence.first_position),
                      "in order and from 0 on");
    }
    row = sequence.token_end;
    const int64_t needed = sequence.first_position + sequence.token_end - sequence.token_begin;
    const auto slots = static_cast<int64_t>(sequence.pages.size()) * kPageTokens;
    if (needed > slots) {
      ops::fail_check("batch", "tokens that the pages of a sequence must hold",
                      std::to_string(needed), "at most " + std::to_string(slots));
    }
  }
  ops::expect_equal("batch", "rows of all sequences against token ids", row, tokens);
}

void Attention::forward(const ops::Context& context, const Tensor& x, const SequenceBatch& batch,
                        int64_t layer, const ops::RopeRows& rope, AttentionBuffers& buffers,
                        Tensor& residual) const {
  const std::array projections = {query.to(buffers.q, batch), key.to(buffers.k, batch),
                                  value.to(buffers.v, batch)};
  ops::linear(context, x, projections);

  std::vector<ops::AppendTarget> targets;
  std::vector<ops::AttentionSource> sources;
  buffers.pages.resize(batch.sequences.size());
  for (size_t s = 0; s < batch.sequences.size(); ++s) {
    const SequenceSlice& sequence = batch.sequences[s];
    std::vector<KvPage>& pages = buffers.pages[s];
    pages.clear();
    for (KvPool::PageId id : sequence.pages) {
      pages.push_back(batch.kv->page(id, batch.kv_of_one_layer ? 0 : layer));
    }
    const int64_t keys = sequence.first_position + sequence.token_end - sequence.token_begin;
    const KvType type = batch.kv->shape().type;
    targets.push_back(
        {sequence.token_begin, sequence.token_end, sequence.first_position, pages, type});
    sources.push_back({sequence.token_begin, sequence.token_end, pages, keys, causal,
                       sequence.first_position, nullptr, type, &buffers.k, &buffers.v,
                       sequence.token_begin});
  }
  ops::rope_append(context, shape, rope, buffers.q, buffers.k, buffers.v, targets);
  ops::attention(context, shape, buffers.q, sources, buffers.attended);
  const std::array out = {output.add_to(residual, batch)};
  ops::linear(context, buffers.attended, out);
}

}  // namespace ondol::nn
