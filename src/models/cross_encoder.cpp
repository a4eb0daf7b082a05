#include "models/cross_encoder.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "io/model_folder.h"
#include "models/encoder.h"

namespace ondol {
namespace {

using text::TokenId;

constexpr int64_t kSpecialTokens = 3;

[[noreturn]] void unsupported(const Model& model, const std::string& what) {
  throw Error(ErrorCode::kUnsupported,
              "[rerank] '" + model.path.string() + "' scores no pairs: " + what +
                  "; try a folder of BertForSequenceClassification with one label, or rerank = "
                  "\"model\"");
}

// Values of a tensor of the head, which must be there and of this shape.
std::vector<float> read(const io::ModelFolder& folder, const std::string& name,
                        std::initializer_list<int64_t> shape) {
  folder.require_tensor(name, shape);
  std::vector<float> values = folder.read_f32(name);
  if (std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) return values;
  throw Error(ErrorCode::kCorruptData, "[rerank] " + folder.name() + ": tensor '" + name +
                                           "' has values that are no finite numbers");
}

}  // namespace

CrossEncoder::CrossEncoder(std::shared_ptr<const Model> model) : model_(std::move(model)) {
  encoder_ = dynamic_cast<const models::Encoder*>(model_->encoder.get());
  if (encoder_ == nullptr || !std::filesystem::is_directory(model_->path)) {
    unsupported(*model_, "its architecture is '" + model_->info.architecture +
                             "', and what is read is a folder of a BERT encoder with a score head");
  }
  const text::Tokenizer* tokenizer = model_->tokenizer.get();
  if (tokenizer == nullptr || !tokenizer->first_token() || !tokenizer->last_token()) {
    unsupported(*model_, "its tokenizer has no [CLS] and [SEP]");
  }
  if (encoder_->types() < 2) unsupported(*model_, "it knows one type of token, and pairs need two");
  if (model_->info.context_tokens_max <= 2 * kSpecialTokens) {
    unsupported(*model_, "its window has no room for a pair");
  }
  read_head();
}

void CrossEncoder::read_head() {
  const io::ModelFolder folder = io::ModelFolder::open(model_->path);
  const io::TensorInfo& labels = folder.require_tensor("classifier.weight");
  const int64_t width = model_->info.width;
  if (labels.shape.size() == 2 && labels.shape[0] != 1 && labels.shape[1] == width) {
    unsupported(*model_, "its classifier has " + std::to_string(labels.shape[0]) +
                             " labels, and a score is one");
  }
  const bool prefixed = folder.find_tensor("bert.pooler.dense.weight") != nullptr;
  const std::string pooler = prefixed ? "bert.pooler.dense" : "pooler.dense";
  classifier_ = read(folder, "classifier.weight", {1, width});
  classifier_bias_ = read(folder, "classifier.bias", {1});
  pooler_ = read(folder, pooler + ".weight", {width, width});
  pooler_bias_ = read(folder, pooler + ".bias", {width});
}

TokenPair CrossEncoder::pair(const std::string& question, const std::string& passage) const {
  const text::Tokenizer& tokenizer = *model_->tokenizer;
  const auto room = static_cast<size_t>(model_->info.context_tokens_max - kSpecialTokens);
  std::vector<TokenId> first = tokenizer.encode(question, {});
  std::vector<TokenId> second = tokenizer.encode(passage, {});
  const size_t least = std::min(second.size(), room / 2);  // of the passage
  first.resize(std::min(first.size(), room - least));
  second.resize(std::min(second.size(), room - first.size()));
  TokenPair pair;
  pair.ids.push_back(*tokenizer.first_token());
  pair.ids.insert(pair.ids.end(), first.begin(), first.end());
  pair.ids.push_back(*tokenizer.last_token());
  pair.types.assign(pair.ids.size(), 0);
  pair.ids.insert(pair.ids.end(), second.begin(), second.end());
  pair.ids.push_back(*tokenizer.last_token());
  pair.types.resize(pair.ids.size(), 1);
  return pair;
}

float CrossEncoder::head(std::span<const float> state) const {
  const size_t width = state.size();
  double score = classifier_bias_[0];
  for (size_t row = 0; row < width; ++row) {
    double sum = pooler_bias_[row];
    for (size_t d = 0; d < width; ++d) {
      sum += static_cast<double>(pooler_[row * width + d]) * state[d];
    }
    score += std::tanh(sum) * classifier_[row];
  }
  return static_cast<float>(score);
}

std::vector<float> CrossEncoder::scores(const ops::Context& context,
                                        std::span<const TokenPair> pairs) const {
  if (pairs.empty()) return {};
  SequenceBatch batch;
  std::vector<TokenId> ids;
  std::vector<int32_t> types;
  for (const TokenPair& pair : pairs) {
    const auto begin = static_cast<int64_t>(ids.size());
    ids.insert(ids.end(), pair.ids.begin(), pair.ids.end());
    types.insert(types.end(), pair.types.begin(), pair.types.end());
    batch.sequences.push_back({.token_begin = begin,
                               .token_end = static_cast<int64_t>(ids.size()),
                               .first_position = 0,
                               .pages = {}});
  }
  const Tensor states = encoder_->forward_pairs(context, ids, types, batch);
  std::vector<float> scores;
  for (const SequenceSlice& slice : batch.sequences) {
    scores.push_back(head(states.row(slice.token_begin)));
  }
  return scores;
}

}  // namespace ondol
