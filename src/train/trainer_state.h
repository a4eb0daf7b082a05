// What a run has come to: transformers' trainer_state.json, so that tools which plot its
// log_history read ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ondol::train {

// One logged step: "loss", "learning_rate", "grad_norm", "eval_loss", ... in the order given.
struct LogEntry {
  int64_t step = 0;
  double epoch = 0;
  std::vector<std::pair<std::string, double>> values;
};

// One JSON object in one line, without its end: {"epoch":..,"step":..,"loss":..}. A number that is
// not finite is null.
std::string to_json(const LogEntry& entry);
// Null becomes NaN, what is neither a number nor null is left out. Throws Error(kCorruptData).
LogEntry parse_log_entry(std::string_view json);

struct TrainerState {
  int64_t global_step = 0;
  double epoch = 0;
  int64_t max_steps = 0;
  double num_train_epochs = 0;
  int64_t logging_steps = 0;
  int64_t eval_steps = 0;
  int64_t save_steps = 0;
  int64_t train_batch_size = 0;
  int64_t num_input_tokens_seen = 0;
  double total_flos = 0;
  std::optional<double> best_metric;
  std::optional<int64_t> best_global_step;
  std::vector<LogEntry> log_history;
};

// `folder` stands before "checkpoint-<best_global_step>" in best_model_checkpoint.
std::string to_json(const TrainerState& state, const std::string& folder = "");
// Fields we do not know are ignored. Throws Error(kCorruptData) naming `where`.
TrainerState parse_trainer_state(std::string_view json, const std::string& where);

}  // namespace ondol::train
