#include "app/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/process_stats.h"
#include "app/processes.h"
#include "app/train_config.h"
#include "app/train_data.h"
#include "app/train_report.h"
#include "app/train_settings.h"
#include "app/train_task.h"
#include "app/version.h"
#include "base/error.h"
#include "base/sha256.h"

namespace ondol::app {
namespace {

using train::LogEntry;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

// One run from its data to its folder.
class Run {
 public:
  Run(const TrainMethod& method, const TrainFields& fields, Session& session, const TrainJob& job)
      : fields_(fields),
        session_(session),
        job_(job),
        progress_(job.progress ? *job.progress : silent_),
        processes_(job.processes ? *job.processes : alone_),
        target_(method.target(fields, session, pool_)),
        task_(method.task(fields)),
        use_(method.use) {
    if (processes_.rank() == 0) folder_.emplace(fields.output_dir);
    task_->check(target_->model());
  }

  TrainSummary run() {
    load_data();
    const ThreadPool::Burst burst(pool_);
    trainer_.emplace(
        train::Trainer::Machine{pool_, best_kernels(), session_.options().precision, &processes_},
        *objective_, loop_config(fields_));
    plan();
    const bool resumed = job_.resume && resume();
    if (folder_ && !job_.resume && folder_->newest()) {
      invalid(fields_.output_dir + " holds a run already; try --resume, or another --output-dir");
    }
    if (folder_) folder_->write_text("config.toml", train_toml(fields_));
    if (folder_) folder_->start(trainer_->state().step);
    if (!resumed) first_evaluation();
    loop();
    return finish();
  }

 private:
  int64_t every(int64_t wanted) const {
    if (wanted > 0) return wanted;
    return std::max<int64_t>(1, trainer_->total_steps() / 10);
  }

  void load_data() {
    TrainData data = read_train_data(fields_, *task_);
    if (!data.words.empty()) say(data.words);
    for (const train::HeldOut& task : data.rows.held_out) held_out_.push_back(task.name);
    objective_ = task_->objective(*target_, std::move(data.rows), pool_, progress_);
    say(fmt::format("{} examples to learn, {} to measure with",
                    objective_->lengths(train::Split::kTrain).size(),
                    objective_->lengths(train::Split::kValidation).size()));
    train::RunEnvironment environment{.version = kVersion,
                                      .isa = std::string(kernel_isa(best_kernels())),
                                      .threads = pool_.size(),
                                      .processes = processes_.size(),
                                      .cpu_features = cpu_features(),
                                      .model = fields_.model,
                                      .model_sha256 = target_->model().hash};
    for (const std::filesystem::path& file : data.files) {
      environment.data.emplace_back(file.string(), sha256_file(file));
    }
    if (folder_) folder_->write_environment(environment);
    const int how = 2 * static_cast<int>(session_.options().precision) + (job_.resume ? 1 : 0);
    expect_same_run(processes_, environment, *objective_,
                    fmt::format("{} ", how) + train_toml(fields_));
  }

  train::MemoryPlan plan_at(ops::Recompute level) {
    return target_->plan({.tokens = fields_.max_length * fields_.per_device_train_batch_size,
                          .optimizer_bytes = trainer_->optimizer().bytes(),
                          .precision = session_.options().precision,
                          .recompute = level});
  }

  void plan() {
    const int64_t available = job_.memory_bytes > 0
                                  ? job_.memory_bytes
                                  : available_memory_bytes() / processes_.on_this_machine();
    const train::MemoryPlan plan =
        plan_that_fits(fields_, available, [&](ops::Recompute level) { return plan_at(level); });
    say("memory: " + plan.text());
    trainer_->recompute(plan.recompute);
  }

  // The first process reads; the others, which may not see the folder, get what it read.
  bool resume() {
    train::TrainState state;
    bool found = folder_ && restore(state);
    train::broadcast_value(processes_, found);
    if (!found) return false;
    share_values(processes_, objective_->parameters(), trainer_->optimizer());
    share_place(processes_, state, waited_, saved_);
    trainer_->resume(state);
    stop_ = fields_.early_stopping_patience > 0 && waited_ >= fields_.early_stopping_patience;
    progress_.notice(fmt::format("continuing after step {}", state.step));
    return true;
  }

