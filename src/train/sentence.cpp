#include "train/sentence.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "ops/pair_loss.h"
#include "train/states.h"
#include "train/word2vec_eval.h"

namespace ondol::train {
namespace {

using text::TokenId;

[[noreturn]] void bad_row(const Dataset& data, const Row& row, const std::string& what) {
  throw Error(ErrorCode::kCorruptData, "[train] " + data.where(row) + ": " + what);
}

class Encoding {
 public:
  Encoding(const text::Tokenizer& tokenizer, int64_t tokens_max, SentenceSet& set)
      : tokenizer_(tokenizer), tokens_max_(static_cast<size_t>(tokens_max)), set_(set) {}

  std::vector<TokenId> one(const std::string& text) const {
    return tokenizer_.encode(text, {.add_special = true});
  }
  // Two sentences as one text; the second follows the token that closes the first.
  std::vector<TokenId> joined(const std::string& first, const std::string& second) const {
    std::vector<TokenId> ids = one(first);
    const std::vector<TokenId> more = tokenizer_.encode(second, {});
    ids.insert(ids.end(), more.begin(), more.end());
    if (const auto last = tokenizer_.last_token()) ids.push_back(*last);
    return ids;
  }
  void add(std::vector<TokenId> ids) {
    if (ids.size() > tokens_max_) {
      const TokenId last = ids.back();
      ids.resize(tokens_max_);
      if (tokenizer_.config().add_eos) ids.back() = last;
      ++set_.truncated;
    }
    set_.texts.push_back(std::move(ids));
  }

 private:
  const text::Tokenizer& tokenizer_;
  size_t tokens_max_;
  SentenceSet& set_;
};

void add_labelled(const Dataset& data, const Row& row, const LabelRow& label, Encoding& encoding,
                  std::span<const std::string> labels, SentenceSet& set) {
  const auto found = std::ranges::lower_bound(labels, label.label);
  if (found == labels.end() || *found != label.label) {
    bad_row(data, row, "label '" + label.label + "' stands in no row that is learned");
  }
  set.labels.push_back(static_cast<int32_t>(found - labels.begin()));
  std::vector<TokenId> ids =
      label.second.empty() ? encoding.one(label.text) : encoding.joined(label.text, label.second);
  if (ids.empty()) bad_row(data, row, "its text has no tokens");
  encoding.add(std::move(ids));
}

void add_pair(const Dataset& data, const Row& row, const PairRow& pair, Encoding& encoding,
              SentenceSet& set) {
  const int64_t texts = pair.negative.empty() ? 2 : 3;
  if (set.size() == 0) set.texts_each = texts;
  if (set.texts_each != texts) {
    bad_row(data, row, "pairs with and without a negative; expected all of one kind");
  }
  if (pair.score) set.scores.push_back(static_cast<float>(*pair.score));
  for (const std::string* text : {&pair.first, &pair.second, &pair.negative}) {
    if (text == &pair.negative && texts == 2) continue;
    std::vector<TokenId> ids = encoding.one(*text);
    if (ids.empty()) bad_row(data, row, "a text has no tokens");
    encoding.add(std::move(ids));
  }
}

}  // namespace

SentenceLoss sentence_loss_of(const Dataset& data) {
  std::set<SentenceLoss> found;
  for (const Row& row : data.rows) {
    if (std::holds_alternative<LabelRow>(row.data)) {
      found.insert(SentenceLoss::kLabels);
    } else if (const auto* pair = std::get_if<PairRow>(&row.data)) {
      found.insert(pair->score ? SentenceLoss::kOrderedCosines : SentenceLoss::kInBatchNegatives);
    } else {
      throw Error(ErrorCode::kInvalidArgument,
                  "[train] " + data.where(row) +
                      " is no row for sentences; expected a text with a label, or a pair of texts "
                      "(with a score, or not)");
    }
  }
  if (found.size() != 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "[train] rows of " + std::to_string(found.size()) +
                    " kinds; expected one of: texts with labels, pairs with scores, pairs");
  }
  return *found.begin();
}

std::vector<std::string> labels_of(const Dataset& data) {
  std::set<std::string> labels;
  for (const Row& row : data.rows) {
    if (const auto* label = std::get_if<LabelRow>(&row.data)) labels.insert(label->label);
  }
  return {labels.begin(), labels.end()};
}

