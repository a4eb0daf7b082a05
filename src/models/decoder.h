// The decoder-only transformer as blocks: what Llama and its relatives share. A family file
// (llama.cpp) fills the config and the weights; the forward function is written once, here.
#pragma once

#include <optional>
#include <vector>

#include "models/model.h"
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
  Decoder(DecoderWeights weights, const nn::RopeConfig& rope);

  KvShape kv_shape() const override;
  Tensor forward(const ops::Context& context, std::span<const text::TokenId> ids,
                 const SequenceBatch& batch) const override;
  Tensor logits(const ops::Context& context, const Tensor& hidden) const override;
  void logits_of(const ops::Context& context, const Tensor& hidden,
                 std::span<const text::TokenId> ids, std::span<float> out) const override;
  const PackedMatrix& head() const override {
    return weights_.head ? *weights_.head : weights_.embedding;
  }

 private:
  DecoderWeights weights_;
  nn::Rope rope_;
};

}  // namespace ondol::models
