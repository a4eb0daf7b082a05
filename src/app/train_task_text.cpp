// The tasks of decoders: next tokens of answers, or of whole texts.
#include <algorithm>
#include <utility>

#include "app/train_task.h"
#include "base/error.h"
#include "train/row_scores.h"
#include "train/seq2seq.h"

namespace ondol::app {
namespace {

using train::SftData;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

// Rows, rendered; `progress` gets what a person should know about them.
SftData examples_of(const train::Dataset& data, const train::Renderer& renderer,
                    const TrainFields& fields, ProgressSink& progress) {
  train::RenderCounts counts;
  SftData out;
  out.examples = train::render_dataset(
      data, renderer, {.drop_empty = fields.drop_empty, .counts = &counts, .progress = &progress});
  for (size_t i = 0; i < out.examples.size(); ++i) {
    out.where.push_back(data.where(data.rows[out.examples.row(i)]));
  }
  if (const std::string words = counts.sentence(); !words.empty()) progress.notice(words);
  return out;
}

train::Renderer renderer_of(const TrainFields& fields, const Model& model) {
  train::RenderOptions options;
  options.max_length = fields.max_length;
  if (fields.completion_only_loss != fields.assistant_only_loss) {
    invalid(
        "completion_only_loss and assistant_only_loss differ; expected both true (learn answers) "
        "or both false (learn every token)");
  }
  const bool whole = !fields.completion_only_loss;
  options.loss = whole ? train::LossOn::kAll : train::LossOn::kAuto;
  options.overflow = train::Overflow::kSplit;
  if (model.encoder_decoder) options.pair_end = model.encoder_decoder->end_token();
  return {*model.tokenizer, model.chat_template, options};
}

enum class Texts : uint8_t { kAnswers, kBlocks, kPairs };

class TextTask final : public TrainTask {
 public:
  TextTask(const TrainFields& fields, Texts texts) : fields_(fields), texts_(texts) {}
  void check(const Model& model) const override {
    const bool pairs = texts_ == Texts::kPairs;
    if (pairs ? model.encoder_decoder != nullptr : model.decoder != nullptr) return;
    const char* other = model.encoder_decoder ? "seq2seq" : model.decoder ? "sft" : "embed";
    invalid("model '" + fields_.model + "' (architecture '" + model.info.architecture +
            "') is no " + (pairs ? "encoder-decoder" : "decoder") + "; try `ondol train " + other +
            "`, or another model");
  }
  bool is_of_blocks() const override { return texts_ == Texts::kBlocks; }
  bool takes_mixtures() const override { return texts_ != Texts::kBlocks; }
  std::unique_ptr<train::Objective> objective(TrainTarget& target, TaskRows rows, ThreadPool&,
                                              ProgressSink& progress) override {
    const train::Renderer renderer = renderer_of(fields_, target.model());
    SftData learn = examples_of(rows.learn, renderer, fields_, progress), validation;
    if (!rows.validation.rows.empty()) {
      validation = examples_of(rows.validation, renderer, fields_, progress);
    } else if (is_of_blocks() && fields_.validation_split > 0) {
      validation = last_examples(learn, fields_.validation_split);
    }
    for (const train::HeldOut& task : rows.held_out) {
      SftData measured = examples_of(task.rows.data, renderer, fields_, progress);
      held_out_.push_back({task.name, objective_of(target, {}, std::move(measured))});
    }
    return objective_of(target, std::move(learn), std::move(validation));
  }

  // Tasks that are not learned, each by itself (names as transformers has them).
  std::vector<std::pair<std::string, double>> measures(const ops::Context& context) override {
    std::vector<std::pair<std::string, double>> values;
    for (const Measured& task : held_out_) {
      const train::RowScores scores = train::score_rows(*task.objective, context);
      const std::string name = "eval_" + task.name;
      values.insert(values.end(), {{name + "_loss", scores.loss},
                                   {name + "_accuracy", scores.accuracy},
                                   {name + "_exact", scores.exact}});
    }
    return values;
  }

 private:
  struct Measured {
    std::string name;
    std::unique_ptr<train::Objective> objective;
  };

  std::unique_ptr<train::Objective> objective_of(TrainTarget& target, SftData learn,
                                                 SftData validation) const {
    train::SftOptions options{
        .seed = static_cast<uint64_t>(fields_.seed),
        .dropout = target.dropout(),
        .neftune_noise_alpha = fields_.neftune_noise_alpha,
        .changed = [&target](const KernelContext& kernel) { target.changed(kernel); }};
    const auto made = [&]<class Made>(std::type_identity<Made>) {
      return std::make_unique<Made>(target.model(), target.parameters(), target.adapter(),
                                    std::move(learn), std::move(validation), std::move(options));
    };
    if (texts_ == Texts::kPairs) return made(std::type_identity<train::Seq2SeqObjective>());
    return made(std::type_identity<train::SftObjective>());
  }

  const TrainFields& fields_;
  Texts texts_;
  std::vector<Measured> held_out_;
};

}  // namespace

SftData last_examples(SftData& data, double share) {
  const size_t count = data.examples.size();
  const auto wanted = static_cast<size_t>(share * static_cast<double>(count));
  const size_t begin = count - std::clamp<size_t>(wanted, 1, std::max<size_t>(count, 2) - 1);
  SftData parts[2];
  for (size_t i = 0; i < count; ++i) {
    SftData& part = parts[i >= begin];
    const auto ids = data.examples.ids(i);
    const auto loss = data.examples.loss(i);
    part.examples.add({.ids = {ids.begin(), ids.end()}, .loss = {loss.begin(), loss.end()}},
                      data.examples.row(i));
    part.where.push_back(data.where[i]);
  }
  data = std::move(parts[0]);
  return std::move(parts[1]);
}

std::unique_ptr<TrainTask> make_text_task(const TrainFields& fields) {
  return std::make_unique<TextTask>(fields, Texts::kAnswers);
}
std::unique_ptr<TrainTask> make_block_task(const TrainFields& fields) {
  return std::make_unique<TextTask>(fields, Texts::kBlocks);
}
std::unique_ptr<TrainTask> make_seq2seq_task(const TrainFields& fields) {
  return std::make_unique<TextTask>(fields, Texts::kPairs);
}

}  // namespace ondol::app
