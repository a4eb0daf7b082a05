#include "models/encoder_decoder.h"

#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "nn/call_pages.h"
#include "ops/activation.h"
#include "ops/check.h"
#include "ops/embed.h"
#include "ops/recompute.h"
#include "ops/relative_bias.h"
#include "ops/work.h"

namespace ondol::models {
namespace {

// One tensor a sequence. Sequences of one shape share it, but not under a tape: their gradients are
// made side by side.
std::vector<Tensor> biases_of(const ops::Context& context, const PackedMatrix& table,
                              const SequenceBatch& batch, bool both_sides, int64_t distance_max) {
  std::vector<Tensor> biases;
  std::map<std::pair<int64_t, int64_t>, Tensor> made;
  for (const SequenceSlice& sequence : batch.sequences) {
    const int64_t rows = sequence.token_end - sequence.token_begin;
    Tensor own;
    Tensor& bias = context.tape ? own : made[{rows, sequence.first_position}];
    if (!bias.defined()) {
      ops::relative_bias(context, table,
                         {.rows = rows,
                          .keys = sequence.first_position + rows,
                          .first_position = sequence.first_position,
                          .both_sides = both_sides,
                          .distance_max = distance_max},
                         bias);
    }
    biases.push_back(bias);
  }
  return biases;
}

void check_memory(const SequenceBatch& batch, const EncoderMemory& memory) {
  const SequenceBatch& sources = memory.sources;
  ops::expect_equal("decode", "sources against sequences",
                    static_cast<int64_t>(sources.sequences.size()),
                    static_cast<int64_t>(batch.sequences.size()));
  if (sources.kv == nullptr) ops::fail_check("decode", "pool of the sources", "none", "one");
  for (const SequenceSlice& source : sources.sequences) {
    const int64_t tokens = source.token_end - source.token_begin;
    const auto slots = static_cast<int64_t>(source.pages.size()) * kPageTokens;
    if (tokens < 1 || tokens > slots) {
      ops::fail_check("decode", "tokens of a source", std::to_string(tokens),
                      "1 to the " + std::to_string(slots) + " of its pages");
    }
    if (memory.states && (source.token_begin < 0 || source.token_end > memory.states->dim(0))) {
      ops::fail_check("decode", "last row of a source", std::to_string(source.token_end),
                      "at most " + std::to_string(memory.states->dim(0)));
    }
  }
}

template <class Block>
void list_attention(WeightList& list, const std::string& prefix, int64_t l, Block& block) {
  list.linear(prefix + "query", l, block.query);
  list.linear(prefix + "key", l, block.key);
  list.linear(prefix + "value", l, block.value);
  list.linear(prefix + "output", l, block.output);
}

void list_mlp(WeightList& list, const std::string& side, int64_t l, nn::Mlp& mlp) {
  if (mlp.gate) list.linear(side + "gate", l, *mlp.gate);
  list.linear(side + (mlp.gate ? "up_gated" : "up"), l, mlp.up);
  list.linear(side + "down", l, mlp.down);
}

}  // namespace

EncoderDecoder::EncoderDecoder(EncoderDecoderWeights weights, const EncoderDecoderOptions& options,
                               std::span<const WeightName> names)
    : weights_(std::move(weights)), options_(options), names_(names) {}

std::vector<WeightRef> EncoderDecoder::weights() {
  WeightList list(names_);
  list.matrix("embedding", 0, weights_.embedding);
  if (weights_.head) list.matrix("head", 0, *weights_.head);
  list.matrix("encoder_positions", 0, weights_.encoder_positions);
  for (size_t i = 0; i < weights_.encoder.size(); ++i) {
    DecoderLayer& layer = weights_.encoder[i];
    const auto l = static_cast<int64_t>(i);
    list.norm("enc.attention_norm", l, layer.attention_norm);
    list_attention(list, "enc.", l, layer.attention);
    list.norm("enc.mlp_norm", l, layer.mlp_norm);
    list_mlp(list, "enc.", l, layer.mlp);
  }
  list.norm("encoder_norm", 0, weights_.encoder_norm);
  list.matrix("decoder_positions", 0, weights_.decoder_positions);
  for (size_t i = 0; i < weights_.decoder.size(); ++i) {
    CrossLayer& layer = weights_.decoder[i];
    const auto l = static_cast<int64_t>(i);
    list.norm("dec.attention_norm", l, layer.attention_norm);
    list_attention(list, "dec.", l, layer.attention);
    list.norm("dec.cross_norm", l, layer.cross_norm);
    list_attention(list, "dec.cross_", l, layer.cross);
    list.norm("dec.mlp_norm", l, layer.mlp_norm);
    list_mlp(list, "dec.", l, layer.mlp);
  }
  list.norm("decoder_norm", 0, weights_.decoder_norm);
  return list.take();
}

KvShape EncoderDecoder::kv_shape() const {
  const AttentionShape& shape = weights_.decoder.front().attention.shape;
  return {static_cast<int64_t>(weights_.decoder.size()), shape.kv_heads, shape.head_width};
}

// What the layers of one side share. Under a tape that computes them again it lives until then; the
// buffers are dropped under every tape, where outputs get storage of their own and the last one's
// would be kept.
struct EncoderDecoder::EncodePass {
  EncodePass(const AttentionShape& shape, const SequenceBatch& batch) : pages(shape, batch) {}
  nn::CallPages pages;
  std::vector<Tensor> biases;
  Tensor normed;  // [sum S, D]
  nn::AttentionBuffers attention;
  nn::MlpBuffers mlp;

