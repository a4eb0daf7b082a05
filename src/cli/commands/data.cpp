// ondol data check: what a person should know about files before training on them.
#include <array>
#include <cstdlib>

#include "app/mixture_file.h"
#include "app/train_fields.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/data_text.h"
#include "cli/mixture_text.h"

namespace ondol::cli {
namespace {

struct DataOptions {
  std::string action;
  std::vector<std::string> files;
  std::string mixture;
  std::string mixture_folder;
  std::vector<std::string> validation;
  std::string model;
  std::string format;
  std::string loss = "auto";
  std::string border = "error";
  std::string chat_template;
  int64_t max_length = 0;
  int64_t show = 1;
  bool split_text = false;
  bool drop_empty = false;
  bool json = false;
};

std::vector<std::filesystem::path> paths(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// As `ondol train` does it: no longer than the model reads.
int64_t length_limit(const DataOptions& options, const Model& model) {
  const int64_t context = model.pooling ? model.pooling->tokens_max : model.info.context_tokens_max;
  if (options.max_length == 0) return context;
  if (context == 0 || options.max_length <= context) return options.max_length;
  throw Error(ErrorCode::kInvalidArgument,
              "[data] --max-length is " + std::to_string(options.max_length) +
                  "; the model reads at most " + std::to_string(context) + " tokens");
}

train::RenderOptions render_options(const DataOptions& options, const Model& model) {
  train::RenderOptions render;
  render.max_length = length_limit(options, model);
  render.loss = options.loss == "all"          ? train::LossOn::kAll
                : options.loss == "completion" ? train::LossOn::kCompletion
                : options.loss == "assistant"  ? train::LossOn::kAssistant
                                               : train::LossOn::kAuto;
  if (options.split_text) render.overflow = train::Overflow::kSplit;
  render.border = options.border == "split" ? train::Border::kSplit : train::Border::kError;
  return render;
}

// As `ondol train --mixture` would have the rows, with its own share for validation.
int check_mixture(const DataOptions& options, const train::Renderer* renderer,
                  const DataTextOptions& text, Context& context) {
  std::vector<train::RowProblem> problems;
  const bool split = options.validation.empty();
  const train::Mixed mixed = train::mix(
      app::read_mixture(options.mixture, options.mixture_folder),
      {.validation_share = split ? app::TrainFields{}.validation_split : 0, .problems = &problems});
  const train::Dataset validation =
      split ? mixed.validation.data : train::read_dataset(paths(options.validation), {});
  train::DataCheck check =
      train::check_rows(mixed.learn.data, validation, renderer,
                        {.drop_empty = options.drop_empty, .progress = &context.progress});
  for (const train::HeldOut& task : mixed.held_out) {
    if (renderer == nullptr) break;
    train::render_dataset(task.rows.data, *renderer,
                          {.drop_empty = options.drop_empty, .problems = &check.problems});
  }
  check.problems.insert(check.problems.begin(), problems.begin(), problems.end());
  check.sample.reset();  // one of each kind instead
  if (!options.json) check.files.clear(), check.validation_files.clear();  // the tasks say it
  const std::vector<MixtureExample> examples = mixture_examples(mixed, renderer);
  context.print(options.json
                    ? mixture_json(mixed, examples, data_check_json(check, text))
                    : data_check_text(check, text) + mixture_text(mixed, examples, text.color));
  return check.good() ? kExitDone : kExitNegative;
}

int data(const DataOptions& options, Context& context) {
  if (options.action != "check") {
    throw Error(ErrorCode::kInvalidArgument, "[data] unknown action '" + options.action +
                                                 "'; expected `ondol data check FILE...`");
  }
  if (options.files.empty() == options.mixture.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                options.files.empty()
                    ? "[data] no FILE was given; expected files of rows, or --mixture FILE"
                    : "[data] files and --mixture are both given; expected one of them");
  }
  app::Session session = make_session({.threads = 1});
  std::shared_ptr<const Model> model;
  std::optional<train::Renderer> renderer;
  DataTextOptions text{.model = options.model};
  text.color = context.output.is_terminal() && std::getenv("NO_COLOR") == nullptr;
  if (!options.model.empty()) {
    model = session.model(options.model);
    const std::string chat =
        options.chat_template.empty() ? model->chat_template : read_file(options.chat_template);
    renderer.emplace(*model->tokenizer, chat, render_options(options, *model));
    text.max_length = renderer->options().max_length;
  }
  const train::Renderer* const shown = renderer ? &*renderer : nullptr;
  if (!options.mixture.empty()) return check_mixture(options, shown, text, context);
  const train::DataCheck check =
      train::check_data(paths(options.files), paths(options.validation), shown,
                        {.format = options.format,
                         .drop_empty = options.drop_empty,
                         .sample_row = static_cast<size_t>(options.show - 1),
                         .progress = &context.progress});
  context.print(options.json ? data_check_json(check, text) : data_check_text(check, text));
  return check.good() ? kExitDone : kExitNegative;
}

Action declare(Options& options) {
  const auto o = std::make_shared<DataOptions>();
  options.positional("check", &o->action, "the word `check`");
  options.positional("FILE", &o->files, "one or more: .jsonl .json .csv .tsv .txt", false);
  options.text("--mixture", "FILE", &o->mixture, "in place of files: tasks and their templates");
  options.text("--mixture-folder", "FOLDER", &o->mixture_folder,
               "what its files are relative to; else its own folder");
  options.text("-m,--model", "MODEL", &o->model,
               "count its tokens, show what its template makes of a row");
  options.integer("--max-length", "N", &o->max_length, {0, 1 << 24},
                  "tokens of an example; 0: what the model reads");
  options.text("--format", "NAME", &o->format, "how to read the rows; else known by their keys");
  options.list("--validation", "FILE", &o->validation,
               "rows to measure with: looked for in the data; may be repeated");
  options.choice("--loss", &o->loss, {"auto", "all", "completion", "assistant"},
                 "what is learned; auto: completions, turns of the assistant");
  options.choice("--border", &o->border, {"error", "split"},
                 "where an answer begins inside a token");
  options.text("--chat-template", "FILE", &o->chat_template, "in place of the model's own (Jinja)");
  options.flag("--split-text", &o->split_text, "cut long plain texts into several examples");
  options.flag("--drop-empty", &o->drop_empty, "leave out rows with nothing to learn");
  options.integer("--show", "N", &o->show, {1, INT64_MAX}, "which row to show as an example");
  declare_json(options, &o->json);
  return [o](Context& context) { return data(*o, context); };
}

constexpr std::array<std::string_view, 4> kLines = {
    "ondol data check --mixture mixture.toml -m smollm2-135m-instruct",
    "ondol data check train.jsonl", "ondol data check train.jsonl -m smollm2-135m-instruct",
    "ondol data check a.csv b.csv --validation valid.csv --max-length 512"};

}  // namespace

constinit const Command kData = {.name = "data",
                                 .summary = {"check files before a model is trained on them",
                                             "학습에 쓸 파일을 미리 검사합니다"},
                                 .examples = kLines,
                                 .declare = declare};

}  // namespace ondol::cli
