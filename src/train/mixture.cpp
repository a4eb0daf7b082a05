#include "train/mixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/rng.h"
#include "train/dataset_split.h"
#include "train/mixture_rows.h"
#include "train/packing.h"

namespace ondol::train {
namespace {

// ---- one task's rows ----

struct Task {
  const MixTask& of;
  MixReader reader;
  MixCounts counts;
  std::vector<MixItem> learn;  // of a held-out task: to measure
  std::vector<MixItem> validation;
};

void leave_out(Task* task, const MixSeen& seen) {
  const size_t before = task->learn.size();
  std::erase_if(task->learn, [&](const MixItem& item) { return any_seen(item, seen); });
  task->counts.left_out += static_cast<int64_t>(before - task->learn.size());
}

void limit(const Mixture& mixture, Task* task) {
  std::vector<MixItem>& items = task->learn;
  const auto most = static_cast<size_t>(task->of.limit);
  if (most == 0 || items.size() <= most) return;
  const Permutation order(items.size(), mixture.seed, mix_stream(task->of.name, "limit", 0, 0));
  std::vector<size_t> kept;
  for (size_t i = 0; i < most; ++i) kept.push_back(order(i));
  std::ranges::sort(kept);
  std::vector<MixItem> chosen;
  for (const size_t i : kept) chosen.push_back(std::move(items[i]));
  items = std::move(chosen);
}

void expect_rows(const Mixture& mixture, const Task& task, const MixOptions& options) {
  if (!task.learn.empty()) return;
  if (options.problems && !options.problems->empty()) {
    throw Error(ErrorCode::kCorruptData, options.problems->front().sentence());
  }
  const MixCounts& c = task.counts;
  mixture_fault(
      mixture, task.of,
      fmt::format("no row is left to {}: {} has {}, `where` chooses {}, of them {} are "
                  "in a held-out task or in validation too",
                  c.held_out ? "measure" : "learn", c.file, c.in_file, c.matched, c.left_out));
}

// Rows that ask the same stay together, as in every other data set.
void split(Task* task, double share, uint64_t seed) {
  Dataset base;
  base.files.push_back({task->counts.file, "", task->learn.size(), {}});
  for (size_t i = 0; i < task->learn.size(); ++i) {
    const MixTurn& turn = task->learn[i].turns[0];
    base.rows.push_back({Seq2SeqRow{turn.input, turn.target}, 0, i});
  }
  std::vector<uint8_t> moved(task->learn.size(), 0);
  for (const Row& row : split_validation(base, share, seed).rows) moved[row.line] = 1;
  std::vector<MixItem> rest;
  for (size_t i = 0; i < moved.size(); ++i) {
    (moved[i] ? task->validation : rest).push_back(std::move(task->learn[i]));
  }
  task->learn = std::move(rest);
}

std::vector<Task> read_tasks(const Mixture& mixture, const MixOptions& options) {
  std::vector<Task> tasks;
  for (const MixTask& task : mixture.tasks) {
    tasks.push_back({task, MixReader(mixture, task), {}, {}, {}});
    MixCounts& counts = tasks.back().counts;
    counts.name = task.name;
    counts.file = task.file.string();
    counts.held_out = task.held_out;
    tasks.back().learn = tasks.back().reader.read(options.problems, &counts);
  }
  MixSeen held_out;
  for (const Task& task : tasks) {
    for (const MixItem& item : task.learn) {
      if (task.of.held_out) held_out.insert(item.same.begin(), item.same.end());
    }
  }
  for (Task& task : tasks) {
    if (!task.of.held_out) leave_out(&task, held_out);
    expect_rows(mixture, task, options);
    limit(mixture, &task);
    task.reader.render(&task.learn, options.problems);
    expect_rows(mixture, task, options);
    if (options.validation_share > 0 && !task.of.held_out) {
      split(&task, options.validation_share, mixture.seed);
    }
  }
  return tasks;
}

// What one task keeps for validation no other task shows.
void part_validation(const Mixture& mixture, const MixOptions& options, std::vector<Task>* tasks) {
  for (size_t i = 0; i < tasks->size(); ++i) {
    MixSeen seen;
    for (size_t k = 0; k < tasks->size(); ++k) {
      if (k == i) continue;
      for (const MixItem& item : (*tasks)[k].validation) {
        seen.insert(item.same.begin(), item.same.end());
      }
    }
    Task& task = (*tasks)[i];
    if (task.of.held_out) continue;
    leave_out(&task, seen);
    expect_rows(mixture, task, options);
  }
}

// ---- how many rows of each ----

void share_rows(const Mixture& mixture, std::vector<Task>* tasks) {
  double sum = 0;
  int64_t total = mixture.rows, natural = 0;
  std::vector<double> shares;
  for (const Task& task : *tasks) {
    const auto n = static_cast<int64_t>(task.learn.size());
    const int64_t capped = mixture.cap > 0 ? std::min(n, mixture.cap) : n;
    const bool learned = !task.of.held_out;
    const double size = std::pow(static_cast<double>(capped), 1 / mixture.temperature);
    shares.push_back(learned ? task.of.weight * size : 0);
    natural += learned ? capped : 0;
    sum += shares.back();
  }
  if (total == 0) total = natural;
  std::vector<std::pair<double, size_t>> rest;  // largest remainders get what rounding left
  int64_t given = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    const double exact = shares[i] / sum * static_cast<double>(total);
    (*tasks)[i].counts.mixed = static_cast<int64_t>(exact);
    given += (*tasks)[i].counts.mixed;
    if (shares[i] > 0) rest.emplace_back(exact - std::floor(exact), i);
  }
  std::ranges::stable_sort(rest, [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; given < total; ++i, ++given)
    ++(*tasks)[rest[i % rest.size()].second].counts.mixed;
  for (Task& task : *tasks) {
    if (task.of.held_out) continue;
    if (task.counts.mixed == 0) {
      mixture_fault(mixture, task.of,
                    fmt::format("its share of {} rows is less than one; try more rows, a higher "
                                "temperature or a larger weight",
                                total));
    }
    task.counts.share = static_cast<double>(task.counts.mixed) / static_cast<double>(total);
  }
}

// ---- one row ----

size_t draw_template(const MixTask& task, double uniform) {
  double sum = 0, at = 0;
  for (const MixTemplate& one : task.templates) sum += one.weight;
  for (size_t i = 0; i + 1 < task.templates.size(); ++i) {
    at += task.templates[i].weight / sum;
    if (uniform < at) return i;
  }
  return task.templates.size() - 1;
}

struct Asked {
  std::string input, target;
};

class Drawer {
 public:
  Drawer(const Mixture& mixture, const Task& task, uint32_t index)
      : mixture_(mixture), task_(task), index_(index) {}

