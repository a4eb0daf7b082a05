// ondol predict: let a model write the answer of every row, and compare.
#include "app/predict.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

struct PredictCommandOptions {
  std::string model = kDefaultModel;
  std::string adapter;
  std::vector<std::string> dataset;
  std::string format;
  int64_t tokens = 128;
  int64_t rows = 0;
  std::string bleu = "13a";
  std::string metric;
  std::string output;
  EngineOptions engine;
  bool json = false;
};

std::string rows_jsonl(const app::PredictSummary& summary) {
  std::string lines;
  for (const app::Prediction& row : summary.rows) {
    lines += json_line(
        Json{{"source", row.source}, {"target", row.target}, {"prediction", row.written}});
  }
  return lines;
}

Json summary_json(const app::PredictSummary& s, const PredictCommandOptions& options) {
  const double share = static_cast<double>(s.exact) / static_cast<double>(s.rows.size());
  if (s.are_labels) {
    return {{"rows", s.rows.size()}, {"accuracy", share}, {"seconds", s.seconds}};
  }
  Json json = {{"rows", s.rows.size()},
               {"exact_match", share},
               {"bleu", s.bleu.bleu},
               {"bleu_tokens", options.bleu},
               {"precisions", s.bleu.precisions},
               {"brevity_penalty", s.bleu.brevity_penalty},
               {"written_tokens", s.written_tokens},
               {"seconds", s.seconds}};
  if (s.metric) json[options.metric] = *s.metric;
  return json;
}

// The first rows, and how right all are.
std::string summary_text(const app::PredictSummary& s, const PredictCommandOptions& options) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(3, s.rows.size()); ++i) {
    const app::Prediction& row = s.rows[i];
    text += fmt::format("source:  {}\nwritten: {}\ntarget:  {}\n\n", row.source, row.written,
                        row.target);
  }
  const double percent = 100 * static_cast<double>(s.exact) / static_cast<double>(s.rows.size());
  if (s.are_labels) {
    return text +
           fmt::format("{} rows: {:.1f} % right, {:.1f} s\n", s.rows.size(), percent, s.seconds);
  }
  text += fmt::format("{} rows: ", s.rows.size());
  if (s.metric) text += fmt::format("{} {:.1f} %, ", options.metric, 100 * *s.metric);
  text += fmt::format("exact match {:.1f} %, ", percent);
  text += fmt::format("BLEU {:.1f} ({} tokens; {:.1f}/{:.1f}/{:.1f}/{:.1f}, brevity {:.3f}), ",
                      s.bleu.bleu, options.bleu, s.bleu.precisions[0], s.bleu.precisions[1],
                      s.bleu.precisions[2], s.bleu.precisions[3], s.bleu.brevity_penalty);
  return text + fmt::format("{} tokens in {:.1f} s\n", s.written_tokens, s.seconds);
}

int predict(const PredictCommandOptions& options, Context& context) {
  app::PredictOptions wanted{.model = options.model,
                             .adapter = options.adapter,
                             .dataset = {options.dataset.begin(), options.dataset.end()},
                             .dataset_format = options.format,
                             .tokens_max = options.tokens,
                             .rows_max = options.rows,
                             .metric = options.metric,
                             .bleu_tokens = eval::bleu_tokens_named(options.bleu)};
  app::Session session = make_session(options.engine);
  const app::PredictSummary s = app::predict_rows(session, wanted, context.progress);
  show_notices(session, context);
  if (!options.output.empty()) write_file_atomic(options.output, rows_jsonl(s));
  context.print(options.json ? json_line(summary_json(s, options)) : summary_text(s, options));
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<PredictCommandOptions>();
  declare_model(options, &o->model);
  options.text("--adapter", "PATH", &o->adapter, "LoRA adapter of the model");
  options.list("--dataset", "FILE", &o->dataset, "rows of source and target, or of text and label");
  options.text("--dataset-format", "NAME", &o->format, "how to read them; empty: by their keys");
  options.integer("-n,--new", "NEW", &o->tokens, {1, 1 << 24}, "tokens to write at most");
  options.integer("--rows", "N", &o->rows, {0, INT64_MAX}, "the first N rows; 0: all");
  options.text("--bleu", "TOKENS", &o->bleu, "tokens of BLEU: 13a, char (Korean) or none");
  options.text("--metric", "NAME", &o->metric,
               "one more measure: contains, f1, char_f1, numeric (the last number), exact");
  options.text("--output", "FILE", &o->output, "write source, target and prediction as JSONL");
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return predict(*o, context); };
}

constexpr std::array<std::string_view, 3> kLines = {
    "ondol predict -m runs/intents/best --dataset test.jsonl",
    "ondol predict -m runs/sort/best --dataset test.jsonl",
    "ondol predict -m runs/en-ko/best --dataset test.jsonl --bleu char --json"};

}  // namespace

constinit const Command kPredict = {
    .name = "predict",
    .summary = {"let a model answer rows and measure it (exact match, BLEU)",
                "모델이 쓴 답을 정답과 견줍니다 (일치율, BLEU)"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
