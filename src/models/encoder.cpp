#include "models/encoder.h"

#include <utility>

#include "nn/embedding_noise.h"
#include "ops/activation.h"
#include "ops/check.h"
#include "ops/embed.h"
#include "ops/work.h"

namespace ondol::models {
namespace {

// Keys and values of one layer at a time: every layer writes over the last one's.
class CallPages {
 public:
  CallPages(const AttentionShape& shape, const SequenceBatch& batch)
      : pool_({1, shape.kv_heads, shape.head_width}, SIZE_MAX), batch_(batch) {
    ids_.reserve(batch.sequences.size());
    for (SequenceSlice& sequence : batch_.sequences) {
      const int64_t tokens = sequence.token_end - sequence.token_begin;
      std::vector<KvPool::PageId>& ids = ids_.emplace_back();
      for (int64_t slot = 0; slot < tokens; slot += kPageTokens) ids.push_back(pool_.allocate());
      sequence.pages = ids;
      sequence.first_position = 0;
    }
    batch_.kv = &pool_;
  }
  CallPages(const CallPages&) = delete;
  CallPages& operator=(const CallPages&) = delete;
  const SequenceBatch& batch() const { return batch_; }

 private:
  KvPool pool_;
  SequenceBatch batch_;
  std::vector<std::vector<KvPool::PageId>> ids_;
};

std::vector<int32_t> positions_of(const SequenceBatch& batch) {
  std::vector<int32_t> positions;
  for (const SequenceSlice& sequence : batch.sequences) {
    for (int64_t t = sequence.token_begin; t < sequence.token_end; ++t) {
      positions.push_back(static_cast<int32_t>(t - sequence.token_begin));
    }
  }
  return positions;
}

}  // namespace

Encoder::Encoder(EncoderWeights weights) : weights_(std::move(weights)) {}

Tensor Encoder::forward(const ops::Context& context, std::span<const text::TokenId> ids,
                        const SequenceBatch& batch) const {
  const CallPages pages(weights_.layers.front().attention.shape, batch);
  nn::check_batch(pages.batch(), static_cast<int64_t>(ids.size()));
  for (const SequenceSlice& sequence : batch.sequences) {
    const int64_t tokens = sequence.token_end - sequence.token_begin;
    if (tokens <= weights_.positions.rows()) continue;
    ops::fail_check("encoder", "tokens of a sequence", std::to_string(tokens),
                    "at most " + std::to_string(weights_.positions.rows()));
  }
  const ThreadPool::Burst burst(context.pool);
  const ops::RopeRows no_rope;
  nn::AttentionBuffers attention_buffers;
  nn::MlpBuffers mlp_buffers;
  Tensor x, part;  // [sum T, D]
  const ProfileScope forward(context.profile, "forward",
                             [&] { return ProfileWork{.tokens = batch.tokens()}; });

  ops::embed(context, weights_.embedding, ids, x);
  nn::add_embedding_noise(context, batch, x);
  ops::embed(context, weights_.positions, positions_of(pages.batch()), part);
  ops::add(context, part, x);
  ops::embed(context, weights_.types, std::vector<int32_t>(ids.size(), 0), part);
  ops::add(context, part, x);
  weights_.embedding_norm.forward(context, x, x);
  for (size_t l = 0; l < weights_.layers.size(); ++l) {
    const EncoderLayer& layer = weights_.layers[l];
    const ProfileScope scope(context.profile, "layer", [&] { return ops::layer_work(x, l); });
    layer.attention.forward(context, x, pages.batch(), 0, no_rope, attention_buffers, x);
    layer.attention_norm.forward(context, x, x);
    layer.mlp.forward(context, x, batch, mlp_buffers, x);
    layer.mlp_norm.forward(context, x, x);
  }
  return x;
}

}  // namespace ondol::models
