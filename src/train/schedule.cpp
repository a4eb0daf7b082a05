#include "train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"

namespace ondol::train {
namespace {

using Steps = Schedule::Steps;

double half_cosine(double progress) { return (1 + std::cos(std::numbers::pi * progress)) / 2; }
double straight(double progress) { return 1 - progress; }
double one_minus_root(double progress) { return 1 - std::sqrt(progress); }

double between(double least, double share) { return least + (1 - least) * share; }

double progress(double step, const Steps& s) {
  return std::min(1.0, (step - s.warmup) / std::max(1.0, s.total - s.warmup));
}

double constant(double, const Steps&) { return 1; }
double linear(double step, const Steps& s) { return straight(progress(step, s)); }
double cosine(double step, const Steps& s) { return half_cosine(progress(step, s)); }
double cosine_with_least(double step, const Steps& s) {
  return between(s.least, half_cosine(progress(step, s)));
}
// Continues the warm-up's last value as 1 / sqrt(step); without a warm-up ten thousand steps pass
// as one.
double inverse_sqrt(double step, const Steps& s) {
  const double scale = s.warmup > 0 ? s.warmup : 10'000;
  return 1 / std::sqrt((step - s.warmup + scale) / scale);
}
double stable_then_decay(double step, const Steps& s) {
  const double into = step - (s.total - s.decay);
  if (into < 0) return 1;
  return into >= s.decay ? s.least : between(s.least, s.end(into / std::max(1.0, s.decay)));
}

constexpr std::array kRows = {
    Schedule::Row{"constant", "one rate throughout", false, &constant},
    Schedule::Row{"constant_with_warmup", "one rate after the warm-up", true, &constant},
    Schedule::Row{"linear", "a straight line to 0", true, &linear},
    Schedule::Row{"cosine", "half a cosine to 0", true, &cosine},
    Schedule::Row{"cosine_with_min_lr", "half a cosine to min_lr_rate", true, &cosine_with_least},
    Schedule::Row{"inverse_sqrt", "1 / sqrt(step)", true, &inverse_sqrt},
    Schedule::Row{"warmup_stable_decay", "constant, then down in the last num_decay_steps", true,
                  &stable_then_decay},
    Schedule::Row{"wsd", "another name of warmup_stable_decay", true, &stable_then_decay},
};

constexpr std::array<std::pair<std::string_view, double (*)(double)>, 3> kEnds = {
    {{"linear", &straight}, {"cosine", &half_cosine}, {"1-sqrt", &one_minus_root}}};

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[schedule] " + what);
}

[[noreturn]] void refuse_name(std::string_view kind, std::string_view name,
                              const std::vector<std::string_view>& known) {
  refuse(fmt::format("no {} '{}'; did you mean '{}'?", kind, name, nearest_of(name, known)));
}

const Schedule::Row& row_of(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Schedule::Row& row : kRows) {
    if (row.name == name) return row;
    known.push_back(row.name);
  }
  refuse_name("lr_scheduler_type", name, known);
}

double (*end_of(std::string_view name))(double) {
  std::vector<std::string_view> known;
  for (const auto& [end, shape] : kEnds) {
    if (end == name) return shape;
    known.push_back(end);
  }
  refuse_name("decay_type", name, known);
}

double count_of(const char* name, double steps, int64_t total) {
  if (!(steps >= 0) || !std::isfinite(steps)) {
    refuse(fmt::format("{} is {}, expected a number of steps or a share below 1", name, steps));
  }
  return steps < 1 ? std::ceil(steps * static_cast<double>(total)) : std::floor(steps);
}

}  // namespace

std::span<const Schedule::Row> Schedule::rows() { return kRows; }

Schedule::Schedule(const ScheduleConfig& config, int64_t total_steps)
    : row_(&row_of(config.lr_scheduler_type)) {
  if (total_steps < 0) refuse(fmt::format("the number of steps is {}", total_steps));
  if (!(config.min_lr_rate >= 0 && config.min_lr_rate <= 1)) {
    refuse(fmt::format("min_lr_rate is {}, expected a share of the learning rate between 0 and 1",
                       config.min_lr_rate));
  }
  const double warmup = count_of("warmup_steps", config.warmup_steps, total_steps);
  const double decay = count_of("num_decay_steps", config.num_decay_steps, total_steps);
  steps_ = {row_->warms_up ? warmup : 0, static_cast<double>(total_steps), decay,
            config.min_lr_rate, end_of(config.decay_type)};
  if (row_->after_warmup == &stable_then_decay && warmup + decay > steps_.total) {
    refuse(fmt::format("{} steps of warm-up and {} of decay do not fit into {}", warmup, decay,
                       total_steps));
  }
}

double Schedule::factor(int64_t step) const {
  const auto at = static_cast<double>(step);
  if (at < steps_.warmup) return at / steps_.warmup;
  return row_->after_warmup(at, steps_);
}

}  // namespace ondol::train