  void drop_buffers() {
    normed = {};
    attention = {};
    mlp = {};
  }
};

void EncoderDecoder::encode_layer(const ops::Context& context,
                                  const std::shared_ptr<EncodePass>& pass, size_t l,
                                  Tensor& x) const {
  const DecoderLayer& layer = weights_.encoder[l];
  const ProfileScope scope(context.profile, "layer", [&] { return ops::layer_work(x, l); });
  ops::recompute(context, ops::Recompute::kAttention, x,
                 [&layer, pass](const ops::Context& own, Tensor& state) {
                   layer.attention_norm.forward(own, state, pass->normed);
                   layer.attention.forward(own, pass->normed, pass->pages.batch(), 0, {},
                                           pass->attention, state, pass->biases);
                   if (own.tape) pass->drop_buffers();
                 });
  layer.mlp_norm.forward(context, x, pass->normed);
  layer.mlp.forward(context, pass->normed, pass->pages.batch(), pass->mlp, x);
  if (context.tape) pass->drop_buffers();
}

Tensor EncoderDecoder::encode(const ops::Context& context, std::span<const text::TokenId> ids,
                              const SequenceBatch& batch) const {
  const auto pass = std::make_shared<EncodePass>(weights_.encoder.front().attention.shape, batch);
  nn::check_batch(pass->pages.batch(), static_cast<int64_t>(ids.size()));
  const ThreadPool::Burst burst(context.pool);
  Tensor x, normed;  // [sum S, D]
  const ProfileScope forward(context.profile, "encode", [&] { return ops::rows_work(x); });

  pass->biases = biases_of(context, weights_.encoder_positions, pass->pages.batch(), true,
                           options_.distance_max);
  ops::embed(context, weights_.embedding, ids, x);
  for (size_t l = 0; l < weights_.encoder.size(); ++l) {
    ops::recompute(context, ops::Recompute::kLayers, x,
                   [this, pass, l](const ops::Context& own, Tensor& state) {
                     encode_layer(own, pass, l, state);
                   });
  }
  if (context.tape) pass->drop_buffers();
  weights_.encoder_norm.forward(context, x, normed);
  return normed;
}

struct EncoderDecoder::DecodePass {
  SequenceBatch batch;
  EncoderMemory memory;
  Tensor states;                                        // that memory.states points at
  std::optional<nn::CallPages> own_pages, cross_pages;  // under a tape that computes layers again
  std::vector<Tensor> biases;
  Tensor normed;  // [sum T, D]
  nn::AttentionBuffers attention, cross;
  nn::MlpBuffers mlp;

