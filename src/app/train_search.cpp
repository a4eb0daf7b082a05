#include "app/train_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "app/train_config.h"
#include "base/error.h"
#include "base/files.h"
#include "base/rng.h"

namespace ondol::app {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kReduction = 3;  // one of so many goes on
constexpr double kRateSpan = 5;    // learning rates from a fifth of the given one to five times it

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[search] " + what);
}

double two_digits(double value) {
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return std::round(value / unit) * unit;
}

template <class T, size_t N>
T one_of(Rng& rng, const T (&choices)[N]) {
  return choices[rng.below(N)];
}

// Says which trial is at work; a sentence that all trials say is told once.
class TrialProgress final : public ProgressSink {
 public:
  explicit TrialProgress(ProgressSink& outer) : outer_(outer) {}
  void name(std::string text) { name_ = std::move(text); }
  void update(std::string_view stage, uint64_t done, uint64_t total) override {
    outer_.update(name_ + std::string(stage), done, total);
  }
  void notice(std::string_view sentence) override {
    if (told_.insert(std::string(sentence)).second) outer_.notice(sentence);
  }

 private:
  ProgressSink& outer_;
  std::string name_;
  std::set<std::string> told_;
};

// Better first: further, then with less loss, then the earlier number.
bool better(const SearchTrial& a, const SearchTrial& b) {
  if (a.rounds != b.rounds) return a.rounds > b.rounds;
  if (a.loss.has_value() != b.loss.has_value()) return a.loss.has_value();
  if (a.loss && *a.loss != *b.loss) return *a.loss < *b.loss;
  return a.number < b.number;
}

class Search {
 public:
  Search(const TrainFields& fields, Session& session, const SearchJob& job,
         const SearchOptions& options)
      : session_(session), job_(job), progress_(job.progress ? *job.progress : silent_) {
    if (options.trials < 1)
      invalid("--search-trials; got " + std::to_string(options.trials) + ", expected 1 or more");
    if (fields.output_dir.empty()) invalid("no folder for the search; name one with --output-dir");
    if (fields.validation_dataset.empty() && !(fields.validation_split > 0)) {
      invalid("no validation rows to choose by; try --validation-split 0.1");
    }
    summary_.folder = fields.output_dir;
    const int64_t rank_max = rank_limit(fields);
    for (int64_t i = 0; i < options.trials; ++i) {
      SearchTrial trial;
      trial.number = i;
      trial.fields = search_candidate(fields, i, rank_max);
      trial.fields.output_dir = (summary_.folder / "trials" / fmt::format("{:02}", i)).string();
      summary_.trials.push_back(std::move(trial));
    }
    for (int64_t n = options.trials; n >= kReduction; n /= kReduction) ++summary_.rounds;
    ++summary_.rounds;
  }

  SearchSummary run() {
    for (int round = 0; round < summary_.rounds; ++round) {
      const double share = std::pow(kReduction, round - summary_.rounds + 1);
      for (SearchTrial& trial : summary_.trials) {
        if (trial.rounds == round && trial.failure.empty()) run_trial(trial, round, share);
      }
      std::ranges::stable_sort(summary_.trials, better);
      const auto keep = static_cast<size_t>(divide_up(running(round), kReduction));
      for (size_t i = 0; i < summary_.trials.size(); ++i) {
        SearchTrial& trial = summary_.trials[i];
        const bool last = round + 1 == summary_.rounds;
        if (!last && i < keep && trial.rounds == round + 1 && trial.loss) continue;
        out_.insert(trial.number);
      }
      write();
    }
    if (!summary_.trials.front().loss) {
      throw Error(ErrorCode::kCorruptData, "[search] no trial could be trained; the first one: " +
                                               summary_.trials.front().failure);
    }
    name_best();
    return std::move(summary_);
  }

 private:
  static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

  // The smallest side of the model's linears.
  int64_t rank_limit(const TrainFields& fields) {
    int64_t limit = INT64_MAX;
    for (const LinearSlot& linear : session_.model(fields.model)->linears) {
      limit = std::min({limit, linear.rows, linear.columns});
    }
    return std::max(limit, fields.lora_r);
  }

