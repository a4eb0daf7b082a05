// ondol train: adapt a model on this machine.
#include "app/train.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/processes.h"
#include "app/train_config.h"
#include "app/train_search.h"
#include "app/train_tokenizer.h"
#include "app/train_word2vec.h"
#include "app/training_rows.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct TrainOptions {
  std::string method;
  std::string preset;
  std::string config;
  std::string recipe;
  std::string workspace = ".";
  bool resume = false;
  bool search = false;
  int64_t search_trials = 9;
  bool json = false;
  EngineOptions engine;
  std::map<std::string, std::vector<std::string>> given;  // settings by name, as typed
};

std::string kebab(std::string name) {
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

app::TrainFields fields_of(const TrainOptions& options) {
  app::TrainFields fields = app::default_train_fields(options.method);
  if (!options.preset.empty()) app::read_train_preset(options.method, options.preset, fields);
  if (!options.config.empty()) {
    app::read_train_config(read_file(options.config), options.config, fields);
  }
  for (const auto& [name, values] : options.given) {
    if (!values.empty()) app::set_train_field(fields, name, values);
  }
  return fields;
}

// The train questions of a workspace, as the recipe asks them, become rows in the run's folder.
void add_rows(const TrainOptions& options, app::Session& session, Context& context,
              app::TrainFields& fields) {
  const app::TrainingRows rows = app::add_recipe_rows(
      app::Workspace::open(options.workspace), session, options.recipe, fields, context.progress);
  context.progress.notice(fmt::format(
      "{} rows of the train questions; left out: {} whose passages do not hold the answer, {} "
      "without an answer; {} rows of the dev questions to measure with",
      rows.rows, rows.without_answer, rows.without_question, rows.validation_rows));
}

double value_of(const train::LogEntry& entry, const std::string& name) {
  for (const auto& [key, value] : entry.values) {
    if (key == name) return value;
  }
  return -1;
}

// Tasks of a mixture that are measured and not learned, a line each.
std::string held_out_lines(const train::LogEntry& entry) {
  std::string lines;
  for (const auto& [key, exact] : entry.values) {
    if (!key.starts_with("eval_") || !key.ends_with("_exact")) continue;
    const std::string name = key.substr(5, key.size() - 11);
    lines += fmt::format("step {:<6} held out {}: loss {:.4f}   exact answers {:.1f} %\n",
                         entry.step, name, value_of(entry, "eval_" + name + "_loss"), 100 * exact);
  }
  return lines;
}

std::string metrics_line(const train::LogEntry& entry) {
  const std::string held_out = held_out_lines(entry);
  if (const double loss = value_of(entry, "eval_loss"); loss >= 0) {
    const double spearman = value_of(entry, "eval_spearman");
    return fmt::format("step {:<6} validation loss {:.4f}   {}\n", entry.step, loss,
                       spearman > -1 ? fmt::format("Spearman {:.4f}", spearman)
                                     : fmt::format("accuracy {:.1f} %",
                                                   100 * value_of(entry, "eval_accuracy"))) +
           held_out;
  }
  if (!held_out.empty()) return held_out;
  return fmt::format("step {:<6} loss {:.4f}   lr {:.2e}   grad {:.2f}   {:.0f} tok/s\n",
                     entry.step, value_of(entry, "loss"), value_of(entry, "learning_rate"),
                     value_of(entry, "grad_norm"), value_of(entry, "tokens_per_second"));
}

std::string summary_text(const app::TrainSummary& s, Language language) {
  std::string text =
      fmt::format("\n{}\n{} steps, {} tokens, {:.0f} s, {:.0f} tokens/s\n",
                  language == Language::kKorean ? s.diagnosis.ko : s.diagnosis.en, s.steps,
                  s.tokens, s.seconds, static_cast<double>(s.tokens) / std::max(1e-9, s.seconds));
  if (s.best_eval) {
    text += fmt::format("best validation loss {:.4f} at step {}\n", *s.best_eval, s.best_step);
  }
  for (const app::HeldOutChange& task : s.held_out) {
    text += fmt::format(
        "held out {}: loss {:.4f} before, {:.4f} after; exact answers {:.1f} % and {:.1f} %\n",
        task.name, task.loss_before, task.loss_after, 100 * task.exact_before,
        100 * task.exact_after);
  }
  text += "look at it:    " + (s.folder / "report.html").string() + "\n";
  text += "use it:        " +
          (s.is_model ? s.use + " " + s.adapter.string()
                      : "adapter = \"" + s.adapter.string() + "\" in a recipe") +
          "\n";
  return text;
}

nlohmann::ordered_json summary_json(const app::TrainSummary& s) {
  nlohmann::ordered_json json = {{"folder", s.folder.string()},
                                 {s.is_model ? "model" : "adapter", s.adapter.string()},
                                 {"steps", s.steps},
                                 {"tokens", s.tokens},
                                 {"seconds", s.seconds},
                                 {"train_loss", s.train_loss},
                                 {"stopped_early", s.stopped_early},
                                 {"diagnosis", s.diagnosis.en}};
  if (s.first_eval) json["eval_loss_before"] = *s.first_eval;
  if (s.best_eval) json["best_eval_loss"] = *s.best_eval, json["best_step"] = s.best_step;
  for (const app::HeldOutChange& task : s.held_out) {
    json["held_out"].push_back({{"task", task.name},
                                {"loss_before", task.loss_before},
                                {"loss_after", task.loss_after},
                                {"exact_before", task.exact_before},
                                {"exact_after", task.exact_after}});
  }
  return json;
}

struct TextsAndFolder {
  std::vector<std::filesystem::path> files;
  std::filesystem::path folder;
};

// Methods with settings of their own: files and folder are named as for the others.
template <class SetField>
TextsAndFolder read_settings(const TrainOptions& options, const SetField& set_field) {
  TextsAndFolder at;
  for (const auto& [name, values] : options.given) {
    if (values.empty()) continue;
    if (name == "dataset") {
      at.files.assign(values.begin(), values.end());
    } else if (name == "output_dir") {
      at.folder = values.front();
    } else {
      set_field(name, values);
    }
  }
  if (at.files.empty() || at.folder.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "[train] " + options.method +
                                                 " needs texts and a folder; name --dataset and "
                                                 "--output-dir");
  }
  return at;
}

