#include "cli/mixture_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/error.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;
using train::MixCounts;
using train::MixVariant;

// Without a model: what stands in the row.
train::Sample plain_sample(const train::Dataset& data, const train::Row& row) {
  train::Sample sample{data.where(row), {}};
  if (const auto* pair = std::get_if<train::Seq2SeqRow>(&row.data)) {
    sample.stretches = {{pair->source + "\n", false}, {pair->target, true}};
  } else if (const auto* chat = std::get_if<train::ChatRow>(&row.data)) {
    for (size_t i = 0; i < chat->messages.size(); ++i) {
      sample.stretches.push_back({chat->messages[i].role + ": ", false});
      sample.stretches.push_back({chat->messages[i].content + "\n", chat->unlearned[i] == 0});
    }
  }
  return sample;
}

void add_examples(const train::Mixed& mixed, const train::MixRows& rows,
                  const train::Renderer* renderer, std::vector<MixtureExample>* examples) {
  std::set<std::tuple<uint32_t, bool, bool>> seen;
  for (size_t i = 0; i < rows.data.rows.size(); ++i) {
    const MixVariant& v = rows.variants[i];
    if (!seen.emplace(v.task, v.reasoning, v.shots > 0).second) continue;
    const MixCounts& task = mixed.counts[v.task];
    const train::Row& row = rows.data.rows[i];
    // A row that does not render is among the problems.
    try {
      examples->push_back(
          {task.name, v, task.held_out,
           renderer ? train::sample_of(rows.data, row, *renderer) : plain_sample(rows.data, row)});
    } catch (const Error&) {
      ONDOL_ASSERT(renderer != nullptr);
    }
  }
}

std::string variant_words(const MixtureExample& example) {
  const MixVariant& v = example.variant;
  std::string text = fmt::format("{}{}, template {}", example.task,
                                 example.held_out ? " (held out)" : "", v.template_index + 1);
  if (v.shots > 0) text += fmt::format(", {} solved in front", v.shots);
  if (v.reasoning) text += ", with reasoning";
  return text + "; " + example.sample.where;
}

std::string task_text(const MixCounts& c) {
  std::string text = fmt::format("  {:<20}", c.name);
  if (c.held_out) {
    text += fmt::format("{:>6} rows  held out: measured, not learned", c.pool);
  } else {
    text += fmt::format("{:>6} rows  {:5.1f} %  of {} to learn, {} to validate", c.mixed,
                        100 * c.share, c.pool, c.validation);
  }
  text += fmt::format("\n    templates {}", fmt::join(c.by_template, ", "));
  if (c.by_shots.size() > 1) {
    text += "; solved in front";
    for (size_t k = 0; k < c.by_shots.size(); ++k) {
      text += fmt::format("{} {}: {}", k > 0 ? "," : "", k, c.by_shots[k]);
    }
  }
  if (c.reasoning > 0) text += fmt::format("; with reasoning {}", c.reasoning);
  if (c.no_rationale > 0) text += fmt::format("; {} have none", c.no_rationale);
  if (c.left_out > 0) {
    text +=
        fmt::format("\n    {} left out: a held-out task or validation has them too", c.left_out);
  }
  return text + "\n";
}

Json task_json(const MixCounts& c) {
  return {{"task", c.name},
          {"file", c.file},
          {"held_out", c.held_out},
          {"in_file", c.in_file},
          {"matched", c.matched},
          {"left_out", c.left_out},
          {"pool", c.pool},
          {"validation", c.validation},
          {"rows", c.held_out ? c.pool : c.mixed},
          {"share", c.share},
          {"by_template", c.by_template},
          {"by_shots", c.by_shots},
          {"reasoning", c.reasoning},
          {"no_rationale", c.no_rationale}};
}

}  // namespace

std::vector<MixtureExample> mixture_examples(const train::Mixed& mixed,
                                             const train::Renderer* renderer) {
  std::vector<MixtureExample> examples;
  add_examples(mixed, mixed.learn, renderer, &examples);
  for (const train::HeldOut& task : mixed.held_out) {
    add_examples(mixed, task.rows, renderer, &examples);
  }
  return examples;
}

std::string mixture_text(const train::Mixed& mixed, const std::vector<MixtureExample>& examples,
                         bool color) {
  std::string text = fmt::format("mixture     {} rows\n", mixed.learn.data.rows.size());
  for (const MixCounts& task : mixed.counts) text += task_text(task);
  text += fmt::format("examples    one of each kind; learned text is {}\n",
                      color ? "green" : "in [brackets]");
  for (const MixtureExample& example : examples) {
    text += sample_text(example.sample, variant_words(example), color);
  }
  return text;
}

std::string mixture_json(const train::Mixed& mixed, const std::vector<MixtureExample>& examples,
                         const std::string& check) {
  Json tasks = Json::array(), shown = Json::array();
  for (const MixCounts& task : mixed.counts) tasks.push_back(task_json(task));
  for (const MixtureExample& example : examples) {
    Json parts = Json::array();
    for (const train::Sample::Stretch& one : example.sample.stretches) {
      parts.push_back({{"text", one.text}, {"learned", one.learned}});
    }
    shown.push_back({{"task", example.task},
                     {"template", example.variant.template_index + 1},
                     {"shots", example.variant.shots},
                     {"reasoning", example.variant.reasoning},
                     {"where", example.sample.where},
                     {"parts", parts}});
  }
  Json all = Json::parse(check);
  all["mixture"] = {{"rows", mixed.learn.data.rows.size()}, {"tasks", tasks}, {"examples", shown}};
  return json_line(all);
}

}  // namespace ondol::cli