SentenceSet encode_sentences(const Dataset& data, const text::Tokenizer& tokenizer,
                             int64_t tokens_max, std::span<const std::string> labels) {
  SentenceSet set;
  Encoding encoding(tokenizer, tokens_max, set);
  for (const Row& row : data.rows) {
    if (const auto* label = std::get_if<LabelRow>(&row.data)) {
      add_labelled(data, row, *label, encoding, labels, set);
    } else {
      add_pair(data, row, std::get<PairRow>(row.data), encoding, set);
    }
    set.where.push_back(data.where(row));
  }
  return set;
}

SentenceObjective::SentenceObjective(const Model& model, const SentenceConfig& config,
                                     std::span<const Parameter> parameters, const Adapter* adapter,
                                     SentenceHead* head, SentenceSet train, SentenceSet validation)
    : model_(model),
      config_(config),
      parameters_(parameters.begin(), parameters.end()),
      adapter_(adapter),
      head_(head),
      data_{std::move(train), std::move(validation)} {
  ONDOL_ASSERT(config.loss != SentenceLoss::kLabels || head);
  if (head_) parameters_.push_back(head_->parameter());
}

std::vector<int64_t> SentenceObjective::lengths(Split split) const {
  const SentenceSet& set = of(split);
  std::vector<int64_t> lengths;
  for (size_t i = 0; i < set.size(); ++i) {
    int64_t tokens = 0;
    for (int64_t t = 0; t < set.texts_each; ++t) {
      tokens += static_cast<int64_t>(set.text(i, t).size());
    }
    lengths.push_back(tokens);
  }
  return lengths;
}

int64_t SentenceObjective::weight(Split, std::span<const uint32_t> examples) const {
  const bool one = config_.loss == SentenceLoss::kOrderedCosines;
  return one ? 1 : static_cast<int64_t>(examples.size());
}

Tensor SentenceObjective::vectors(const ops::Context& context, Split split,
                                  std::span<const uint32_t> examples) const {
  const SentenceSet& set = of(split);
  std::vector<TokenId> ids;
  std::vector<int64_t> begins = {0};
  for (int64_t which = 0; which < set.texts_each; ++which) {
    for (const uint32_t example : examples) {
      const std::span<const TokenId> text = set.text(example, which);
      ids.insert(ids.end(), text.begin(), text.end());
      begins.push_back(static_cast<int64_t>(ids.size()));
    }
  }
  const Tensor states = token_states(model_, context, ids, begins, adapter_);
  Tensor pooled;
  ops::pool(context, states, begins, config_.pooling, pooled);
  return pooled;
}

ops::LossSum SentenceObjective::loss(const ops::Context& context, Split split,
                                     std::span<const uint32_t> examples,
                                     const ops::LossOptions& options) {
  const Tensor pooled = vectors(context, split, examples);
  const SentenceSet& set = of(split);
  if (config_.loss == SentenceLoss::kLabels) {
    std::vector<int32_t> targets;
    for (const uint32_t example : examples) targets.push_back(set.labels[example]);
    return ops::linear_cross_entropy(context, pooled, head_->matrix, targets, options);
  }
  Tensor unit;
  ops::normalize_rows(context, pooled, unit);
  if (config_.loss == SentenceLoss::kInBatchNegatives) {
    return ops::in_batch_negatives(context, unit, static_cast<int64_t>(examples.size()), options);
  }
  std::vector<float> scores;
  for (const uint32_t example : examples) scores.push_back(set.scores[example]);
  return ops::ordered_cosines(context, unit, scores, options);
}

double score_correlation(const SentenceObjective& objective, const ops::Context& context,
                         Split split) {
  constexpr size_t kBatch = 32;
  const SentenceSet& set = objective.of(split);
  std::vector<double> cosines;
  for (size_t begin = 0; begin < set.size(); begin += kBatch) {
    std::vector<uint32_t> examples;
    for (size_t i = begin; i < std::min(set.size(), begin + kBatch); ++i) {
      examples.push_back(static_cast<uint32_t>(i));
    }
    Tensor unit;
    ops::normalize_rows(context, objective.vectors(context, split, examples), unit);
    const auto count = static_cast<int64_t>(examples.size());
    for (int64_t i = 0; i < count; ++i) {
      const std::span<const float> a = unit.row(i), b = unit.row(count + i);
      double sum = 0;
      for (size_t d = 0; d < a.size(); ++d) sum += static_cast<double>(a[d]) * b[d];
      cosines.push_back(sum);
    }
  }
  return spearman(cosines, std::vector<double>(set.scores.begin(), set.scores.end()));
}

}  // namespace ondol::train