  // The newest complete checkpoint, to the bit.
  bool restore(train::TrainState& state) {
    std::vector<std::string> torn;
    const auto found = folder_->newest(&torn);
    for (const std::string& sentence : torn) progress_.notice(sentence);
    if (!found) return false;
    const train::Checkpoint checkpoint = train::load_checkpoint(found->folder);
    target_->restore(found->folder, checkpoint);
    task_->restore(found->folder, pool_);
    trainer_->optimizer().restore(checkpoint.optimizer);
    state.step = checkpoint.state.global_step;
    state.tokens = checkpoint.state.num_input_tokens_seen;
    const auto place = checkpoint.texts.find("place.txt");
    int64_t packs = trainer_->packs_of_step();
    if (place == checkpoint.texts.end() ||
        std::sscanf(place->second.c_str(), "epoch %lu index %lu waited %ld packs %ld", &state.epoch,
                    &state.index, &waited_, &packs) < 3) {
      throw Error(ErrorCode::kCorruptData,
                  "[train] " + found->folder.string() + ": place.txt does not say where it was");
    }
    if (packs != trainer_->packs_of_step()) {
      invalid(
          fmt::format("the run has {} packs a step; got {}; per_device_train_batch_size x "
                      "gradient_accumulation_steps x processes is to stay the same",
                      packs, trainer_->packs_of_step()));
    }
    saved_ = checkpoint.state;
    return true;
  }

  // What the model does untrained: to compare with, it cannot be the best checkpoint.
  void first_evaluation() { log_evaluation(trainer_->evaluate()); }

  void log(LogEntry entry) {
    saved_.log_history.push_back(entry);
    if (!folder_) return;
    folder_->log(entry);
    if (job_.on_metrics) job_.on_metrics(entry);
  }

  // Tasks that are only measured are, also where nothing else is.
  void log_evaluation(const std::optional<train::EvalMetrics>& eval) {
    LogEntry entry{trainer_->state().step, epoch_, {}};
    if (eval) {
      entry.values = {{"eval_loss", eval->loss},
                      {"eval_accuracy", eval->accuracy},
                      {"eval_runtime", eval->seconds}};
    }
    if (folder_) {
      const ops::Context context{pool_, best_kernels(), session_.options().precision};
      for (auto& measure : task_->measures(context)) entry.values.push_back(std::move(measure));
    }
    if (!entry.values.empty()) log(std::move(entry));
  }

  // True when this validation is the best so far: its checkpoint has to be kept.
  bool validate() {
    const auto eval = trainer_->evaluate();
    log_evaluation(eval);
    if (!eval) return false;
    const bool best =
        std::isfinite(eval->loss) && (!saved_.best_metric || eval->loss < *saved_.best_metric);
    waited_ = best ? 0 : waited_ + 1;
    if (best) {
      saved_.best_metric = eval->loss;
      saved_.best_global_step = trainer_->state().step;
    }
    return best;
  }

  // The step after which this call ends: of a search that goes on later, before the last.
  int64_t pause_step() const {
    const auto steps = static_cast<double>(trainer_->total_steps());
    return std::clamp<int64_t>(std::llround(std::ceil(steps * job_.share)), 1,
                               trainer_->total_steps());
  }

  void loop() {
    const int64_t eval_every = every(fields_.eval_steps);
    const int64_t save_every = fields_.save_steps > 0 ? fields_.save_steps : eval_every;
    const int64_t pause = pause_step();
    while (trainer_->state().step < pause && !stop_) {
      const train::StepMetrics m = trainer_->step();
      epoch_ = m.epoch;
      gather(m);
      const bool last = m.step == pause;
      if (m.step % std::max<int64_t>(1, fields_.logging_steps) == 0 || last) log_steps(m);
      bool best = false;
      if (m.step % eval_every == 0 || last) {
        best = validate();
        const int64_t patience = fields_.early_stopping_patience;
        stop_ = patience > 0 && waited_ >= patience;
      }
      if (m.step % save_every == 0 || last || stop_ || best) save();
      report_progress(m.step);
    }
  }

  // Ctrl-C arrives here, at any process: what was learned is saved before the run ends.
  void report_progress(int64_t step) {
    std::optional<std::string> stopped;
    try {
      progress_.update("train", static_cast<uint64_t>(step),
                       static_cast<uint64_t>(trainer_->total_steps()));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCancelled) throw;
      stopped = error.what();
    }
    if (!train::any_of(processes_, stopped.has_value())) return;
    if (saved_.global_step != step) save();
    processes_.finish();
    throw Error(ErrorCode::kCancelled, stopped.value_or("[train] stopped"));
  }

  void gather(const train::StepMetrics& m) {
    sums_.loss += m.loss * static_cast<double>(m.label_tokens);
    sums_.accuracy += m.accuracy * static_cast<double>(m.label_tokens);
    sums_.label_tokens += m.label_tokens;
    sums_.tokens += m.tokens;
    sums_.seconds += m.seconds;
    seconds_ += m.seconds;
  }

