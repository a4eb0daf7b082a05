// The BERT-style encoder as blocks: learned positions, token types, norms after the residual sums,
// bidirectional attention. A family file (bert.cpp) fills config and weights.
#pragma once

#include <memory>
#include <vector>

#include "models/model.h"
#include "models/weights.h"
#include "nn/attention.h"
#include "nn/mlp.h"

namespace ondol::models {

struct EncoderLayer {
  nn::Attention attention;
  nn::Norm attention_norm;
  nn::Mlp mlp;
  nn::Norm mlp_norm;
};

struct EncoderWeights {
  PackedMatrix embedding;  // [V, D]
  PackedMatrix positions;  // [P, D]
  PackedMatrix types;      // [types, D]; every token is of type 0, but for those of pairs
  nn::Norm embedding_norm;
  std::vector<EncoderLayer> layers;
};

class Encoder final : public EncoderModel {
 public:
  Encoder(EncoderWeights weights, std::span<const WeightName> names);  // names are static
  Tensor forward(const ops::Context& context, std::span<const text::TokenId> ids,
                 const SequenceBatch& batch) const override;
  // The same with a type for every token: segments of a pair. Throws Error(kInvalidArgument) for a
  // type that the model does not have.
  Tensor forward_pairs(const ops::Context& context, std::span<const text::TokenId> ids,
                       std::span<const int32_t> types, const SequenceBatch& batch) const;
  int64_t types() const { return weights_.types.rows(); }
  const PackedMatrix& embedding() const override { return weights_.embedding; }
  std::vector<WeightRef> weights() override;

 private:
  struct Pass;
  void layer(const ops::Context& context, const std::shared_ptr<Pass>& pass, size_t l,
             Tensor& x) const;

  EncoderWeights weights_;
  std::span<const WeightName> names_;
};

}  // namespace ondol::models
