// `ondol train METHOD`: from rows of files to a folder with an adapter that a recipe can name
// (`adapter = "runs/x/best"`); or, without use_peft, with a model of its own (`ondol run -m
// runs/x/best`).
//
//   TrainFields fields;  fields.dataset = {"train.jsonl"};  fields.output_dir = "runs/x";
//   TrainSummary done = train_run("sft", fields, session, {.resume = false, ...});
//
// Killed at any moment, also during a save, it continues with `resume` to the same bits; also with
// another number of processes, if a step has as many packs.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/session.h"
#include "app/train_fields.h"
#include "base/progress.h"
#include "eval/metrics.h"
#include "train/communicator.h"
#include "train/run_folder.h"

namespace ondol::app {

struct TrainJob {
  // Several that call this together (app/processes.h); null: alone. The first one writes files and
  // reports; a stop that the sink of any asks for ends all at the same step. Finished when the call
  // returns; after an error they are not, and cannot be used again.
  train::Communicator* processes = nullptr;
  bool resume = false;
  double share = 1;                  // of the run's steps, after which it ends with a checkpoint
  int64_t memory_bytes = 0;          // that it may take; 0: what the machine has left
  ProgressSink* progress = nullptr;  // may throw Error(kCancelled): a checkpoint is saved first
  std::function<void(const train::LogEntry&)> on_metrics;  // every logged line
  std::function<void(const std::string&)> on_words;        // the memory plan and what follows it
};

// A task of a mixture that was measured and not learned, before the first step and after.
struct HeldOutChange {
  std::string name;
  double loss_before = 0, loss_after = 0;    // mean over the tokens of answers
  double exact_before = 0, exact_after = 0;  // share of rows that greedy decoding answers exactly
};

struct TrainSummary {
  std::filesystem::path folder;
  std::filesystem::path adapter;  // of the best validation; without validation rows the last one
  bool is_model = false;          // `adapter` is the folder of a whole model instead
  std::string use;                // of a whole model: the command that takes it
  int64_t steps = 0;
  int64_t total_steps = 0;  // of the whole run
  int64_t tokens = 0;
  double seconds = 0;
  double train_loss = 0;             // of the last logged steps
  std::optional<double> first_eval;  // before the first step
  std::optional<double> best_eval;
  int64_t best_step = 0;
  bool stopped_early = false;
  std::vector<HeldOutChange> held_out;  // after: at the best step, or the last
  eval::Text diagnosis;                 // what the curves say, in words
};

// What a method (train_task.h: sft, pretrain, mlm, embed, classify) takes where nothing is said.
TrainFields default_train_fields(std::string_view method);
// Without validation files a part of the rows is kept for it; of texts that become blocks
// (pretrain, mlm) the last blocks, where there are fewer than a hundred rows.
TrainSummary train_run(std::string_view method, const TrainFields& fields, Session& session,
                       const TrainJob& job);

}  // namespace ondol::app