int train_words(const TrainOptions& options, Context& context) {
  train::Word2VecConfig config;
  const TextsAndFolder at =
      read_settings(options, [&](const std::string& name, const std::vector<std::string>& values) {
        app::set_word2vec_field(config, name, values);
      });
  ThreadPool pool(static_cast<int>(options.engine.threads));
  const app::Word2VecSummary s =
      app::train_word2vec_run(config, at.files, at.folder, pool, context.progress);
  const nlohmann::ordered_json json = {{"words", s.words},
                                       {"vector_size", s.width},
                                       {"words_read", s.words_read},
                                       {"loss", s.loss},
                                       {"seconds", s.seconds},
                                       {"words_per_second", s.words_per_second},
                                       {"vectors", s.vectors_bin.string()}};
  context.print(
      options.json ? json_line(json)
                   : fmt::format("{} words, {} numbers each, loss {:.4f}, {:.0f} words/s\n{}\n{}\n",
                                 s.words, s.width, s.loss, s.words_per_second,
                                 s.vectors_bin.string(), s.vectors_vec.string()));
  return kExitDone;
}

// Many short runs in place of one.
int search(const TrainOptions& options, const app::TrainFields& fields, app::Session& session,
           Context& context) {
  app::SearchJob job{.resume = options.resume, .progress = &context.progress, .on_trial = {}};
  job.on_trial = [&](const app::SearchTrial& trial, int round) {
    if (options.json) return;
    context.progress.notice(
        fmt::format("round {}, trial {}: learning rate {:.2g}, rank {}, validation loss {}",
                    round + 1, trial.number, trial.fields.learning_rate, trial.fields.lora_r,
                    trial.loss ? fmt::format("{:.4f}", *trial.loss) : trial.failure));
  };
  const app::SearchSummary found =
      app::search_sft(fields, session, job, {.trials = options.search_trials});
  if (options.json) {
    context.print(app::search_json(found) + "\n");
    return kExitDone;
  }
  context.print(app::search_text(found) +
                "\nlook at it:    " + (found.folder / "report.html").string() +
                "\nuse it:        adapter = \"" + (found.folder / "best").string() +
                "\" in a recipe\nits settings:  " + (found.folder / "best.toml").string() + "\n");
  return kExitDone;
}

