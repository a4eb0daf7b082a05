// The tasks of encoders: hidden tokens, labels of texts, pairs of sentences.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/classifier.h"
#include "app/train_task.h"
#include "base/error.h"
#include "train/masked.h"
#include "train/sentence.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

void expect_encoder(const Model& model, const char* method) {
  if (!model.encoder || !model.tokenizer) {
    invalid(std::string(method) +
            " needs an encoder with a tokenizer; got a model of architecture '" +
            model.info.architecture + "', expected bert");
  }
}

// Texts in blocks of at most `tokens_max` with the special tokens around each; those are never
// hidden.
train::SftData text_blocks(const train::Dataset& data, const text::Tokenizer& tokenizer,
                           int64_t tokens_max) {
  const auto first = tokenizer.first_token(), last = tokenizer.last_token();
  const int64_t inside = tokens_max - (first ? 1 : 0) - (last ? 1 : 0);
  if (inside < 1) invalid("max_length has no room for a token between the special ones");
  train::SftData blocks;
  for (size_t row = 0; row < data.rows.size(); ++row) {
    const auto ids = tokenizer.encode(train::row_text(data.rows[row], false), {});
    for (size_t begin = 0; begin < ids.size(); begin += static_cast<size_t>(inside)) {
      const size_t end = std::min(ids.size(), begin + static_cast<size_t>(inside));
      train::Example example;
      if (first) example.ids.push_back(*first);
      example.ids.insert(example.ids.end(), ids.begin() + static_cast<int64_t>(begin),
                         ids.begin() + static_cast<int64_t>(end));
      if (last) example.ids.push_back(*last);
      example.loss.assign(example.ids.size(), 1);
      if (first) example.loss.front() = 0;
      if (last) example.loss.back() = 0;
      blocks.examples.add(example, static_cast<uint32_t>(row));
      blocks.where.push_back(data.where(data.rows[row]));
    }
  }
  return blocks;
}

class MaskedTask final : public TrainTask {
 public:
  explicit MaskedTask(const TrainFields& fields) : fields_(fields) {}
  void check(const Model& model) const override { expect_encoder(model, "mlm"); }
  bool is_of_blocks() const override { return true; }
  std::unique_ptr<train::Objective> objective(TrainTarget& target, TaskRows rows, ThreadPool& pool,
                                              ProgressSink&) override {
    const Model& model = target.model();
    const auto mask = model.tokenizer->find("[MASK]");
    if (!mask) {
      throw Error(ErrorCode::kUnsupported,
                  "[train] the tokenizer has no piece [MASK], which stands where a token is "
                  "hidden; try one of `ondol train tokenizer --type wordpiece`");
    }
    train::SftData learn = text_blocks(rows.learn, *model.tokenizer, fields_.max_length);
    train::SftData validation = text_blocks(rows.validation, *model.tokenizer, fields_.max_length);
    if (validation.where.empty() && fields_.validation_split > 0) {
      validation = last_examples(learn, fields_.validation_split);
    }
    const auto seed = static_cast<uint64_t>(fields_.seed);
    head_ = std::make_unique<train::MaskedHead>(model.info.width, seed, pool);
    const auto pieces = static_cast<int64_t>(model.tokenizer->config().pieces.size());
    return std::make_unique<train::MaskedObjective>(
        model,
        train::MaskedConfig{.mlm_probability = fields_.mlm_probability,
                            .mask = *mask,
                            .pieces = pieces,
                            .seed = seed},
        target.parameters(), target.adapter(), *head_, std::move(learn), std::move(validation));
  }
  void save(train::Checkpoint& checkpoint) const override {
    checkpoint.texts[kHeadFile] = head_bytes(head_->parameters());
  }
  void restore(const std::filesystem::path& folder, ThreadPool& pool) override {
    read_head(folder, head_->parameters(), pool);
  }

 private:
  const TrainFields& fields_;
  std::unique_ptr<train::MaskedHead> head_;
};

class SentenceTask final : public TrainTask {
 public:
  SentenceTask(const TrainFields& fields, bool labels) : fields_(fields), wants_labels_(labels) {}
  void check(const Model& model) const override { expect_encoder(model, method()); }
  std::unique_ptr<train::Objective> objective(TrainTarget& target, TaskRows rows, ThreadPool& pool,
                                              ProgressSink& progress) override {
    const Model& model = target.model();
    config_ = {train::sentence_loss_of(rows.learn), pooling_of(model)};
    if ((config_.loss == train::SentenceLoss::kLabels) != wants_labels_) {
      invalid(std::string(method()) + " learns " +
              (wants_labels_ ? "texts with labels; got pairs, try `ondol train embed`"
                             : "pairs of texts; got labels, try `ondol train classify`"));
    }
    labels_ = train::labels_of(rows.learn);
    if (wants_labels_) {
      if (labels_.size() < 2) invalid("all rows have one label; expected two and more");
      head_ = std::make_unique<train::SentenceHead>(static_cast<int64_t>(labels_.size()),
                                                    model.info.width,
                                                    static_cast<uint64_t>(fields_.seed), pool);
    }
    const auto encode = [&](const train::Dataset& data) {
      return train::encode_sentences(data, *model.tokenizer, fields_.max_length, labels_);
    };
    train::SentenceSet learn = encode(rows.learn), validation = encode(rows.validation);
    if (learn.truncated > 0) {
      progress.notice(fmt::format("{} of {} texts are longer than max_length {} and were cut",
                                  learn.truncated, learn.texts.size(), fields_.max_length));
    }
    auto made = std::make_unique<train::SentenceObjective>(model, config_, target.parameters(),
                                                           target.adapter(), head_.get(),
                                                           std::move(learn), std::move(validation));
    objective_ = made.get();
    return made;
  }
  void save(train::Checkpoint& checkpoint) const override {
    if (!head_) return;
    const train::Parameter parameter = head_->parameter();
    checkpoint.texts[kHeadFile] = head_bytes({&parameter, 1});
    checkpoint.texts[kLabelsFile] = labels_json(labels_, fields_.max_length);
  }
  void restore(const std::filesystem::path& folder, ThreadPool& pool) override {
    if (!head_) return;
    const train::Parameter parameter = head_->parameter();
    read_head(folder, {&parameter, 1}, pool);
  }
  std::vector<std::pair<std::string, double>> measures(const ops::Context& context) override {
    if (config_.loss != train::SentenceLoss::kOrderedCosines) return {};
    if (objective_->lengths(train::Split::kValidation).empty()) return {};
    return {{"eval_spearman",
             train::score_correlation(*objective_, context, train::Split::kValidation)}};
  }

 private:
  const char* method() const { return wants_labels_ ? "classify" : "embed"; }

  const TrainFields& fields_;
  bool wants_labels_;
  train::SentenceConfig config_;
  std::vector<std::string> labels_;
  std::unique_ptr<train::SentenceHead> head_;
  train::SentenceObjective* objective_ = nullptr;  // the run's
};

}  // namespace

std::unique_ptr<TrainTask> make_masked_task(const TrainFields& fields) {
  return std::make_unique<MaskedTask>(fields);
}
std::unique_ptr<TrainTask> make_label_task(const TrainFields& fields) {
  return std::make_unique<SentenceTask>(fields, true);
}
std::unique_ptr<TrainTask> make_pair_task(const TrainFields& fields) {
  return std::make_unique<SentenceTask>(fields, false);
}

}  // namespace ondol::app
