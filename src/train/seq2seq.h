// Training of an encoder-decoder: the encoder reads the source, the decoder learns the target
// behind its start token. An example is source and target in one row of ids, its mask says where
// the target begins (RenderOptions::pair_end); a pack holds as many pairs as its tokens allow, each
// attending to itself only, without padding.
//
//   Seq2SeqObjective objective(model, whole.parameters(), nullptr, train, validation);
#pragma once

#include "train/sft.h"

namespace ondol::train {

struct PairBatch {
  std::vector<TokenId> source_ids;  // [S] of all pairs
  std::vector<TokenId> input_ids;   // [T] the start token and the target but its last
  std::vector<int32_t> labels;      // [T] the target
  SequenceBatch sources, targets;   // rows of each pair, without pages
};
// Throws Error(kInvalidArgument) for an example without a source or with a gap in its target.
PairBatch make_pair_batch(const ExampleSet& examples, std::span<const uint32_t> pack, TokenId start,
                          const Adapter* adapter);

// `model` has encoder and decoder.
ops::LossSum seq2seq_loss(const Model& model, const ops::Context& context, const PairBatch& batch,
                          const ops::LossOptions& options);

class Seq2SeqObjective final : public SftObjective {
 public:
  using SftObjective::SftObjective;
  ops::LossSum loss(const ops::Context& context, Split split, std::span<const uint32_t> examples,
                    const ops::LossOptions& options) override;
};

}  // namespace ondol::train
