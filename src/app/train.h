// `ondol train sft`: a LoRA adapter for a model, from rows of files to a folder that a recipe can
// name (`adapter = "runs/x/best"`).
//
//   TrainFields fields;  fields.dataset = {"train.jsonl"};  fields.output_dir = "runs/x";
//   TrainSummary done = train_sft(fields, session, {.resume = false, ...});
//
// Killed at any moment, also during a save, it continues with `resume` to the same bits.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "app/session.h"
#include "app/train_fields.h"
#include "base/progress.h"
#include "train/run_folder.h"

namespace ondol::app {

struct TrainJob {
  bool resume = false;
  double share = 1;                  // of the run's steps, after which it ends with a checkpoint
  ProgressSink* progress = nullptr;  // may throw Error(kCancelled): a checkpoint is saved first
  std::function<void(const train::LogEntry&)> on_metrics;  // every logged line
  std::function<void(const std::string&)> on_words;        // the memory plan and what follows it
};

struct TrainSummary {
  std::filesystem::path folder;
  std::filesystem::path adapter;  // of the best validation; without validation rows the last one
  int64_t steps = 0;
  int64_t total_steps = 0;  // of the whole run
  int64_t tokens = 0;
  double seconds = 0;
  double train_loss = 0;             // of the last logged steps
  std::optional<double> first_eval;  // before the first step
  std::optional<double> best_eval;
  int64_t best_step = 0;
  bool stopped_early = false;
  std::string diagnosis;  // what the curves say, in words
};

TrainSummary train_sft(const TrainFields& fields, Session& session, const TrainJob& job);

}  // namespace ondol::app
