// The decoder-only transformer as blocks: what Llama and its relatives share. A family file
// (llama.cpp) fills the config and the weights; the forward function is written once, here.
#pragma once

#include <optional>
#include <vector>

#include "models/model.h"
#include "models/weights.h"
#include "nn/attention.h"
#include "nn/mlp.h"

namespace ondol::models {

struct DecoderLayer {
  nn::Norm attention_norm;
  nn::Attention attention;
  nn::Norm mlp_norm;
  nn::Mlp mlp;
};

struct DecoderWeights {
  PackedMatrix embedding;            // [V, D]
  std::optional<PackedMatrix> head;  // [V, D]; nullopt: tied to the embedding
  std::vector<DecoderLayer> layers;
  nn::Norm norm;
};

class Decoder final : public DecoderModel {
 public:
  // `names` are static; the names of its layers are those that weights() asks for.
  Decoder(DecoderWeights weights, const nn::RopeConfig& rope, std::span<const WeightName> names);

  KvShape kv_shape() const override;
  Tensor forward(const ops::Context& context, std::span<const text::TokenId> ids,
                 const SequenceBatch& batch) const override;
  Tensor logits(const ops::Context& context, const Tensor& hidden) const override;
  void logits_of(const ops::Context& context, const Tensor& hidden,
                 std::span<const text::TokenId> ids, std::span<float> out) const override;
  const PackedMatrix& head() const override {
    return weights_.head ? *weights_.head : weights_.embedding;
  }
  std::vector<WeightRef> weights() override;

 private:
  DecoderWeights weights_;
  nn::Rope rope_;
  bool paired_;  // rotary pairs are neighbouring rows of queries and keys
  std::span<const WeightName> names_;
};

}  // namespace ondol::models
