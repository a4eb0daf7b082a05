#include "models/encoder.h"

#include <utility>

#include "nn/call_pages.h"
#include "nn/embedding_noise.h"
#include "ops/activation.h"
#include "ops/check.h"
#include "ops/embed.h"
#include "ops/recompute.h"
#include "ops/work.h"

namespace ondol::models {
namespace {

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

Encoder::Encoder(EncoderWeights weights, std::span<const WeightName> names)
    : weights_(std::move(weights)), names_(names) {}

std::vector<WeightRef> Encoder::weights() {
  WeightList list(names_);
  list.matrix("embedding", 0, weights_.embedding);
  list.matrix("positions", 0, weights_.positions);
  list.matrix("types", 0, weights_.types);
  list.norm("embedding_norm", 0, weights_.embedding_norm);
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    EncoderLayer& layer = weights_.layers[i];
    const auto l = static_cast<int64_t>(i);
    list.linear("query", l, layer.attention.query);
    list.linear("key", l, layer.attention.key);
    list.linear("value", l, layer.attention.value);
    list.linear("output", l, layer.attention.output);
    list.norm("attention_norm", l, layer.attention_norm);
    list.linear("up", l, layer.mlp.up);
    list.linear("down", l, layer.mlp.down);
    list.norm("mlp_norm", l, layer.mlp_norm);
  }
  return list.take();
}

// What the layers of one forward share. Under a tape that computes them again it lives until then.
struct Encoder::Pass {
  Pass(const AttentionShape& shape, const SequenceBatch& batch) : pages(shape, batch) {}
  nn::CallPages pages;
  nn::AttentionBuffers attention;
  nn::MlpBuffers mlp;

  // Under a tape every output gets storage of its own, and the last one's would be kept here.
  void drop_buffers() {
    attention = {};
    mlp = {};
  }
};

void Encoder::layer(const ops::Context& context, const std::shared_ptr<Pass>& pass, size_t l,
                    Tensor& x) const {
  const EncoderLayer& layer = weights_.layers[l];
  const ProfileScope scope(context.profile, "layer", [&] { return ops::layer_work(x, l); });
  ops::recompute(context, ops::Recompute::kAttention, x,
                 [&layer, pass](const ops::Context& own, Tensor& state) {
                   layer.attention.forward(own, state, pass->pages.batch(), 0, {}, pass->attention,
                                           state);
                   layer.attention_norm.forward(own, state, state);
                   if (own.tape) pass->drop_buffers();
                 });
  layer.mlp.forward(context, x, pass->pages.batch(), pass->mlp, x);
  layer.mlp_norm.forward(context, x, x);
  if (context.tape) pass->drop_buffers();
}

Tensor Encoder::forward(const ops::Context& context, std::span<const text::TokenId> ids,
                        const SequenceBatch& batch) const {
  return forward_pairs(context, ids, std::vector<int32_t>(ids.size(), 0), batch);
}

Tensor Encoder::forward_pairs(const ops::Context& context, std::span<const text::TokenId> ids,
                              std::span<const int32_t> types, const SequenceBatch& batch) const {
  const auto pass = std::make_shared<Pass>(weights_.layers.front().attention.shape, batch);
  nn::check_batch(pass->pages.batch(), static_cast<int64_t>(ids.size()));
  for (const SequenceSlice& sequence : batch.sequences) {
    const int64_t tokens = sequence.token_end - sequence.token_begin;
    if (tokens <= weights_.positions.rows()) continue;
    ops::fail_check("encoder", "tokens of a sequence", std::to_string(tokens),
                    "at most " + std::to_string(weights_.positions.rows()));
  }
  const ThreadPool::Burst burst(context.pool);
  Tensor x, part;  // [sum T, D]
  const ProfileScope forward(context.profile, "forward",
                             [&] { return ProfileWork{.tokens = batch.tokens()}; });

  ops::embed(context, weights_.embedding, ids, x);
  nn::add_embedding_noise(context, batch, x);
  ops::embed(context, weights_.positions, positions_of(pass->pages.batch()), part);
  ops::add(context, part, x);
  ops::embed(context, weights_.types, types, part);
  ops::add(context, part, x);
  weights_.embedding_norm.forward(context, x, x);
  for (size_t l = 0; l < weights_.layers.size(); ++l) {
    ops::recompute(
        context, ops::Recompute::kLayers, x,
        [this, pass, l](const ops::Context& own, Tensor& state) { layer(own, pass, l, state); });
  }
  if (context.tape) pass->drop_buffers();
  return x;
}

}  // namespace ondol::models
