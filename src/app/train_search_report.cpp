// What a search tried, for people and programs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/train_config.h"
#include "app/train_report.h"
#include "app/train_search.h"
#include "text/html.h"

namespace ondol::app {
namespace {

using Json = nlohmann::ordered_json;

int64_t batch_of(const TrainFields& f) {
  return f.per_device_train_batch_size * f.gradient_accumulation_steps;
}

std::string length_of(const TrainFields& f) {
  return f.max_steps > 0 ? fmt::format("{} steps", f.max_steps)
                         : fmt::format("{:g} epochs", f.num_train_epochs);
}

std::string loss_of(const SearchTrial& trial) {
  return trial.loss ? fmt::format("{:.4f}", *trial.loss) : "-";
}

std::string steps_of(const SearchTrial& trial) {
  return fmt::format("{}/{}", trial.steps, trial.total_steps);
}

Json trial_json(const SearchTrial& trial) {
  Json json = {{"trial", trial.number},
               {"rounds", trial.rounds},
               {"learning_rate", trial.fields.learning_rate},
               {"lora_r", trial.fields.lora_r},
               {"lora_alpha", trial.fields.lora_alpha},
               {"batch", batch_of(trial.fields)},
               {"num_train_epochs", trial.fields.num_train_epochs},
               {"max_steps", trial.fields.max_steps},
               {"steps", trial.steps},
               {"total_steps", trial.total_steps},
               {"tokens", trial.tokens},
               {"seconds", trial.seconds},
               {"best_eval_loss", nullptr},
               {"best_step", trial.best_step},
               {"folder", trial.fields.output_dir}};
  if (trial.loss) json["best_eval_loss"] = *trial.loss;
  if (!trial.failure.empty()) json["failure"] = trial.failure;
  return json;
}

// A bar for every trial, as long as its loss lies below the worst one's.
std::string bar(const SearchTrial& trial, double least, double most) {
  if (!trial.loss || !(most > least)) return "";
  const double share = (most - *trial.loss) / (most - least);
  return fmt::format("<span class='bar' style='width:{:.0f}px'></span>", 4 + 116 * share);
}

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.4em}table{border-collapse:collapse;font-size:.9em}th,td{padding:.2em .9em .2em 0;text-align:right}
td.words{text-align:left}tr.best{font-weight:600}.bar{display:inline-block;height:.7em;background:#0f766e}
.words{background:#f4f1ea;padding:.8em 1em;border-radius:6px}td.words{background:none;padding:.2em 0}
@media(prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}.words{background:#2a2722}}
)";

}  // namespace

std::string search_text(const SearchSummary& summary) {
  std::string text = fmt::format("{:>5} {:>6} {:>9} {:>5} {:>6} {:>12} {:>11} {:>8}\n", "trial",
                                 "rounds", "lr", "rank", "batch", "length", "steps", "loss");
  for (const SearchTrial& trial : summary.trials) {
    const TrainFields& f = trial.fields;
    text += fmt::format("{:>5} {:>6} {:>9.2g} {:>5} {:>6} {:>12} {:>11} {:>8}  {}\n", trial.number,
                        trial.rounds, f.learning_rate, f.lora_r, batch_of(f), length_of(f),
                        steps_of(trial), loss_of(trial), trial.failure);
  }
  return text;
}

std::string search_json(const SearchSummary& summary) {
  Json json = {{"folder", summary.folder.string()},
               {"rounds", summary.rounds},
               {"eval_loss_before", nullptr},
               {"trials", Json::array()}};
  if (summary.first_eval) json["eval_loss_before"] = *summary.first_eval;
  for (const SearchTrial& trial : summary.trials) json["trials"].push_back(trial_json(trial));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string search_html(const SearchSummary& summary) {
  double least = HUGE_VAL, most = -HUGE_VAL;
  for (const SearchTrial& trial : summary.trials) {
    if (!trial.loss) continue;
    least = std::min(least, *trial.loss);
    most = std::max(most, *trial.loss);
  }
  std::string html =
      "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width'><title>ondol train --search</title><style>";
  html += kStyle;
  html += "</style>\n<h1>Search over settings &middot; 설정 탐색</h1>\n<p class='words'>";
  html += fmt::format(
      "{} settings began; after each of {} rounds the better third by validation loss went on. "
      "Losses of different rounds are of runs of different lengths.",
      summary.trials.size(), summary.rounds);
  if (summary.first_eval) {
    html += fmt::format(" Validation loss before any step: {:.4f}.", *summary.first_eval);
  }
  html +=
      "</p>\n<table><tr><th>trial</th><th>rounds</th><th>learning rate</th><th>rank</th>"
      "<th>batch</th><th>length</th><th>steps</th><th>validation loss</th><th></th></tr>\n";
  bool first = true;
  for (const SearchTrial& trial : summary.trials) {
    const TrainFields& f = trial.fields;
    html += fmt::format(
        "<tr{}><td>{}</td><td>{}</td><td>{:.2g}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td><td class='words'>{}{}</td></tr>\n",
        first && trial.loss ? " class='best'" : "", trial.number, trial.rounds, f.learning_rate,
        f.lora_r, batch_of(f), length_of(f), steps_of(trial), loss_of(trial),
        bar(trial, least, most), text::escape_html(trial.failure));
    first = false;
  }
  html += "</table>\n";
  if (!summary.trials.empty()) {
    html += "<h2>Settings of the first row &middot; 첫 행의 설정</h2><pre>" +
            text::escape_html(train_toml(summary.trials.front().fields)) + "</pre>\n";
  }
  return html + "</html>\n";
}

}  // namespace ondol::app
