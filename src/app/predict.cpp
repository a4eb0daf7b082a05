#include "app/predict.h"

#include <chrono>
#include <memory>
#include <utility>

#include "app/classifier.h"
#include "base/error.h"
#include "train/dataset.h"

namespace ondol::app {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Prediction asked(const train::Dataset& data, const train::Row& row) {
  if (const auto* pair = std::get_if<train::Seq2SeqRow>(&row.data)) {
    return {pair->source, pair->target, ""};
  }
  const auto* prompt = std::get_if<train::PromptRow>(&row.data);
  if (prompt != nullptr && !prompt->prompt.is_chat() && !prompt->completion.is_chat()) {
    return {prompt->prompt.text, prompt->completion.text, ""};
  }
  throw Error(ErrorCode::kUnsupported,
              "[predict] " + data.where(row) +
                  ": a row without a source and a target as text; expected 'source' and 'target', "
                  "or 'prompt' and 'completion'");
}

PromptInput input_of(const Model& model, const Prediction& row, bool is_pair) {
  if (model.encoder_decoder) return RawText{row.source};
  if (!model.chat_template.empty()) return Prompt{.messages = {{"user", row.source, {}}}};
  return RawText{row.source + (is_pair ? "\n" : "")};
}

PredictSummary labels_of_rows(Session& session, const Model& model, train::Dataset data,
                              const PredictOptions& options, ProgressSink& progress) {
  if (options.rows_max > 0 && data.rows.size() > static_cast<size_t>(options.rows_max)) {
    data.rows.resize(static_cast<size_t>(options.rows_max));
  }
  for (const train::Row& row : data.rows) {
    if (std::holds_alternative<train::LabelRow>(row.data)) continue;
    throw Error(ErrorCode::kUnsupported, "[predict] " + data.where(row) +
                                             ": an encoder says labels of texts; expected a row "
                                             "with 'text' and 'label'");
  }
  ThreadPool pool(session.options().threads);
  Classifier classifier(model.path, model, pool);
  const ops::Context context{pool, best_kernels(), session.options().precision};
  PredictSummary summary;
  summary.are_labels = true;
  const std::vector<size_t> found = classifier.labels_of(data, context, progress);
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& row = std::get<train::LabelRow>(data.rows[i].data);
    summary.rows.push_back({row.text, row.label, classifier.labels()[found[i]]});
    summary.exact += summary.rows.back().written == row.label ? 1 : 0;
  }
  return summary;
}

}  // namespace

PredictSummary predict_rows(Session& session, const PredictOptions& options,
                            ProgressSink& progress) {
  if (options.dataset.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "[predict] no rows; name files with --dataset");
  }
  const train::Dataset data =
      train::read_dataset(options.dataset, {.format = options.dataset_format});
  const std::shared_ptr<const Model> model = session.model(options.model);
  const auto begin = std::chrono::steady_clock::now();
  if (model->encoder) {
    PredictSummary summary = labels_of_rows(session, *model, data, options, progress);
    summary.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return summary;
  }
  Generator& generator = model->encoder_decoder
                             ? static_cast<Generator&>(session.seq2seq(options.model))
                             : session.generator(options.model);
  std::shared_ptr<const LoadedAdapter> adapter;
  if (!options.adapter.empty()) adapter = session.adapter(options.model, options.adapter);
  PredictSummary summary;
  std::vector<std::string> written, targets;
  const size_t count = options.rows_max > 0
                           ? std::min(data.rows.size(), static_cast<size_t>(options.rows_max))
                           : data.rows.size();
  for (size_t i = 0; i < count; ++i) {
    progress.update("predict", i, count);
    Prediction row = asked(data, data.rows[i]);
    const bool is_pair = std::holds_alternative<train::Seq2SeqRow>(data.rows[i].data);
    GenerateRequest request{.prompt = input_of(*model, row, is_pair),
                            .tokens_max = options.tokens_max};
    request.adapter = adapter;
    const GenerateResult result = generator.generate(std::move(request));
    row.written = result.samples.at(0).text;
    summary.written_tokens += result.usage.completion_tokens;
    summary.exact += trimmed(row.written) == trimmed(row.target) ? 1 : 0;
    written.push_back(row.written);
    targets.push_back(row.target);
    summary.rows.push_back(std::move(row));
  }
  summary.bleu = eval::corpus_bleu(written, targets, options.bleu_tokens);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return summary;
}

}  // namespace ondol::app
