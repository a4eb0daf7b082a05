// A BERT encoder with a score on top (Hugging Face's BertForSequenceClassification with one label):
// it reads question and passage together and says how well they fit.
//
//   CrossEncoder cross(load_model(folder, pool));
//   TokenPair pair = cross.pair("When does it open?", "It opens at nine.");
//   std::vector<float> scores = cross.scores(context, {pair, ...});
//
// [CLS] question [SEP] passage [SEP], types 0 and 1; the score is the classifier's logit over
// tanh(pooler) of the first state, as the authors' code gives it. Loading throws Error:
// kUnsupported for a model that is no such encoder (no folder, several labels, one type of token),
// kCorruptData naming folder and tensor for a head that is missing or of another shape. Immutable
// afterwards.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"

namespace ondol {

namespace models {
class Encoder;
}

struct TokenPair {
  std::vector<text::TokenId> ids;
  std::vector<int32_t> types;
};

class CrossEncoder {
 public:
  explicit CrossEncoder(std::shared_ptr<const Model> model);
  const Model& model() const { return *model_; }
  // At most the model's window: the passage is cut, the question only above half of the window.
  TokenPair pair(const std::string& question, const std::string& passage) const;
  // One a pair; computed together, and not changed by what stands beside.
  std::vector<float> scores(const ops::Context& context, std::span<const TokenPair> pairs) const;

 private:
  void read_head();
  float head(std::span<const float> state) const;

  std::shared_ptr<const Model> model_;
  const models::Encoder* encoder_ = nullptr;
  std::vector<float> pooler_, pooler_bias_;          // [D, D], [D]
  std::vector<float> classifier_, classifier_bias_;  // [1, D], [1]
};

}  // namespace ondol