int train_tokenizer(const TrainOptions& options, Context& context) {
  train::TokenizerTraining settings;
  const TextsAndFolder at =
      read_settings(options, [&](const std::string& name, const std::vector<std::string>& values) {
        app::set_tokenizer_field(settings, name, values);
      });
  ThreadPool pool(static_cast<int>(options.engine.threads));
  const app::TrainTokenizerSummary s =
      app::train_tokenizer_run(settings, at.files, at.folder, pool, context.progress);
  const nlohmann::ordered_json json = {{"vocabulary", s.vocabulary},
                                       {"tokens_per_word", s.tokens_per_word},
                                       {"tokens_per_byte", s.tokens_per_byte},
                                       {"unknown_share", s.unknown_share},
                                       {"bytes", s.bytes},
                                       {"seconds", s.seconds},
                                       {"folder", s.folder.string()}};
  context.print(options.json
                    ? json_line(json)
                    : fmt::format("{} tokens; on the texts {:.3f} a word, {:.4f} a byte, {:.2f} % "
                                  "unknown; {:.1f} s for {:.1f} MB\n{}\n",
                                  s.vocabulary, s.tokens_per_word, s.tokens_per_byte,
                                  100 * s.unknown_share, s.seconds,
                                  static_cast<double>(s.bytes) / 1e6,
                                  (s.folder / "tokenizer.json").string()));
  return kExitDone;
}

// What the other processes of several have to say: that they were interrupted.
class QuietProgress final : public ProgressSink {
 public:
  void update(std::string_view, uint64_t, uint64_t) override {
    if (interrupted()) throw Error(ErrorCode::kCancelled, "[train] stopped");
  }
  void notice(std::string_view) override {}
};

// The rows of a recipe are made by the first process; the others read its files.
void add_shared_rows(const TrainOptions& options, app::Session& session, Context& context,
                     train::Communicator& processes, app::TrainFields& fields) {
  if (processes.rank() == 0) add_rows(options, session, context, fields);
  const std::string settings = train::broadcast_text(processes, app::train_toml(fields));
  if (processes.rank() > 0) app::read_train_config(settings, "the first process", fields);
}

int train_rows(const TrainOptions& options, train::Communicator& processes, Context& context) {
  app::TrainFields fields = fields_of(options);
  EngineOptions engine = options.engine;
  engine.threads = app::threads_of(processes, static_cast<int>(engine.threads));
  app::Session session = make_session(engine);
  if (!options.recipe.empty()) add_shared_rows(options, session, context, processes, fields);
  if (options.search) return search(options, fields, session, context);
  QuietProgress quiet;
  app::TrainJob job{.processes = &processes, .resume = options.resume, .progress = &quiet};
  const bool speaks = processes.rank() == 0;
  if (speaks) {
    job.progress = &context.progress;
    job.on_metrics = [&](const train::LogEntry& entry) {
      context.print(options.json ? train::to_json(entry) + "\n" : metrics_line(entry));
    };
    job.on_words = [&](const std::string& words) { context.progress.notice(words); };
  }
  const app::TrainSummary summary = app::train_run(options.method, fields, session, job);
  if (speaks)
    context.print(options.json ? json_line(summary_json(summary))
                               : summary_text(summary, context.language));
  return kExitDone;
}

