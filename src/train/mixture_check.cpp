// What a mixture may say, before any file is read.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "train/mixture_rows.h"

namespace ondol::train {
namespace {

constexpr int64_t kShotsMax = 64;
constexpr int64_t kRowsMax = 10'000'000;

[[noreturn]] void fault(const Mixture& mixture, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[mixture] " + mixture.source + ": " + what);
}

// ---- what a mixture may say ----

bool is_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !name.empty() && std::ranges::all_of(name, plain);
}

void check_share(const Mixture& mixture, const MixTask& task, const char* what, double share) {
  if (share >= 0 && share <= 1) return;
  mixture_fault(mixture, task, fmt::format("{} is {}; expected a share from 0 to 1", what, share));
}

void check_weight(const Mixture& mixture, const MixTask& task, const std::string& what,
                  double weight) {
  if (weight > 0 && std::isfinite(weight)) return;
  mixture_fault(
      mixture, task,
      fmt::format("{} is {}; expected above 0; try leaving it out of the file", what, weight));
}

void check_task(const Mixture& mixture, const MixTask& task) {
  const auto say = [&](const std::string& what) { mixture_fault(mixture, task, what); };
  if (!is_name(task.name)) {
    say("its name is not letters, digits, '_', '-' and '.' alone; metrics are named after it");
  }
  if (task.file.empty()) say("it has no file");
  if (task.templates.empty()) say("it has no template; expected at least one [[task.template]]");
  check_weight(mixture, task, "weight", task.weight);
  for (size_t i = 0; i < task.templates.size(); ++i) {
    check_weight(mixture, task, fmt::format("weight of template {}", i + 1),
                 task.templates[i].weight);
  }
  if (task.limit < 0) say(fmt::format("limit is {}; expected 0 (all) or more", task.limit));
  if (task.shots < 0 || task.shots > kShotsMax) {
    say(fmt::format("shots is {}; expected 0 to {}", task.shots, kShotsMax));
  }
  check_share(mixture, task, "shots_share", task.shots_share);
  if (!task.choices.field.empty() && task.choices.correct.empty()) {
    say("it has choices but not which is right; expected correct = \"FIELD\"");
  }
  for (const MixReasoning& cot : task.reasoning) {
    check_share(mixture, task, "cot.share", cot.share);
    if (cot.ask.empty()) say("cot.ask is empty; expected a sentence that asks for reasoning");
  }
}

}  // namespace

void check_mixture(const Mixture& mixture) {
  std::set<std::string> names;
  for (const MixTask& task : mixture.tasks) {
    check_task(mixture, task);
    if (names.insert(task.name).second) continue;
    const auto first = std::ranges::find(mixture.tasks, task.name, &MixTask::name);
    mixture_fault(
        mixture, task,
        fmt::format(
            "the name stands twice, first in line {}{}", first->line,
            task.held_out || first->held_out ? "; a task is held out or learned, not both" : ""));
  }
  if (std::ranges::all_of(mixture.tasks, &MixTask::held_out)) {
    fault(mixture, "no task is learned; expected at least one without held_out");
  }
  if (mixture.rows < 0 || mixture.rows > kRowsMax) {
    fault(mixture, fmt::format("rows is {}; expected 0 to {}", mixture.rows, kRowsMax));
  }
  if (mixture.cap < 0) fault(mixture, fmt::format("cap is {}; expected 0 or more", mixture.cap));
  if (!(mixture.temperature > 0) || !std::isfinite(mixture.temperature)) {
    fault(mixture, fmt::format("temperature is {}; expected above 0", mixture.temperature));
  }
}

}  // namespace ondol::train
