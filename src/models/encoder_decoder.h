// The encoder-decoder of T5 as blocks: pre-norm stacks, relative positions that all layers of a
// stack share, cross attention. A family file (t5.cpp) fills config and weights; the forward
// functions are written once, here.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/decoder.h"
#include "models/model.h"
#include "models/weights.h"

namespace ondol::models {

struct CrossLayer {
  nn::Norm attention_norm;
  nn::Attention attention;
  nn::Norm cross_norm;
  nn::CrossAttention cross;
  nn::Norm mlp_norm;
  nn::Mlp mlp;
};

struct EncoderDecoderWeights {
  PackedMatrix embedding;            // [V, D], of both sides
  std::optional<PackedMatrix> head;  // [V, D]; nullopt: tied to the embedding
  PackedMatrix encoder_positions;    // [buckets, H]
  PackedMatrix decoder_positions;    // [buckets, H]
  std::vector<DecoderLayer> encoder;
  nn::Norm encoder_norm;
  std::vector<CrossLayer> decoder;
  nn::Norm decoder_norm;
};

struct EncoderDecoderOptions {
  int64_t distance_max = 128;  // of relative positions
  float head_scale = 1;        // on what the head reads
  text::TokenId start = 0, end = 1;
};

class EncoderDecoder final : public EncoderDecoderModel {
 public:
  // `names` are static; names of layers begin with "enc." and "dec.".
  EncoderDecoder(EncoderDecoderWeights weights, const EncoderDecoderOptions& options,
                 std::span<const WeightName> names);

  KvShape kv_shape() const override;
  // Under a tape that computes layers again keys and values go to pages of their own, as
  // Decoder::forward has them, and `memory` needs its states.
  Tensor encode(const ops::Context& context, std::span<const text::TokenId> ids,
                const SequenceBatch& batch) const override;
  Tensor decode(const ops::Context& context, std::span<const text::TokenId> ids,
                const SequenceBatch& batch, const EncoderMemory& memory) const override;
  Tensor logits(const ops::Context& context, const Tensor& hidden) const override;
  const PackedMatrix& head() const override {
    return weights_.head ? *weights_.head : weights_.embedding;
  }
  text::TokenId start_token() const override { return options_.start; }
  text::TokenId end_token() const override { return options_.end; }
  std::vector<WeightRef> weights() override;

 private:
  struct EncodePass;
  struct DecodePass;
  void encode_layer(const ops::Context& context, const std::shared_ptr<EncodePass>& pass, size_t l,
                    Tensor& x) const;
  void attend(const ops::Context& context, DecodePass& pass, size_t l, Tensor& x) const;
  void decode_layer(const ops::Context& context, const std::shared_ptr<DecodePass>& pass, size_t l,
                    Tensor& x) const;

  EncoderDecoderWeights weights_;
  EncoderDecoderOptions options_;
  std::span<const WeightName> names_;
};

}  // namespace ondol::models