// One of several processes. Most errors are met by all: the first process says what happened, and
// ends the others with it.
int train_together(const TrainOptions& options, const app::Launch& launch, Context& context) {
  install_terminate();
  try {
    if (options.search || options.method == "tokenizer" || options.method == "word2vec") {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[train] {} runs in one process; got {}, try without mpirun",
                              options.search ? "--search" : options.method, launch.size));
    }
    const auto processes = app::join_processes(launch);
    return train_rows(options, *processes, context);
  } catch (const Error& error) {
    if (launch.rank == 0) throw;
    if (error.code() == ErrorCode::kCancelled) return kExitDone;
    for (int i = 0; i < 30; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (interrupted()) return kExitError;  // it has
    }
    throw Error(error.code(),
                fmt::format("process {} of {}: {}", launch.rank + 1, launch.size, error.what()));
  }
}

int train(const TrainOptions& options, Context& context) {
  if (options.search && options.method != "sft") {
    throw Error(ErrorCode::kInvalidArgument,
                "[train] --search tries settings of sft; got '" + options.method + "'");
  }
  const app::Launch launch = app::launch_of_environment();
  if (launch.size > 1) return train_together(options, launch, context);
  if (options.method == "tokenizer") return train_tokenizer(options, context);
  if (options.method == "word2vec") return train_words(options, context);
  train::OneProcess alone;
  return train_rows(options, alone, context);
}

Action declare(Options& options) {
  const auto o = std::make_shared<TrainOptions>();
  options.positional(
      "METHOD", &o->method,
      "sft: learn answers; pretrain: a new model learns texts; seq2seq: an encoder-decoder learns "
      "targets of sources; mlm: an encoder learns hidden words; embed: which texts are near; "
      "classify: labels of texts; tokenizer: pieces of words; word2vec: vectors of words");
  options.text("--preset", "NAME", &o->preset,
               "ready settings (lora, lora_small, lora_thorough, dora, full, ...); --config and "
               "options win over them");
  options.text("--config", "FILE", &o->config, "settings as TOML; options win over it");
  options.text("--recipe", "NAME", &o->recipe,
               "learn the train questions of the workspace as this recipe asks them");
  declare_workspace(options, &o->workspace);
  options.flag("--resume", &o->resume, "continue after the newest checkpoint of --output-dir");
  options.flag("--search", &o->search,
               "try other learning rates, ranks, batches and lengths, and keep the best");
  options.integer("--search-trials", "N", &o->search_trials, {1, 1000}, "settings that begin (9)");
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  for (const app::TrainFieldInfo& field : app::train_field_infos()) {
    options.list("--" + kebab(field.name), field.is_list ? "NAME" : "VALUE", &o->given[field.name],
                 field.help + " (" + field.otherwise + ")");
  }
  for (const app::TrainFieldInfo& field : app::word2vec_field_infos()) {
    if (o->given.contains(field.name)) continue;  // seed
    options.list("--" + kebab(field.name), "VALUE", &o->given[field.name],
                 "word2vec: " + field.help + " (" + field.otherwise + ")");
  }
  for (const app::TrainFieldInfo& field : app::tokenizer_field_infos()) {
    if (o->given.contains(field.name)) continue;
    options.list("--" + kebab(field.name), field.is_list ? "TOKEN" : "VALUE", &o->given[field.name],
                 "tokenizer: " + field.help + " (" + field.otherwise + ")");
  }
  return [o](Context& context) { return train(*o, context); };
}

constexpr std::array<std::string_view, 9> kLines = {
    "ondol train sft --mixture mixture.toml --output-dir runs/mixture",
    "ondol train seq2seq --dataset pairs.jsonl --output-dir runs/pairs",
    "ondol train pretrain --dataset book.txt --output-dir runs/tiny",
    "ondol train tokenizer --type bpe --dataset book.txt --output-dir runs/tok",
    "ondol train word2vec --dataset book.txt --output-dir runs/words --sg 1",
    "ondol train sft --recipe hybrid --output-dir runs/hybrid",
    "ondol train sft --dataset train.jsonl --output-dir runs/mine",
    "ondol train sft --config train.toml --learning-rate 1e-4",
    "ondol train sft --config train.toml --resume"};

}  // namespace

constinit const Command kTrain = {
    .name = "train",
    .summary = {"adapt a model on rows of your own", "내 자료로 모델을 조정합니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
