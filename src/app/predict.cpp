#include "app/predict.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <span>
#include <utility>

#include "app/classifier.h"
#include "base/error.h"
#include "eval/metrics.h"
#include "train/dataset.h"

namespace ondol::app {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Rows in flight: as many as one step of the engine takes well.
constexpr size_t kAtOnce = 16;

// A row and what the model is given of it.
struct Asked {
  Prediction row;
  std::vector<text::ChatMessage> messages;  // of a conversation, before the target; else empty
  bool is_pair = false;
};

// The last message is what has to be written.
Asked asked_of(std::vector<text::ChatMessage> messages) {
  Asked asked;
  asked.row.target = messages.back().content;
  messages.pop_back();
  asked.row.source = messages.back().content;
  asked.messages = std::move(messages);
  return asked;
}

bool ends_with_an_answer(std::span<const text::ChatMessage> messages) {
  return messages.size() >= 2 && messages.back().role == "assistant";
}

Asked asked(const train::Dataset& data, const train::Row& row) {
  if (const auto* pair = std::get_if<train::Seq2SeqRow>(&row.data)) {
    return {{pair->source, pair->target, ""}, {}, true};
  }
  std::vector<text::ChatMessage> messages;
  if (const auto* chat = std::get_if<train::ChatRow>(&row.data)) messages = chat->messages;
  if (const auto* prompt = std::get_if<train::PromptRow>(&row.data)) {
    if (!prompt->prompt.is_chat() && !prompt->completion.is_chat()) {
      return {{prompt->prompt.text, prompt->completion.text, ""}, {}, false};
    }
    messages = prompt->prompt.messages;
    messages.insert(messages.end(), prompt->completion.messages.begin(),
                    prompt->completion.messages.end());
  }
  if (ends_with_an_answer(messages)) return asked_of(std::move(messages));
  throw Error(ErrorCode::kUnsupported,
              "[predict] " + data.where(row) +
                  ": a row without a question and its answer; expected 'source' and 'target', "
                  "'prompt' and 'completion', 'question' and 'answer', or messages that end with "
                  "the assistant's");
}

PromptInput input_of(const Model& model, const Asked& asked) {
  if (model.encoder_decoder) return RawText{asked.row.source};
  if (model.chat_template.empty()) return RawText{asked.row.source + (asked.is_pair ? "\n" : "")};
  if (asked.messages.empty()) return Prompt{.messages = {{"user", asked.row.source, {}}}};
  return Prompt{.messages = asked.messages};
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

// The answers of all rows, in their order.
PredictSummary written_rows(Generator& generator, const Model& model,
                            const std::shared_ptr<const LoadedAdapter>& adapter,
                            const train::Dataset& data, const PredictOptions& options,
                            ProgressSink& progress) {
  const size_t count = options.rows_max > 0
                           ? std::min(data.rows.size(), static_cast<size_t>(options.rows_max))
                           : data.rows.size();
  PredictSummary summary;
  std::deque<std::unique_ptr<Generation>> running;  // of the rows after those that are done
  for (size_t done = 0; done < count; ++done) {
    while (running.size() < kAtOnce && summary.rows.size() < count) {
      const Asked next = asked(data, data.rows[summary.rows.size()]);
      GenerateRequest request{.prompt = input_of(model, next), .tokens_max = options.tokens_max};
      request.adapter = adapter;
      running.push_back(generator.submit(std::move(request)));
      summary.rows.push_back(next.row);
    }
    progress.update("predict", done, count);
    const GenerateResult result = running.front()->wait();
    running.pop_front();
    summary.rows[done].written = result.samples.at(0).text;
    summary.written_tokens += result.usage.completion_tokens;
  }
  return summary;
}

void measure(const PredictOptions& options, PredictSummary& summary) {
  std::vector<std::string> written, targets;
  for (const Prediction& row : summary.rows) {
    summary.exact += trimmed(row.written) == trimmed(row.target) ? 1 : 0;
    written.push_back(row.written);
    targets.push_back(row.target);
  }
  summary.bleu = eval::corpus_bleu(written, targets, options.bleu_tokens);
  if (options.metric.empty()) return;
  const eval::Metric* metric = eval::find_metric(options.metric);
  double sum = 0;
  for (const Prediction& row : summary.rows) {
    const auto value = metric->score({.answers = {row.target}}, {.text = row.written});
    if (!value) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[predict] metric '" + options.metric + "' says nothing about '" + row.target +
                      "'; try exact, contains, f1, char_f1 or, for numbers, numeric");
    }
    sum += *value;
  }
  summary.metric = sum / static_cast<double>(std::max<size_t>(1, summary.rows.size()));
}

}  // namespace

PredictSummary predict_rows(Session& session, const PredictOptions& options,
                            ProgressSink& progress) {
  if (options.dataset.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "[predict] no rows; name files with --dataset");
  }
  if (!options.metric.empty() && eval::find_metric(options.metric) == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                "[predict] metric; got '" + options.metric +
                    "', expected exact, contains, f1, char_f1 or numeric");
  }
  const train::Dataset data =
      train::read_dataset(options.dataset, {.format = options.dataset_format});
  const std::shared_ptr<const Model> model = session.model(options.model);
  const auto begin = std::chrono::steady_clock::now();
  if (model->encoder) {
    if (!options.adapter.empty()) {
      throw Error(ErrorCode::kUnsupported,
                  "[predict] an adapter on an encoder; got '" + options.adapter.string() +
                      "', expected none; try `ondol merge` and the merged folder as --model");
    }
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
  PredictSummary summary = written_rows(generator, *model, adapter, data, options, progress);
  measure(options, summary);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return summary;
}

}  // namespace ondol::app
