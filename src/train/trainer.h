// The loop, once for every method: batches in a seeded order, gradients added up over
// micro-batches, clipping, the optimizer, validation. What is learned is an Objective; what is
// written where is the run's (run.h).
//
//   Trainer trainer({pool, best_kernels()}, objective, config);
//   while (!trainer.done()) {
//     const StepMetrics m = trainer.step();
//     if (m.step % config.eval_steps == 0) trainer.evaluate();
//   }
//
// The loss of a step is the sum over all its micro-batches divided by the label tokens of all of
// them, never a mean of means. Several processes (Machine::processes) take the micro-batches of a
// step in turn, as one process with so many times the gradient_accumulation_steps. The state of a
// run is (step, epoch, index) beside the parameters and the optimizer's tensors: continuing from it
// gives the bits of a run that was never stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/loss.h"
#include "ops/tape.h"
#include "train/communicator.h"
#include "train/optimizer.h"
#include "train/packing.h"
#include "train/parameter.h"
#include "train/schedule.h"

namespace ondol::train {

enum class Split : uint8_t { kTrain, kValidation };

// A method: what an example is, which loss it has, what may change.
class Objective {
 public:
  virtual ~Objective() = default;
  virtual std::span<Parameter> parameters() = 0;
  // Tokens of every example, what packs are made of.
  virtual std::vector<int64_t> lengths(Split split) const = 0;
  // What the loss of these examples is divided by (label tokens).
  virtual int64_t weight(Split split, std::span<const uint32_t> examples) const = 0;
  // One micro-batch. Records on the context's tape, if it has one.
  virtual ops::LossSum loss(const ops::Context& context, Split split,
                            std::span<const uint32_t> examples,
                            const ops::LossOptions& options) = 0;
  // Which micro-batch the next call of loss() is: what is drawn by chance follows from it.
  virtual void begin_batch(int64_t /*step*/, int64_t /*micro_batch*/) {}
  // The parameters have other values than before: a step was made, or a checkpoint restored.
  virtual void changed(const KernelContext& /*kernel*/) {}
  // Where an example comes from: "train.jsonl:17".
  virtual std::string where(Split split, uint32_t example) const = 0;
};

// Field names are those of transformers and TRL. All of it decides results.
struct TrainConfig {
  double learning_rate = 2e-4;
  double num_train_epochs = 1;
  int64_t max_steps = -1;                   // above 0: in place of num_train_epochs
  int64_t per_device_train_batch_size = 1;  // packs (examples without packing) of a micro-batch
  int64_t gradient_accumulation_steps = 1;
  int64_t max_length = 1024;  // tokens of an example, and of a pack
  bool packing = true;
  double max_grad_norm = 1.0;
  double label_smoothing_factor = 0;
  uint64_t seed = 42;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
};

struct TrainState {
  int64_t step = 0;    // optimizer steps done
  uint64_t epoch = 0;  // of the next micro-batch
  uint64_t index = 0;  // of its first pack in the epoch
  int64_t tokens = 0;  // read so far
};

struct StepMetrics {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;      // mean over label tokens
  double accuracy = 0;  // share of label tokens whose target was the likeliest
  double grad_norm = 0;
  double learning_rate = 0;
  int64_t tokens = 0;
  int64_t label_tokens = 0;
  double seconds = 0;
};

struct EvalMetrics {
  double loss = 0;
  double accuracy = 0;
  int64_t label_tokens = 0;
  double seconds = 0;
};

class Trainer {
 public:
  struct Machine {
    ThreadPool& pool;
    const KernelTable& kernels;
    Precision precision = Precision::kFast;
    Communicator* processes = nullptr;  // null: one process, alone
  };
  // Throws Error(kInvalidArgument) for a configuration without a meaning or no examples.
  Trainer(const Machine& machine, Objective& objective, const TrainConfig& config);

  bool done() const { return state_.step >= total_steps_; }
  int64_t total_steps() const { return total_steps_; }
  // Packs of an optimizer step, of all processes together.
  int64_t packs_of_step() const {
    return config_.per_device_train_batch_size * config_.gradient_accumulation_steps *
           processes().size();
  }
  // One optimizer step; its metrics are those of all processes. Throws Error(kCorruptData) when
  // loss or gradient is not finite, naming the rows; nothing is changed then.
  StepMetrics step();
  // The loss of the validation split; nullopt: it has no examples.
  std::optional<EvalMetrics> evaluate();

  // What steps compute again instead of keeping (TRL's gradient_checkpointing); changes no bit.
  void recompute(ops::Recompute level) { recompute_ = level; }

  const TrainState& state() const { return state_; }
  Optimizer& optimizer() { return *optimizer_; }
  // Continues: the caller has restored parameters and optimizer.
  void resume(const TrainState& state);

 private:
  using Examples = std::vector<uint32_t>;
  Packs make_packs(Split split, uint64_t epoch) const;
  Examples next_batch();
  Communicator& processes() const { return machine_.processes ? *machine_.processes : *alone_; }
  bool is_mine(size_t batch) const;
  std::vector<Tensor> gradients(std::span<const Examples> batches, StepMetrics& metrics);
  ops::LossSum backward(const Examples& batch, size_t number, float scale,
                        std::vector<Tensor>& sums);
  void round_weights();
  void clear_sums();
  [[noreturn]] void not_finite(const char* what, std::span<const Examples> batches) const;

  Machine machine_;
  std::unique_ptr<Communicator> alone_ = std::make_unique<OneProcess>();
  Objective& objective_;
  TrainConfig config_;
  std::vector<int64_t> lengths_[2];
  std::optional<Packs> packs_;
  uint64_t packs_epoch_ = 0;
  int64_t total_steps_ = 0;
  std::optional<Schedule> schedule_;
  std::unique_ptr<Optimizer> optimizer_;
  ops::TransposedWeights transposed_;
  ops::Recompute recompute_ = ops::Recompute::kOff;
  std::vector<Tensor> sums_;  // gradients of matrices of the model, by parameter; kept over steps
  TrainState state_;
};

}  // namespace ondol::train
