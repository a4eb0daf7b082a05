#include "app/train_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "app/train_config.h"
#include "text/html.h"

namespace ondol::app {
namespace {

struct Point {
  double step, value;
};
using Curve = std::vector<Point>;

Curve curve_of(std::span<const train::LogEntry> history, const std::string& name) {
  Curve curve;
  for (const train::LogEntry& entry : history) {
    for (const auto& [key, value] : entry.values) {
      if (key == name && std::isfinite(value)) {
        curve.push_back({static_cast<double>(entry.step), value});
      }
    }
  }
  return curve;
}

struct Line {
  std::string name;
  std::string color;
  Curve curve;
};

constexpr double kWidth = 640, kHeight = 220, kLeft = 62, kRight = 24, kTop = 14, kBottom = 30;

constexpr size_t kDotsMax = 60;

// Where values lie in a chart.
struct Frame {
  double last_step = 1, low = 0, high = 1;

  explicit Frame(std::span<const Line> lines) {
    low = HUGE_VAL, high = -HUGE_VAL;
    for (const Line& line : lines) {
      for (const Point& p : line.curve) {
        last_step = std::max(last_step, p.step);
        low = std::min(low, p.value);
        high = std::max(high, p.value);
      }
    }
    if (low > high) low = 0, high = 1;
    const double room = high > low ? 0.05 * (high - low) : std::max(1e-9, std::abs(high) * 0.1);
    const bool can_be_negative = low < 0;
    low -= room, high += room;
    if (!can_be_negative) low = std::max(low, 0.0);
  }
  double x(double step) const { return kLeft + step / last_step * (kWidth - kLeft - kRight); }
  double y(double value) const {
    return kTop + (high - value) / (high - low) * (kHeight - kTop - kBottom);
  }
};

std::string axes(const Frame& frame) {
  std::string svg;
  for (int i = 0; i <= 4; ++i) {
    const double value = frame.low + (frame.high - frame.low) * i / 4, y = frame.y(value);
    svg += fmt::format(
        "<line x1='{}' y1='{:.1f}' x2='{}' y2='{:.1f}' class='grid'/>"
        "<text x='{}' y='{:.1f}' text-anchor='end'>{:.3g}</text>",
        kLeft, y, kWidth - kRight, y, kLeft - 6, y + 4, value);
    const double step = frame.last_step * i / 4;
    svg += fmt::format("<text x='{:.1f}' y='{}' text-anchor='middle'>{:.0f}</text>", frame.x(step),
                       kHeight - 10, step);
  }
  return svg;
}

std::string chart(const std::string& title, std::span<const Line> lines) {
  const Frame frame(lines);
  std::string svg = fmt::format("<figure><figcaption>{}", text::escape_html(title));
  for (const Line& line : lines) {
    svg += fmt::format(" <span style='color:{}'>&#9632; {}</span>", line.color,
                       text::escape_html(line.name));
  }
  svg += fmt::format("</figcaption><svg viewBox='0 0 {} {}' role='img' aria-label='{}'>", kWidth,
                     kHeight, text::escape_html(title));
  svg += axes(frame);
  for (const Line& line : lines) {
    std::string points;
    for (const Point& p : line.curve) {
      points += fmt::format("{:.1f},{:.1f} ", frame.x(p.step), frame.y(p.value));
    }
    svg += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='2'/>", points,
                       line.color);
    // Of a long curve only the line is drawn; its points still say their values under the pointer.
    const double radius = line.curve.size() > kDotsMax ? 0 : 2.5;
    for (const Point& p : line.curve) {
      svg += fmt::format(
          "<circle cx='{:.1f}' cy='{:.1f}' r='{}' fill='{}' stroke='transparent' "
          "stroke-width='8'><title>step {:.0f}: {:.5g}</title></circle>",
          frame.x(p.step), frame.y(p.value), radius, line.color, p.step, p.value);
    }
  }
  return svg + "</svg></figure>\n";
}

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;max-width:720px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.4em}figure{margin:1.2em 0}figcaption{font-weight:600}figcaption span{font-weight:400;margin-left:.8em}
svg{width:100%;height:auto}svg text{font-size:11px;fill:#666}.grid{stroke:#ddd}
table{border-collapse:collapse;font-size:.9em}td{padding:.15em .8em .15em 0;vertical-align:top}
.words{background:#f4f1ea;padding:.8em 1em;border-radius:6px}
@media(prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}.grid{stroke:#444}.words{background:#2a2722}svg text{fill:#aaa}}
)";

double mean_of_last(const Curve& curve, size_t count) {
  double sum = 0;
  const size_t taken = std::min(count, curve.size());
  for (size_t i = curve.size() - taken; i < curve.size(); ++i) sum += curve[i].value;
  return taken ? sum / static_cast<double>(taken) : 0;
}

std::string summary_table(const TrainFields& fields, const TrainSummary& s) {
  const auto row = [](const std::string& name, const std::string& value) {
    return "<tr><td>" + text::escape_html(name) + "</td><td>" + text::escape_html(value) +
           "</td></tr>\n";
  };
  std::string table = "<table>\n";
  table += row("model · 모델", fields.model.empty() ? "new · 새 모델" : fields.model);
  for (const std::string& file : fields.dataset) table += row("rows · 행", file);
  if (!fields.mixture.empty()) table += row("mixture · 섞은 것", fields.mixture);
  table +=
      row("steps · 걸음", std::to_string(s.steps) + (s.stopped_early ? " (stopped early)" : ""));
  table += row("tokens read · 읽은 토큰", std::to_string(s.tokens));
  table += row("time in steps · 걸린 시간",
               fmt::format("{:.0f} s, {:.0f} tokens/s", s.seconds,
                           static_cast<double>(s.tokens) / std::max(1e-9, s.seconds)));
  if (s.first_eval)
    table += row("validation loss before · 처음 검증 손실", fmt::format("{:.4f}", *s.first_eval));
  if (s.best_eval) {
    table += row("best validation loss · 가장 낮은 검증 손실",
                 fmt::format("{:.4f} at step {}", *s.best_eval, s.best_step));
  }
  for (const HeldOutChange& task : s.held_out) {
    table +=
        row("held out: " + task.name + " · 배우지 않은 과제",
            fmt::format("loss {:.4f} before, {:.4f} after; exact answers {:.1f} % and {:.1f} %",
                        task.loss_before, task.loss_after, 100 * task.exact_before,
                        100 * task.exact_after));
  }
  return table + "</table>\n";
}

}  // namespace

eval::Text diagnose(std::span<const train::LogEntry> history) {
  const Curve train = curve_of(history, "loss"), eval = curve_of(history, "eval_loss");
  if (eval.size() < 2 || train.empty()) {
    return {
        "No validation rows: whether it learned or memorised cannot be said. Give some with "
        "--validation-dataset.",
        "검증할 행이 없어 배웠는지 외웠는지 말할 수 없습니다. --validation-dataset으로 주세요."};
  }
  const auto best = std::ranges::min_element(eval, {}, &Point::value);
  const double last = eval.back().value, least = best->value, first = eval.front().value;
  if (last > least * 1.02 && best->step < eval.back().step) {
    const double learned = mean_of_last(train, 3);
    return {fmt::format("Over-fitting: validation was best at step {:.0f} ({:.4f}) and rose to "
                        "{:.4f} while training loss fell to {:.4f}. The best checkpoint is kept; "
                        "fewer epochs, a lower rank or more rows would help.",
                        best->step, least, last, learned),
            fmt::format(
                "과적합: 검증 손실이 {:.0f}걸음에서 가장 낮았다가({:.4f}) {:.4f}로 오르는 동안 "
                "학습 손실은 {:.4f}까지 내려갔습니다. 가장 좋은 체크포인트는 남아 있습니다. 에폭을 "
                "줄이거나, 랭크를 낮추거나, 행을 늘려 보세요.",
                best->step, least, last, learned)};
  }
  if (first - last < 0.01 * std::abs(first)) {
    return {
        fmt::format("Nothing learned: validation loss went from {:.4f} to {:.4f}. Try a higher "
                    "learning_rate or more epochs, and look at `ondol data check`.",
                    first, last),
        fmt::format(
            "배우지 못했습니다: 검증 손실이 {:.4f}에서 {:.4f}가 되었습니다. learning_rate나 에폭을 "
            "늘리고 `ondol data check`를 보세요.",
            first, last)};
  }
  const Point& before = eval[eval.size() - 2];
  if (before.value - last > 0.01 * before.value) {
    return {fmt::format("Still improving: validation fell from {:.4f} at step {:.0f} to {:.4f} at "
                        "the end. More epochs would likely help.",
                        before.value, before.step, last),
            fmt::format("아직 나아지고 있습니다: 검증 손실이 {:.0f}걸음의 {:.4f}에서 끝의 "
                        "{:.4f}로 내려갔습니다. 에폭을 "
                        "늘리면 더 좋아질 것입니다.",
                        before.step, before.value, last)};
  }
  return {fmt::format("Learned: validation loss {:.4f} before, {:.4f} after, level at the end.",
                      first, last),
          fmt::format("배웠습니다: 검증 손실이 {:.4f}에서 {:.4f}로 내려갔고 끝에서는 평평합니다.",
                      first, last)};
}

std::vector<HeldOutChange> held_out_changes(std::span<const std::string> names,
                                            std::span<const train::LogEntry> history,
                                            int64_t best_step) {
  const auto at_end = [&](const Curve& curve) {
    for (const Point& p : curve) {
      if (best_step > 0 && p.step == static_cast<double>(best_step)) return p.value;
    }
    return curve.empty() ? 0 : curve.back().value;
  };
  std::vector<HeldOutChange> changes;
  for (const std::string& name : names) {
    const Curve loss = curve_of(history, "eval_" + name + "_loss");
    const Curve exact = curve_of(history, "eval_" + name + "_exact");
    if (loss.empty() || exact.empty()) continue;
    changes.push_back({name, loss.front().value, at_end(loss), exact.front().value, at_end(exact)});
  }
  return changes;
}

std::string train_report_html(const TrainFields& fields, const TrainSummary& summary,
                              std::span<const train::LogEntry> history) {
  std::string html =
      "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width'><title>ondol train</title><style>";
  html += kStyle;
  html += "</style>\n<h1>Training run &middot; 학습 결과</h1>\n<p class='words'>" +
          text::escape_html(summary.diagnosis.en) + "<br>" +
          text::escape_html(summary.diagnosis.ko) + "</p>\n" + summary_table(fields, summary);
  const Line losses[] = {{"train", "#c2410c", curve_of(history, "loss")},
                         {"validation", "#1d4ed8", curve_of(history, "eval_loss")}};
  html += chart("Loss · 손실", losses);
  const std::map<std::string, std::string> others = {
      {"learning_rate", "Learning rate · 학습률"},
      {"grad_norm", "Gradient norm · 기울기 크기"},
      {"tokens_per_second", "Tokens per second · 초당 토큰"},
      {"memory_mib", "Peak memory, MiB · 최대 메모리"}};
  for (const auto& [name, title] : others) {
    const Line line[] = {{name, "#0f766e", curve_of(history, name)}};
    html += chart(title, line);
  }
  html +=
      "<h2>Settings · 설정</h2><pre>" + text::escape_html(train_toml(fields)) + "</pre>\n</html>\n";
  return html;
}

}  // namespace ondol::app