  // Appends the row of `item`, which comes for the `pass`-th time.
  void add(const MixItem& item, uint64_t pass, uint32_t file, MixRows* rows) const {
    Rng rng(mixture_.seed, mix_stream(task_.of.name, "draw", item.line, pass));
    const size_t which = draw_template(task_.of, rng.uniform());
    const double reason = rng.uniform(), show = rng.uniform();
    const uint64_t ask_draw = rng.next_u64(), shots_draw = rng.next_u64();
    MixVariant variant{index_, static_cast<uint32_t>(which), 0, false};
    std::string ask;
    if (!task_.of.reasoning.empty()) {
      const MixReasoning& cot = task_.of.reasoning[0];
      variant.reasoning = item.reasons && reason < cot.share;
      if (variant.reasoning) ask = cot.ask[ask_draw % cot.ask.size()];
    }
    std::vector<Asked> turns;
    if (task_.of.shots > 0 && show < task_.of.shots_share) {
      const auto wanted = 1 + shots_draw % static_cast<uint64_t>(task_.of.shots);
      for (const MixItem* shot : shots(item, wanted, variant.reasoning, pass)) {
        turns.push_back(asked(*shot, which, ask));
      }
    }
    variant.shots = static_cast<int64_t>(turns.size());
    turns.push_back(asked(item, which, ask));
    rows->data.rows.push_back({row_of(std::move(turns)), file, item.line});
    rows->variants.push_back(variant);
  }

 private:
  static Asked asked(const MixItem& item, size_t which, const std::string& ask) {
    const MixTurn& turn = item.turns[which];
    if (ask.empty()) return {turn.input, turn.target};
    return {turn.input + "\n" + ask, turn.reasoned};
  }

  // Other rows to learn, none of which asks what this row or another example asks.
  std::vector<const MixItem*> shots(const MixItem& item, uint64_t wanted, bool reasoning,
                                    uint64_t pass) const {
    const Permutation order(task_.learn.size(), mixture_.seed,
                            mix_stream(task_.of.name, "shots", item.line, pass));
    std::set<std::string> asks = {item.asks};
    std::vector<const MixItem*> found;
    for (size_t i = 0; i < task_.learn.size() && found.size() < wanted; ++i) {
      const MixItem& other = task_.learn[order(i)];
      if (reasoning && !other.reasons) continue;
      if (asks.insert(other.asks).second) found.push_back(&other);
    }
    return found;
  }

