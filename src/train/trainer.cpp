#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"

namespace ondol::train {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

template <class T>
void expect_positive(const char* name, T value) {
  if (!(value > 0)) {
    invalid(std::string(name) + "; got " + std::to_string(value) + ", expected above 0");
  }
}

void check(const TrainConfig& config) {
  expect_positive("learning_rate", config.learning_rate);
  if (config.max_steps <= 0) expect_positive("num_train_epochs", config.num_train_epochs);
  expect_positive("per_device_train_batch_size", config.per_device_train_batch_size);
  expect_positive("gradient_accumulation_steps", config.gradient_accumulation_steps);
  expect_positive("max_length", config.max_length);
  if (!(config.max_grad_norm >= 0)) invalid("max_grad_norm below 0; 0 stands for no clipping");
}

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

template <class Count>
Count divide_up(Count a, Count b) {
  return (a + b - 1) / b;
}

}  // namespace

Trainer::Trainer(const Machine& machine, Objective& objective, const TrainConfig& config)
    : machine_(machine), objective_(objective), config_(config) {
  check(config);
  lengths_[0] = objective.lengths(Split::kTrain);
  lengths_[1] = objective.lengths(Split::kValidation);
  if (lengths_[0].empty()) invalid("no examples to train on; look at `ondol data check`");
  packs_ = make_packs(Split::kTrain, 0);
  const int64_t of_epoch = divide_up(static_cast<int64_t>(packs_->size()), packs_of_step());
  total_steps_ =
      config.max_steps > 0
          ? config.max_steps
          : std::max<int64_t>(1, static_cast<int64_t>(std::ceil(config.num_train_epochs *
                                                                static_cast<double>(of_epoch))));
  schedule_.emplace(config.schedule, total_steps_);
  optimizer_ = make_optimizer(config.optimizer, objective.parameters());
  for (const Parameter& parameter : objective.parameters()) {
    if (parameter.packed) transposed_.track(*parameter.packed, parameter.value.data());
  }
}

void Trainer::resume(const TrainState& state) {
  state_ = state;
  round_weights();
  objective_.changed({machine_.pool, machine_.kernels});
}

// Matrices of the model, and their transposed copies, take the values of their masters.
void Trainer::round_weights() {
  for (const Parameter& parameter : objective_.parameters()) {
    if (!parameter.packed) continue;
    const int64_t columns = parameter.packed->columns();
    parameter.packed->assign({parameter.value.data(), columns, 1}, machine_.pool);
  }
  transposed_.renew(machine_.pool);
}

Packs Trainer::make_packs(Split split, uint64_t epoch) const {
  PackOptions options{.tokens_max = config_.max_length,
                      .packing = config_.packing,
                      .shuffle = split == Split::kTrain,
                      .seed = config_.seed};
  if (!config_.packing) options.examples_max = 1;
  return Packs(lengths_[split == Split::kValidation], options, epoch);
}

// The packs of the next micro-batch, of one epoch only.
Trainer::Examples Trainer::next_batch() {
  if (packs_epoch_ != state_.epoch) {
    packs_ = make_packs(Split::kTrain, state_.epoch);
    packs_epoch_ = state_.epoch;
  }
  Examples examples;
  const auto wanted = static_cast<uint64_t>(config_.per_device_train_batch_size);
  const uint64_t end = std::min<uint64_t>(packs_->size(), state_.index + wanted);
  for (; state_.index < end; ++state_.index) {
    const std::span<const uint32_t> pack = packs_->pack(state_.index);
    examples.insert(examples.end(), pack.begin(), pack.end());
  }
  if (state_.index == packs_->size()) {
    ++state_.epoch;
    state_.index = 0;
  }
  return examples;
}

void Trainer::not_finite(const char* what, std::span<const Examples> batches) const {
  std::string rows;
  size_t count = 0;
  for (const Examples& batch : batches) {
    for (const uint32_t example : batch) {
      if (++count <= 5)
        rows += (rows.empty() ? "" : ", ") + objective_.where(Split::kTrain, example);
    }
  }
  if (count > 5) rows += " and " + std::to_string(count - 5) + " more";
  throw Error(ErrorCode::kCorruptData,
              std::string("[train] ") + what + " of step " + std::to_string(state_.step + 1) +
                  " is not finite; its rows: " + rows +
                  "; nothing was changed by this step; try a lower learning_rate, or look at the "
                  "rows");
}

// Matrices of the model are large: their memory is not taken from the system at every step.
void Trainer::clear_sums() {
  constexpr int64_t kGrain = 1 << 16;
  const std::span<const Parameter> parameters = objective_.parameters();
  sums_.resize(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].packed) continue;
    if (!sums_[i].defined()) {
      sums_[i] = Tensor::zeros(DType::kF32, parameters[i].value.shape());
      continue;
    }
    float* sum = sums_[i].data();
    machine_.pool.parallel_for(sums_[i].size(), kGrain, [sum](int64_t begin, int64_t end, int) {
      std::fill(sum + begin, sum + end, 0.0F);
    });
  }
}

// Micro-batches go round the processes.
bool Trainer::is_mine(size_t batch) const {
  return static_cast<int>(batch % static_cast<size_t>(processes().size())) == processes().rank();
}