  DecodePass(const SequenceBatch& targets, const EncoderMemory& sources)
      : batch(targets), memory(sources) {
    if (!memory.states) return;
    states = *memory.states;
    memory.states = &states;
  }
  void take_own_pages(const AttentionShape& shape) {
    if (!memory.states)
      ops::fail_check("decode", "states of the sources under a tape", "none", "all");
    batch = own_pages.emplace(shape, batch, batch.kv->shape().type).batch();
    SequenceBatch& sources = memory.sources;
    sources = cross_pages.emplace(shape, sources, sources.kv->shape().type).batch();
  }
  void drop_buffers() {
    normed = {};
    attention = cross = {};
    mlp = {};
  }
};

void EncoderDecoder::attend(const ops::Context& context, DecodePass& pass, size_t l,
                            Tensor& x) const {
  const CrossLayer& layer = weights_.decoder[l];
  const auto index = static_cast<int64_t>(l);
  layer.attention_norm.forward(context, x, pass.normed);
  layer.attention.forward(context, pass.normed, pass.batch, index, {}, pass.attention, x,
                          pass.biases);
  layer.cross_norm.forward(context, x, pass.normed);
  layer.cross.forward(context, pass.normed, pass.batch, pass.memory, index, pass.cross, x);
  if (context.tape) pass.drop_buffers();
}

void EncoderDecoder::decode_layer(const ops::Context& context,
                                  const std::shared_ptr<DecodePass>& pass, size_t l,
                                  Tensor& x) const {
  const CrossLayer& layer = weights_.decoder[l];
  const ProfileScope scope(context.profile, "layer", [&] { return ops::layer_work(x, l); });
  ops::recompute(
      context, ops::Recompute::kAttention, x,
      [this, pass, l](const ops::Context& own, Tensor& state) { attend(own, *pass, l, state); });
  layer.mlp_norm.forward(context, x, pass->normed);
  layer.mlp.forward(context, pass->normed, pass->batch, pass->mlp, x);
  if (context.tape) pass->drop_buffers();
}

Tensor EncoderDecoder::decode(const ops::Context& context, std::span<const text::TokenId> ids,
                              const SequenceBatch& batch, const EncoderMemory& memory) const {
  nn::check_batch(batch, static_cast<int64_t>(ids.size()));
  check_memory(batch, memory);
  const ThreadPool::Burst burst(context.pool);
  const auto pass = std::make_shared<DecodePass>(batch, memory);
  if (context.tape && context.tape->recompute() != ops::Recompute::kOff) {
    pass->take_own_pages(weights_.decoder.front().attention.shape);
  }
  Tensor x, normed;  // [sum T, D]
  const ProfileScope forward(context.profile, "decode", [&] { return ops::rows_work(x); });

  pass->biases =
      biases_of(context, weights_.decoder_positions, batch, false, options_.distance_max);
  ops::embed(context, weights_.embedding, ids, x);
  for (size_t l = 0; l < weights_.decoder.size(); ++l) {
    ops::recompute(context, ops::Recompute::kLayers, x,
                   [this, pass, l](const ops::Context& own, Tensor& state) {
                     decode_layer(own, pass, l, state);
                   });
  }
  if (context.tape) pass->drop_buffers();
  weights_.decoder_norm.forward(context, x, normed);
  if (options_.head_scale != 1) ops::scale(context, options_.head_scale, normed);
  return normed;
}

Tensor EncoderDecoder::logits(const ops::Context& context, const Tensor& hidden) const {
  const ThreadPool::Burst burst(context.pool);
  const ProfileScope scope(context.profile, "head", [&] { return ops::rows_work(hidden); });
  Tensor out;  // [R, V]
  const std::array parts = {ops::LinearPart{.weight = &head(), .bias = nullptr, .out = &out}};
  ops::linear(context, hidden, parts);
  return out;
}

}  // namespace ondol::models