  RowData row_of(std::vector<Asked> turns) const {
    if (mixture_.shots_as == ShotsAs::kTurns && turns.size() > 1) {
      ChatRow chat;
      for (const Asked& turn : turns) {
        chat.messages.push_back({"user", turn.input, ""});
        chat.messages.push_back({"assistant", turn.target, ""});
      }
      chat.unlearned.assign(chat.messages.size(), 1);
      chat.unlearned.back() = 0;
      return chat;
    }
    Seq2SeqRow row;
    for (size_t i = 0; i + 1 < turns.size(); ++i) {
      row.source += turns[i].input + "\n" + turns[i].target + mixture_.separator;
    }
    row.source += turns.back().input;
    row.target = std::move(turns.back().target);
    return row;
  }

  const Mixture& mixture_;
  const Task& task_;
  uint32_t index_;
};

void draw_task(const Mixture& mixture, const Task& task, uint32_t index, Mixed* mixed) {
  const Drawer drawer(mixture, task, index);
  const DataFile file{task.counts.file, "mixture, " + task.of.name, 0, {}};
  if (task.of.held_out) {
    HeldOut held_out{task.of.name, {}};
    held_out.rows.data.files.push_back(file);
    held_out.rows.data.files[0].rows = task.learn.size();
    for (const MixItem& item : task.learn) drawer.add(item, 0, 0, &held_out.rows);
    mixed->held_out.push_back(std::move(held_out));
    return;
  }
  const auto at = static_cast<uint32_t>(mixed->learn.data.files.size());
  const auto pool = task.learn.size();
  for (size_t i = 0; i < static_cast<size_t>(task.counts.mixed); ++i) {
    const Permutation order(pool, mixture.seed, mix_stream(task.of.name, "order", 0, i / pool));
    drawer.add(task.learn[order(i % pool)], i / pool, at, &mixed->learn);
  }
  for (const MixItem& item : task.validation) drawer.add(item, 0, at, &mixed->validation);
  mixed->learn.data.files.push_back(file);
  mixed->learn.data.files.back().rows = static_cast<size_t>(task.counts.mixed);
  mixed->validation.data.files.push_back(file);
  mixed->validation.data.files.back().rows = task.validation.size();
}

void count_variants(const MixTask& task, const MixRows& rows, uint32_t index, MixCounts* counts) {
  counts->by_template.assign(task.templates.size(), 0);
  counts->by_shots.assign(static_cast<size_t>(task.shots) + 1, 0);
  for (const MixVariant& variant : rows.variants) {
    if (variant.task != index) continue;
    ++counts->by_template[variant.template_index];
    ++counts->by_shots[static_cast<size_t>(variant.shots)];
    counts->reasoning += variant.reasoning ? 1 : 0;
  }
}

}  // namespace

std::string Mixed::sentence() const {
  std::string learned, measured;
  int64_t left_out = 0;
  for (const MixCounts& task : counts) {
    std::string& list = task.held_out ? measured : learned;
    if (!list.empty()) list += ", ";
    list += task.held_out ? fmt::format("{} ({} rows)", task.name, task.pool)
                          : fmt::format("{} {:.1f} %", task.name, 100 * task.share);
    left_out += task.left_out;
  }
  std::string text = fmt::format("mixture of {} rows: {}", learn.data.rows.size(), learned);
  if (!measured.empty()) text += "; held out: " + measured;
  if (left_out > 0) {
    text += fmt::format("; {} rows left out that a held-out task or validation has too", left_out);
  }
  return text;
}

Mixed mix(const Mixture& mixture, const MixOptions& options) {
  check_mixture(mixture);
  std::vector<Task> tasks = read_tasks(mixture, options);
  part_validation(mixture, options, &tasks);
  share_rows(mixture, &tasks);
  Mixed mixed;
  for (size_t i = 0; i < tasks.size(); ++i) {
    draw_task(mixture, tasks[i], static_cast<uint32_t>(i), &mixed);
    MixCounts& counts = tasks[i].counts;
    const MixRows& rows = counts.held_out ? mixed.held_out.back().rows : mixed.learn;
    count_variants(tasks[i].of, rows, static_cast<uint32_t>(i), &counts);
    counts.pool = static_cast<int64_t>(tasks[i].learn.size());
    counts.validation = static_cast<int64_t>(tasks[i].validation.size());
    if (!tasks[i].of.reasoning.empty()) {
      counts.no_rationale =
          std::ranges::count_if(tasks[i].learn, [](const MixItem& item) { return !item.reasons; });
    }
    mixed.counts.push_back(std::move(counts));
  }
  return mixed;
}

}  // namespace ondol::train
