#include "models/decoder.h"

#include <array>
#include <utility>

#include "nn/call_pages.h"
#include "nn/embedding_noise.h"
#include "ops/check.h"
#include "ops/embed.h"
#include "ops/recompute.h"
#include "ops/work.h"

namespace ondol::models {

Decoder::Decoder(DecoderWeights weights, const nn::RopeConfig& rope,
                 std::span<const WeightName> names)
    : weights_(std::move(weights)),
      rope_(rope),
      paired_(rope.layout == RopeLayout::kPairs),
      names_(names) {}

std::vector<WeightRef> Decoder::weights() {
  WeightList list(names_);
  list.matrix("embedding", 0, weights_.embedding);
  if (weights_.head) list.matrix("head", 0, *weights_.head);
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    DecoderLayer& layer = weights_.layers[i];
    const auto l = static_cast<int64_t>(i);
    const AttentionShape& shape = layer.attention.shape;
    list.norm("attention_norm", l, layer.attention_norm);
    list.linear("query", l, layer.attention.query, paired_ ? shape.heads : 0);
    list.linear("key", l, layer.attention.key, paired_ ? shape.kv_heads : 0);
    list.linear("value", l, layer.attention.value);
    list.linear("output", l, layer.attention.output);
    list.norm("mlp_norm", l, layer.mlp_norm);
    if (layer.mlp.gate) list.linear("gate", l, *layer.mlp.gate);
    list.linear("up", l, layer.mlp.up);
    list.linear("down", l, layer.mlp.down);
  }
  list.norm("norm", 0, weights_.norm);
  return list.take();
}

KvShape Decoder::kv_shape() const {
  const AttentionShape& shape = weights_.layers.front().attention.shape;
  return {static_cast<int64_t>(weights_.layers.size()), shape.kv_heads, shape.head_width};
}

// What the layers of one forward share. Under a tape that computes them again it lives until then.
struct Decoder::Pass {
  SequenceBatch batch;
  ops::RopeRows rope;
  std::optional<nn::CallPages> pages;
  Tensor normed;  // [sum T, D]
  nn::AttentionBuffers attention;
  nn::MlpBuffers mlp;

  // Under a tape every output gets storage of its own, and the last one's would be kept here.
  void drop_buffers() {
    normed = {};
    attention = {};
    mlp = {};
  }
};

void Decoder::attend(const ops::Context& context, Pass& pass, size_t l, Tensor& x) const {
  const DecoderLayer& layer = weights_.layers[l];
  layer.attention_norm.forward(context, x, pass.normed);
  layer.attention.forward(context, pass.normed, pass.batch, static_cast<int64_t>(l), pass.rope,
                          pass.attention, x);
  if (context.tape) pass.drop_buffers();
}

void Decoder::layer(const ops::Context& context, const std::shared_ptr<Pass>& pass, size_t l,
                    Tensor& x) const {
  const DecoderLayer& layer = weights_.layers[l];
  const ProfileScope scope(context.profile, "layer", [&] { return ops::layer_work(x, l); });
  ops::recompute(
      context, ops::Recompute::kAttention, x,
      [this, pass, l](const ops::Context& own, Tensor& state) { attend(own, *pass, l, state); });
  layer.mlp_norm.forward(context, x, pass->normed);
  layer.mlp.forward(context, pass->normed, pass->batch, pass->mlp, x);
  if (context.tape) pass->drop_buffers();
}

Tensor Decoder::forward(const ops::Context& context, std::span<const text::TokenId> ids,
                        const SequenceBatch& batch) const {
  nn::check_batch(batch, static_cast<int64_t>(ids.size()));
  const ThreadPool::Burst burst(context.pool);
  const auto pass = std::make_shared<Pass>();
  pass->batch = batch;
  pass->rope = rope_.rows(batch);
  if (context.tape && context.tape->recompute() != ops::Recompute::kOff) {
    for (const SequenceSlice& s : batch.sequences) {
      ops::expect_equal("decoder", "position of a sequence whose layers are computed again",
                        s.first_position, 0);
    }
    const AttentionShape& shape = weights_.layers.front().attention.shape;
    pass->batch = pass->pages.emplace(shape, batch, batch.kv->shape().type).batch();
  }
  Tensor x, normed;  // [sum T, D]
  const ProfileScope forward(context.profile, "forward", [&] { return ops::rows_work(x); });

  ops::embed(context, weights_.embedding, ids, x);
  nn::add_embedding_noise(context, batch, x);
  for (size_t l = 0; l < weights_.layers.size(); ++l) {
    ops::recompute(
        context, ops::Recompute::kLayers, x,
        [this, pass, l](const ops::Context& own, Tensor& state) { layer(own, pass, l, state); });
  }
  if (context.tape) pass->drop_buffers();
  weights_.norm.forward(context, x, normed);
  return normed;
}

Tensor Decoder::logits(const ops::Context& context, const Tensor& hidden) const {
  const ThreadPool::Burst burst(context.pool);
  const ProfileScope scope(context.profile, "head", [&] { return ops::rows_work(hidden); });
  Tensor out;  // [R, V]
  const std::array parts = {ops::LinearPart{.weight = &head(), .bias = nullptr, .out = &out}};
  ops::linear(context, hidden, parts);
  return out;
}

void Decoder::logits_of(const ops::Context& context, const Tensor& hidden,
                        std::span<const text::TokenId> ids, std::span<float> out) const {
  const ThreadPool::Burst burst(context.pool);
  ops::linear_rows(context, hidden, head(), ids, out);
}

}  // namespace ondol::models