  int64_t running(int round) const {
    return std::ranges::count_if(summary_.trials,
                                 [&](const SearchTrial& t) { return t.rounds == round + 1; });
  }

  void run_trial(SearchTrial& trial, int round, double share) {
    if (out_.contains(trial.number)) return;
    progress_.name(fmt::format("trial {} of {}, round {} of {}: ", trial.number + 1,
                               summary_.trials.size(), round + 1, summary_.rounds));
    TrainJob job{.resume = job_.resume || round > 0, .share = share, .progress = &progress_};
    try {
      take(train_run("sft", trial.fields, session_, job), trial);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorruptData) throw;
      trial.failure = error.what();
    }
    trial.rounds = round + 1;
    if (job_.on_trial) job_.on_trial(trial, round);
  }

  void take(const TrainSummary& done, SearchTrial& trial) {
    trial.steps = done.steps;
    trial.total_steps = done.total_steps;
    trial.tokens = done.tokens;
    trial.seconds += done.seconds;
    trial.loss = done.best_eval;
    trial.best_step = done.best_step;
    trial.adapter = done.adapter;
    if (!summary_.first_eval) summary_.first_eval = done.first_eval;
    if (!trial.loss) trial.failure = "no validation loss";
  }

  void write() const {
    write_file_atomic(summary_.folder / "search.json", search_json(summary_) + "\n");
    write_file_atomic(summary_.folder / "report.html", search_html(summary_));
  }

  // <folder>/best becomes the adapter of the best trial, in one step.
  void name_best() const {
    const SearchTrial& best = summary_.trials.front();
    TrainFields settings = best.fields;
    settings.output_dir.clear();
    write_file_atomic(summary_.folder / "best.toml", train_toml(settings));
    const fs::path fresh = summary_.folder / ".best.new";
    std::error_code failed;
    fs::remove(fresh, failed);
    fs::create_directory_symlink(fs::path("trials") / fmt::format("{:02}", best.number) / "best",
                                 fresh, failed);
    if (!failed) fs::rename(fresh, summary_.folder / "best", failed);
    if (failed) {
      throw Error(ErrorCode::kResourceExhausted, "[search] cannot write '" +
                                                     (summary_.folder / "best").string() +
                                                     "': " + failed.message());
    }
  }

  Session& session_;
  const SearchJob& job_;
  SilentProgress silent_;
  TrialProgress progress_;
  SearchSummary summary_;
  std::set<int64_t> out_;  // numbers of trials that do not go on
};

}  // namespace

TrainFields search_candidate(const TrainFields& fields, int64_t number, int64_t rank_max) {
  TrainFields f = fields;
  if (number == 0) return f;
  constexpr uint64_t kStream = 0x736561726368;  // no other use of the seed draws from it
  Rng rng(static_cast<uint64_t>(fields.seed), kStream + (static_cast<uint64_t>(number) << 8));
  const double exponent = 2 * rng.uniform() - 1;
  f.learning_rate = two_digits(fields.learning_rate * std::pow(kRateSpan, exponent));
  const double rank = static_cast<double>(fields.lora_r) * one_of(rng, {0.25, 0.5, 1.0, 2.0, 4.0});
  f.lora_r = std::clamp<int64_t>(std::llround(rank), 1, rank_max);
  // The scale stays: rates of different ranks are then alike.
  const double ranks = static_cast<double>(f.lora_r) / static_cast<double>(fields.lora_r);
  f.lora_alpha = fields.lora_alpha * (fields.use_rslora ? std::sqrt(ranks) : ranks);
  f.gradient_accumulation_steps =
      fields.gradient_accumulation_steps * one_of(rng, {int64_t{1}, int64_t{2}, int64_t{4}});
  const double length = one_of(rng, {0.5, 1.0, 2.0});
  f.num_train_epochs = fields.num_train_epochs * length;
  if (fields.max_steps > 0) {
    const double steps = static_cast<double>(fields.max_steps) * length;
    f.max_steps = std::max<int64_t>(1, std::llround(steps));
  }
  return f;
}

SearchSummary search_sft(const TrainFields& fields, Session& session, const SearchJob& job,
                         const SearchOptions& options) {
  return Search(fields, session, job, options).run();
}

}  // namespace ondol::app
