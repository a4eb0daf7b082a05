// `ondol train sft --search`: which learning rate, rank, batch and number of epochs suit these
// rows, by successive halving (Jamieson and Talwalkar, "Non-stochastic best arm identification and
// hyperparameter optimization", 2016): many settings begin, the better third by validation loss
// goes on from its checkpoints, until one run is whole.
//
//   SearchSummary found = search_sft(fields, session, {.progress = &sink}, {.trials = 9});
//   adapter = (found.folder / "best").string()      // of the best trial
//
// The first trial has the settings as they are given; the others follow from the seed. All are
// judged on the same validation rows; rows to report on are never among them. Every trial is a run
// of its own below <folder>/trials: killed at any moment, the search goes on with `resume`, and a
// trial ends with the bits of a run that was never interrupted.
#pragma once

#include <functional>

#include "app/train.h"

namespace ondol::app {

struct SearchOptions {
  int64_t trials = 9;
};

struct SearchTrial {
  int64_t number = 0;
  TrainFields fields;  // as it ran
  int64_t steps = 0;   // done, of
  int64_t total_steps = 0;
  int64_t tokens = 0;
  double seconds = 0;          // in steps, of this call
  std::optional<double> loss;  // best validation loss so far; none: it failed
  int64_t best_step = 0;
  int rounds = 0;       // that it took part in
  std::string failure;  // what stopped it: "the loss of step 3 is not finite"
  std::filesystem::path adapter;
};

struct SearchSummary {
  std::filesystem::path folder;  // best/ is the best trial's adapter, best.toml its settings
  int rounds = 0;
  std::vector<SearchTrial> trials;   // best first: those that came further, then by loss
  std::optional<double> first_eval;  // validation loss before any step
};

struct SearchJob {
  bool resume = false;
  ProgressSink* progress = nullptr;
  std::function<void(const SearchTrial&, int round)> on_trial;  // each time one has run
};

// Throws Error(kInvalidArgument) when there are no validation rows or fewer than one trial, and
// what train_run throws. A trial whose loss stops being a number is out; the search goes on with
// the others, and throws Error(kCorruptData) when none is left.
SearchSummary search_sft(const TrainFields& fields, Session& session, const SearchJob& job,
                         const SearchOptions& options);

// The settings of trial `number`, which follow from fields and number alone. `rank_max`: no rank is
// above it.
TrainFields search_candidate(const TrainFields& fields, int64_t number, int64_t rank_max);

std::string search_text(const SearchSummary& summary);  // a table
std::string search_json(const SearchSummary& summary);
std::string search_html(const SearchSummary& summary);

}  // namespace ondol::app