// The loss of one micro-batch; its gradients are added to `sums`.
ops::LossSum Trainer::backward(const Examples& batch, size_t number, float scale,
                               std::vector<Tensor>& sums) {
  const std::span<Parameter> parameters = objective_.parameters();
  objective_.begin_batch(state_.step, static_cast<int64_t>(number));
  ops::Tape tape(&transposed_, recompute_);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    if (parameter.packed) {
      tape.watch(*parameter.packed, sums[i]);
    } else {
      tape.watch(parameter.value);
    }
  }
  ops::Context context{machine_.pool, machine_.kernels, machine_.precision};
  context.tape = &tape;
  const ops::LossSum sum = objective_.loss(
      context, Split::kTrain, batch,
      {.scale = scale, .label_smoothing = static_cast<float>(config_.label_smoothing_factor)});
  tape.backward();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].packed) continue;
    Tensor gradient = tape.gradient(parameters[i].value);
    if (!sums[i].defined()) {
      sums[i] = std::move(gradient);
    } else {
      ondol::add({machine_.pool, machine_.kernels}, gradient.data(), gradient.size(),
                 sums[i].data());
    }
  }
  return sum;
}

// Of the whole step, from the micro-batches of all processes.
std::vector<Tensor> Trainer::gradients(std::span<const Examples> batches, StepMetrics& metrics) {
  for (const Examples& batch : batches) {
    metrics.label_tokens += objective_.weight(Split::kTrain, batch);
    for (const uint32_t example : batch) metrics.tokens += lengths_[0][example];
  }
  clear_sums();
  std::vector<Tensor> sums = sums_;
  const auto scale = 1.0F / static_cast<float>(std::max<int64_t>(1, metrics.label_tokens));
  // One number of each batch from the process that has it: their sums do not depend on who did.
  std::vector<double> losses(2 * batches.size());
  for (size_t b = 0; b < batches.size(); ++b) {
    if (!is_mine(b)) continue;
    const ops::LossSum sum = backward(batches[b], b, scale, sums);
    losses[2 * b] = sum.loss;
    losses[2 * b + 1] = static_cast<double>(sum.correct);
  }
  for (size_t i = 0; i < sums.size(); ++i) {  // the last step of an epoch may leave none for us
    if (!sums[i].defined()) {
      sums[i] = Tensor::zeros(DType::kF32, objective_.parameters()[i].value.shape());
    }
  }
  sum_gradients(processes(), sums, std::min(processes().size(), static_cast<int>(batches.size())));
  processes().sum(losses);
  double loss = 0, correct = 0;
  for (size_t b = 0; b < batches.size(); ++b) {
    loss += losses[2 * b];
    correct += losses[2 * b + 1];
  }
  metrics.loss = loss * static_cast<double>(scale);
  metrics.accuracy = correct * static_cast<double>(scale);
  return sums;
}

StepMetrics Trainer::step() {
  const Clock clock;
  const TrainState before = state_;
  std::vector<Examples> batches;
  for (int64_t i = 0; i < config_.gradient_accumulation_steps * processes().size(); ++i) {
    batches.push_back(next_batch());
    if (state_.index == 0) break;  // the rest of an epoch is a smaller step
  }
  StepMetrics metrics;
  std::vector<Tensor> sums = gradients(batches, metrics);
  const KernelContext kernel{machine_.pool, machine_.kernels};
  const double limit = config_.max_grad_norm > 0 ? config_.max_grad_norm : HUGE_VAL;
  metrics.grad_norm = clip_gradients(kernel, sums, limit);
  if (!std::isfinite(metrics.loss) || !std::isfinite(metrics.grad_norm)) {
    state_ = before;
    not_finite(std::isfinite(metrics.loss) ? "the gradient" : "the loss", batches);
  }
  metrics.learning_rate = config_.learning_rate * schedule_->factor(state_.step);
  optimizer_->step(kernel, objective_.parameters(), sums, metrics.learning_rate);
  round_weights();
  objective_.changed(kernel);
  ++state_.step;
  state_.tokens += metrics.tokens;
  metrics.step = state_.step;
  metrics.epoch = static_cast<double>(state_.epoch) +
                  static_cast<double>(state_.index) / static_cast<double>(packs_->size());
  metrics.seconds = clock.seconds();
  return metrics;
}

std::optional<EvalMetrics> Trainer::evaluate() {
  if (lengths_[1].empty()) return std::nullopt;
  const Clock clock;
  const Packs packs = make_packs(Split::kValidation, 0);
  const ops::Context context{machine_.pool, machine_.kernels, machine_.precision};
  const auto together = static_cast<size_t>(config_.per_device_train_batch_size);
  std::vector<double> parts(3 * static_cast<size_t>(divide_up(packs.size(), together)));
  for (size_t b = 0; 3 * b < parts.size(); ++b) {
    if (!is_mine(b)) continue;
    Examples batch;  // as large as one of training: losses over a batch depend on its size
    for (size_t i = b * together; i < std::min(packs.size(), (b + 1) * together); ++i) {
      batch.insert(batch.end(), packs.pack(i).begin(), packs.pack(i).end());
    }
    const ops::LossSum part = objective_.loss(context, Split::kValidation, batch, {});
    parts[3 * b] = part.loss;
    parts[3 * b + 1] = static_cast<double>(part.tokens);
    parts[3 * b + 2] = static_cast<double>(part.correct);
  }
  processes().sum(parts);
  double loss = 0, tokens = 0, correct = 0;
  for (size_t at = 0; at < parts.size(); at += 3) {
    loss += parts[at];
    tokens += parts[at + 1];
    correct += parts[at + 2];
  }
  const double count = std::max(1.0, tokens);
  return EvalMetrics{loss / count, correct / count, static_cast<int64_t>(tokens), clock.seconds()};
}

}  // namespace ondol::train
