// The decoder-only transformer as blocks: what Llama and its relatives share. A family file
// (llama.cpp) fills the config and the weights; the forward function is written once, here.
#pragma once

#include <memory>
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
  // Under a tape that computes layers again they need their pages on the way back: keys and values
  // go to pages of their own then, every sequence stands at position 0, and its adapter lives as
  // long as the tape.
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
  struct Pass;
  void attend(const ops::Context& context, Pass& pass, size_t l, Tensor& x) const;
  void layer(const ops::Context& context, const std::shared_ptr<Pass>& pass, size_t l,
             Tensor& x) const;

  DecoderWeights weights_;
  nn::Rope rope_;
  bool paired_;  // rotary pairs are neighbouring rows of queries and keys
  std::span<const WeightName> names_;
};

}  // namespace ondol::models
