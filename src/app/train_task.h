// What a method of `ondol train` learns from rows: the loop, checkpoints and resuming (train.cpp)
// are the same for all. A new method is a task and a row of the table in train_task.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/train_target.h"
#include "base/progress.h"
#include "train/dataset.h"
#include "train/mixture.h"
#include "train/trainer.h"

namespace ondol::app {

struct TaskRows {
  train::Dataset learn;
  train::Dataset validation;             // no rows: none was given, or too few to split
  std::vector<train::HeldOut> held_out;  // tasks of a mixture that are only measured
};

class TrainTask {
 public:
  virtual ~TrainTask() = default;
  // Throws Error(kInvalidArgument) when the method is not for this model.
  virtual void check(const Model& model) const = 0;
  // Rows of texts that become blocks: the validation part is split from the blocks when the rows
  // are few.
  virtual bool is_of_blocks() const { return false; }
  // Rows may be a mixture of instructions.
  virtual bool takes_mixtures() const { return false; }
  // May be called once. What it returns must not outlive `target` and this.
  virtual std::unique_ptr<train::Objective> objective(TrainTarget& target, TaskRows rows,
                                                      ThreadPool& pool, ProgressSink& progress) = 0;
  // What it has beside the weights of the target: heads, labels.
  virtual void save(train::Checkpoint& /*checkpoint*/) const {}
  virtual void restore(const std::filesystem::path& /*folder*/, ThreadPool& /*pool*/) {}
  // Further numbers of a validation, by name; asked for also when there are no validation rows.
  virtual std::vector<std::pair<std::string, double>> measures(const ops::Context& /*context*/) {
    return {};
  }
};

struct TrainMethod {
  std::string_view name;
  std::string_view summary;
  void (*defaults)(TrainFields& fields);  // what it takes where nothing is said
  void (*settle)(TrainFields& fields);    // what it takes whatever is said; may throw
  std::unique_ptr<TrainTarget> (*target)(const TrainFields&, Session&, ThreadPool&);
  std::unique_ptr<TrainTask> (*task)(const TrainFields&);
  std::string_view use;  // the command that takes a whole model of it, before its folder
};

std::span<const TrainMethod> train_methods();
// Throws Error(kInvalidArgument) with the names there are.
const TrainMethod& train_method(std::string_view name);

// The tasks. `fields` outlives them.
std::unique_ptr<TrainTask> make_text_task(const TrainFields& fields);     // learns answers
std::unique_ptr<TrainTask> make_block_task(const TrainFields& fields);    // every token of texts
std::unique_ptr<TrainTask> make_seq2seq_task(const TrainFields& fields);  // targets of sources
std::unique_ptr<TrainTask> make_masked_task(const TrainFields& fields);   // hidden tokens
std::unique_ptr<TrainTask> make_label_task(const TrainFields& fields);    // labels of texts
std::unique_ptr<TrainTask> make_pair_task(const TrainFields& fields);     // pairs of texts

// Moves the last `share` of the examples, at least one, into the result.
train::SftData last_examples(train::SftData& data, double share);

}  // namespace ondol::app
