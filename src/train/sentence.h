// What sentence encoders and classifiers learn: texts become one vector each, and the loss is over
// vectors: pairs that belong together, pairs with a score, or labels.
//
//   SentenceSet set = encode_sentences(data, *model.tokenizer, {.tokens_max = 128}, labels);
//   SentenceObjective objective(model, {SentenceLoss::kLabels, pooling}, parameters, adapter,
//                               &head, std::move(set), std::move(validation));
//
// In-batch negatives are the other pairs of the same micro-batch: no packing, and the micro-batch
// decides the result (TrainConfig::per_device_train_batch_size).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "ops/pool.h"
#include "train/dataset.h"
#include "train/trained_matrix.h"
#include "train/trainer.h"

namespace ondol::train {

enum class SentenceLoss : uint8_t {
  kInBatchNegatives,  // ops::in_batch_negatives
  kOrderedCosines,    // ops::ordered_cosines
  kLabels,            // a linear head and cross entropy
};

// Examples of `texts_each` texts: one (labels), two (pairs) or three (pairs with a negative).
struct SentenceSet {
  int64_t texts_each = 1;
  std::vector<std::vector<text::TokenId>> texts;  // texts_each of every example, one after another
  std::vector<float> scores;                      // by example, of kOrderedCosines
  std::vector<int32_t> labels;                    // by example, of kLabels
  std::vector<std::string> where;                 // by example
  int64_t truncated = 0;                          // texts that tokens_max cut
  size_t size() const { return where.size(); }
  std::span<const text::TokenId> text(size_t example, int64_t which) const {
    return texts[example * static_cast<size_t>(texts_each) + static_cast<size_t>(which)];
  }
};

// The loss that the rows ask for: labels, scores or pairs. Throws Error(kInvalidArgument) for rows
// of another kind, or of several kinds.
SentenceLoss sentence_loss_of(const Dataset& data);

// Labels of the rows, sorted: their indices are the classes.
std::vector<std::string> labels_of(const Dataset& data);

// Texts with the tokenizer's special tokens, cut to tokens_max as an embedder cuts (the closing
// token stays). The two texts of a labelled pair stand behind one another. Throws
// Error(kCorruptData) naming the row: an empty text, a label that is not among `labels`, pairs
// with and without a negative.
SentenceSet encode_sentences(const Dataset& data, const text::Tokenizer& tokenizer,
                             int64_t tokens_max, std::span<const std::string> labels);

// A linear without bias over pooled vectors: [labels, D].
struct SentenceHead : TrainedMatrix {
  SentenceHead(int64_t labels, int64_t width, uint64_t seed, ThreadPool& pool)
      : TrainedMatrix(labels, width, seed, 0x636c6173, pool) {}
  Parameter parameter() { return TrainedMatrix::parameter("classifier.weight"); }
};

struct SentenceConfig {
  SentenceLoss loss = SentenceLoss::kInBatchNegatives;
  ops::Pooling pooling = ops::Pooling::kMean;
};

class SentenceObjective final : public Objective {
 public:
  // `model`, the storage behind `parameters`, `adapter` and `head` (both may be null; kLabels needs
  // a head) outlive this.
  SentenceObjective(const Model& model, const SentenceConfig& config,
                    std::span<const Parameter> parameters, const Adapter* adapter,
                    SentenceHead* head, SentenceSet train, SentenceSet validation);

  std::span<Parameter> parameters() override { return parameters_; }
  std::vector<int64_t> lengths(Split split) const override;
  int64_t weight(Split split, std::span<const uint32_t> examples) const override;
  ops::LossSum loss(const ops::Context& context, Split split, std::span<const uint32_t> examples,
                    const ops::LossOptions& options) override;
  std::string where(Split split, uint32_t example) const override {
    return of(split).where[example];
  }
  const SentenceSet& of(Split split) const { return data_[split == Split::kValidation]; }
  // Vectors of the texts of these examples: all first ones, then all second ones, ... [n, D].
  Tensor vectors(const ops::Context& context, Split split,
                 std::span<const uint32_t> examples) const;

 private:
  const Model& model_;
  SentenceConfig config_;
  std::vector<Parameter> parameters_;
  const Adapter* adapter_;
  SentenceHead* head_;
  SentenceSet data_[2];
};

// Spearman's correlation of the cosines of a split's pairs with their scores.
double score_correlation(const SentenceObjective& objective, const ops::Context& context,
                         Split split);

}  // namespace ondol::train