  void log_steps(const train::StepMetrics& m) {
    const auto labels = static_cast<double>(std::max<int64_t>(1, sums_.label_tokens));
    train_loss_ = sums_.loss / labels;
    log({m.step,
         m.epoch,
         {{"loss", train_loss_},
          {"mean_token_accuracy", sums_.accuracy / labels},
          {"grad_norm", m.grad_norm},
          {"learning_rate", m.learning_rate},
          {"num_tokens", static_cast<double>(trainer_->state().tokens)},
          {"tokens_per_second", static_cast<double>(sums_.tokens) / sums_.seconds},
          {"memory_mib", static_cast<double>(process_peak_rss_bytes()) / (1 << 20)}}});
    sums_ = {};
  }

  void save() {
    const train::TrainState& state = trainer_->state();
    saved_.global_step = state.step;
    saved_.epoch = epoch_;
    saved_.max_steps = trainer_->total_steps();
    saved_.num_train_epochs = fields_.num_train_epochs;
    saved_.logging_steps = fields_.logging_steps;
    saved_.eval_steps = every(fields_.eval_steps);
    saved_.save_steps = fields_.save_steps;
    saved_.train_batch_size = fields_.per_device_train_batch_size;
    saved_.num_input_tokens_seen = state.tokens;
    expect_same_parameters(processes_, objective_->parameters());
    if (!folder_) return;
    train::Checkpoint checkpoint;
    checkpoint.state = saved_;
    target_->save(checkpoint);
    task_->save(checkpoint);
    checkpoint.optimizer = trainer_->optimizer().state();
    checkpoint.texts["place.txt"] =
        fmt::format("epoch {} index {} waited {} packs {}\n", state.epoch, state.index, waited_,
                    trainer_->packs_of_step());
    folder_->save(checkpoint, {.keep = fields_.save_total_limit});
  }

  // Without a chat template a decoder goes on with the text as it is.
  std::string use_of(const Model& model) const {
    const bool plain = model.decoder && model.chat_template.empty();
    return plain ? "ondol run --raw -m" : use_;
  }

  TrainSummary finish() {
    TrainSummary summary;
    summary.folder = fields_.output_dir;
    summary.is_model = target_->is_whole_model();
    summary.use = use_of(target_->model());
    summary.adapter =
        summary.folder /
        (saved_.best_global_step ? "best" : fmt::format("checkpoint-{}", saved_.global_step));
    summary.steps = trainer_->state().step;
    summary.total_steps = trainer_->total_steps();
    summary.tokens = trainer_->state().tokens;
    summary.seconds = seconds_;
    summary.train_loss = train_loss_;
    summary.stopped_early = stop_;
    if (saved_.best_metric) {
      summary.best_eval = saved_.best_metric;
      summary.best_step = saved_.best_global_step.value_or(0);
    }
    for (const LogEntry& entry : saved_.log_history) {
      for (const auto& [name, value] : entry.values) {
        if (name == "eval_loss" && !summary.first_eval) summary.first_eval = value;
      }
    }
    summary.held_out = held_out_changes(held_out_, saved_.log_history, summary.best_step);
    summary.diagnosis = diagnose(saved_.log_history);
    if (folder_) {
      folder_->write_text("report.html", train_report_html(fields_, summary, saved_.log_history));
    }
    processes_.finish();
    return summary;
  }

  void say(const std::string& words) const {
    if (job_.on_words) job_.on_words(words);
  }

  const TrainFields& fields_;
  Session& session_;
  const TrainJob& job_;
  SilentProgress silent_;
  ProgressSink& progress_;
  train::OneProcess alone_;
  train::Communicator& processes_;
  ThreadPool pool_{session_.options().threads};
  std::unique_ptr<TrainTarget> target_;
  std::unique_ptr<TrainTask> task_;
  std::string use_;
  std::optional<train::RunFolder> folder_;  // of the first process
  std::unique_ptr<train::Objective> objective_;
  std::optional<train::Trainer> trainer_;
  std::vector<std::string> held_out_;  // names of tasks that are only measured
  train::TrainerState saved_;
  train::StepMetrics sums_;  // since the last logged line
  double epoch_ = 0;
  double seconds_ = 0;
  double train_loss_ = 0;
  int64_t waited_ = 0;  // validations without a gain
  bool stop_ = false;
};

}  // namespace

TrainFields default_train_fields(std::string_view method) {
  TrainFields fields;
  train_method(method).defaults(fields);
  return fields;
}

TrainSummary train_run(std::string_view name, const TrainFields& fields, Session& session,
                       const TrainJob& job) {
  if (fields.output_dir.empty()) invalid("no folder for the run; name one with --output-dir");
  const TrainMethod& method = train_method(name);
  TrainFields settled = fields;
  method.settle(settled);
  return Run(method, settled, session, job).run();
}

}  // namespace ondol::app
