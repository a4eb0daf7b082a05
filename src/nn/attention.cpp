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

namespace {

// Pages of one layer of every sequence.
void find_pages(const SequenceBatch& batch, int64_t layer, AttentionBuffers& buffers) {
  buffers.pages.resize(batch.sequences.size());
  for (size_t s = 0; s < batch.sequences.size(); ++s) {
    buffers.pages[s].clear();
    for (KvPool::PageId id : batch.sequences[s].pages) {
      buffers.pages[s].push_back(batch.kv->page(id, batch.kv_of_one_layer ? 0 : layer));
    }
  }
}

int64_t tokens_of(const SequenceSlice& sequence) {
  return sequence.token_end - sequence.token_begin;
}

}  // namespace

void Attention::forward(const ops::Context& context, const Tensor& x, const SequenceBatch& batch,
                        int64_t layer, const ops::RopeRows& rope, AttentionBuffers& buffers,
                        Tensor& residual, std::span<const Tensor> biases) const {
  const std::array projections = {query.to(buffers.q, batch), key.to(buffers.k, batch),
                                  value.to(buffers.v, batch)};
  ops::linear(context, x, projections);

  std::vector<ops::AppendTarget> targets;
  std::vector<ops::AttentionSource> sources;
  find_pages(batch, layer, buffers);
  for (size_t s = 0; s < batch.sequences.size(); ++s) {
    const SequenceSlice& sequence = batch.sequences[s];
    const std::vector<KvPage>& pages = buffers.pages[s];
    const int64_t keys = sequence.first_position + tokens_of(sequence);
    const Tensor* bias = biases.empty() ? nullptr : &biases[s];
    const KvType type = batch.kv->shape().type;
    targets.push_back(
        {sequence.token_begin, sequence.token_end, sequence.first_position, pages, type});
    sources.push_back({sequence.token_begin, sequence.token_end, pages, keys, causal,
                       sequence.first_position, bias, type, &buffers.k, &buffers.v,
                       sequence.token_begin});
  }
  ops::rope_append(context, shape, rope, buffers.q, buffers.k, buffers.v, targets);
  ops::attention(context, shape, buffers.q, sources, buffers.attended);
  const std::array out = {output.add_to(residual, batch)};
  ops::linear(context, buffers.attended, out);
}

void CrossAttention::forward(const ops::Context& context, const Tensor& x,
                             const SequenceBatch& batch, const EncoderMemory& memory, int64_t layer,
                             AttentionBuffers& buffers, Tensor& residual) const {
  const SequenceBatch& sources = memory.sources;
  const KvType type = sources.kv->shape().type;
  ops::linear(context, x, std::array{query.to(buffers.q, batch)});
  find_pages(sources, layer, buffers);
  if (memory.states != nullptr) {
    const std::array made = {key.to(buffers.k, sources), value.to(buffers.v, sources)};
    ops::linear(context, *memory.states, made);
    std::vector<ops::AppendTarget> targets;
    for (size_t s = 0; s < sources.sequences.size(); ++s) {
      const SequenceSlice& source = sources.sequences[s];
      targets.push_back({source.token_begin, source.token_end, 0, buffers.pages[s], type});
    }
    ops::append(context, shape, buffers.k, buffers.v, targets);
  }
  std::vector<ops::AttentionSource> looks;
  for (size_t s = 0; s < sources.sequences.size(); ++s) {
    const SequenceSlice &own = batch.sequences[s], &source = sources.sequences[s];
    ops::AttentionSource look{own.token_begin, own.token_end, buffers.pages[s], tokens_of(source),
                              false};
    look.type = type;
    if (memory.states != nullptr) look.k = &buffers.k, look.v = &buffers.v;
    look.key_begin = source.token_begin;
    looks.push_back(look);
  }
  ops::attention(context, shape, buffers.q, looks, buffers.attended);
  ops::linear(context, buffers.attended, std::array{output.add_to(residual, batch)});
}

}  // namespace ondol::nn
