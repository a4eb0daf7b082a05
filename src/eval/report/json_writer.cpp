// report.json: docs/report.md says what each field means, docs/report.schema.json checks it.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "eval/report.h"
#include "text/fold.h"

namespace ondol::eval {
namespace {

using Json = nlohmann::ordered_json;

Json text(const Text& value) { return {{"en", value.en}, {"ko", value.ko}}; }

Json texts(const std::vector<Text>& values) {
  Json out = Json::array();
  for (const Text& value : values) out.push_back(text(value));
  return out;
}

Json interval(const Interval& value) { return Json::array({value.low, value.high}); }

// JSON offsets are code points: what a program in any language can count.
size_t code_points(const std::string& whole, size_t bytes) {
  return text::to_code_points(std::string_view(whole).substr(0, bytes)).size();
}

Json cost(const RecipeCost& c) {
  return {{"latency_p50_s", c.latency_p50_s},
          {"latency_p95_s", c.latency_p95_s},
          {"first_token_p50_s", c.first_token_p50_s},
          {"tokens_in", c.tokens_in},
          {"tokens_out", c.tokens_out},
          {"cpu_s", c.cpu_s},
          {"peak_memory_bytes", c.peak_memory_bytes},
          {"build_s", c.build_s},
          {"latency_questions", c.latency_questions}};
}

const char* axis_name(CostAxis axis) {
  return axis == CostAxis::kLatency ? "latency_p50_s" : axis == CostAxis::kCpu ? "cpu_s" : "tokens";
}

Json recipe_name(const CompareReport& report, int index) {
  if (index < 0 || static_cast<size_t>(index) >= report.recipes.size()) return nullptr;
  return report.recipes[static_cast<size_t>(index)].name;
}

Json decision(const CompareReport& report) {
  const Decision& d = report.decision;
  return {{"status", decision_status_name(d.status)},
          {"chosen", recipe_name(report, d.chosen)},
          {"runner_up", recipe_name(report, d.runner_up)},
          {"best", recipe_name(report, d.best)},
          {"headline", text(d.headline)},
          {"reasons", texts(d.reasons)},
          {"questions", d.questions},
          {"questions_more", d.questions_more},
          {"detectable", d.detectable},
          {"margin", d.options.margin},
          {"confidence", d.options.resample.confidence},
          {"cost_axis", axis_name(d.options.cost_axis)},
          {"cost_axis_title", text(cost_axis_name(d.options.cost_axis))},
          {"power", text(power_sentence(std::max<int64_t>(d.questions, 1)))}};
}

Json recipes(const CompareReport& report) {
  Json out = Json::array();
  for (size_t r = 0; r < report.recipes.size(); ++r) {
    const ReportRecipe& recipe = report.recipes[r];
    const RecipeVerdict verdict =
        r < report.decision.verdicts.size() ? report.decision.verdicts[r] : RecipeVerdict{};
    Json metrics = Json::object();
    for (const MetricColumn& column : report.metrics) {
      if (r >= column.cells.size() || column.cells[r].questions == 0) continue;
      const MetricCell& cell = column.cells[r];
      metrics[column.name] = {{"mean", cell.mean},
                              {"interval", interval(cell.interval)},
                              {"questions", cell.questions}};
    }
    out.push_back({{"name", recipe.name},
                   {"description", text(recipe.description)},
                   {"score", verdict.mean},
                   {"interval", interval(verdict.interval)},
                   {"difference", verdict.difference},
                   {"difference_interval", interval(verdict.difference_interval)},
                   {"p_best", verdict.p_best},
                   {"expected_regret", verdict.expected_regret},
                   {"rank", interval(verdict.rank)},
                   {"repeat_deviation", verdict.repeat_deviation},
                   {"good_enough", verdict.good_enough},
                   {"shown_worse", verdict.shown_worse},
                   {"within_caps", verdict.within_caps},
                   {"cost_value", verdict.cost},
                   {"cost", cost(recipe.cost)},
                   {"metrics", metrics},
                   {"config", recipe.config_text}});
  }
  return out;
}

Json pairs(const CompareReport& report) {
  Json out = Json::array();
  for (const PairedDifference& pair : report.decision.pairs) {
    out.push_back({{"a", recipe_name(report, pair.a)},
                   {"b", recipe_name(report, pair.b)},
                   {"difference", pair.difference},
                   {"interval", interval(pair.interval)},
                   {"better", pair.better},
                   {"worse", pair.worse},
                   {"test", pair.test},
                   {"p", pair.p},
                   {"p_holm", pair.p_holm},
                   {"shown", pair.shown}});
  }
  return out;
}

Json passage(const ReportPassage& p) {
  Json highlights = Json::array();
  for (const ByteRange& range : p.highlights) {
    if (range.from >= range.to || range.to > p.text.size()) continue;
    highlights.push_back({code_points(p.text, range.from), code_points(p.text, range.to)});
  }
  return {{"document", p.document},  {"heading", p.heading}, {"text", p.text},
          {"score", p.score},        {"cited", p.cited},     {"gold", p.gold},
          {"highlights", highlights}};
}

Json answer(const CompareReport& report, size_t r, const ReportAnswer& a) {
  Json passages = Json::array(), metrics = Json::object();
  for (const ReportPassage& p : a.passages) passages.push_back(passage(p));
  for (const MetricValue& value : a.metrics) metrics[value.metric] = value.value;
  return {{"recipe", recipe_name(report, static_cast<int>(r))},
          {"text", a.text},
          {"score", a.score},
          {"refused", a.refused},
          {"error", a.error},
          {"latency_s", a.latency_s},
          {"tokens_in", a.tokens_in},
          {"tokens_out", a.tokens_out},
          {"metrics", metrics},
          {"passages", passages},
          {"prompt", a.prompt},
          {"other_repeats", a.other_repeats}};
}

Json questions(const CompareReport& report) {
  Json out = Json::array();
  for (const ReportQuestion& q : report.questions) {
    Json gold = Json::array(), answers = Json::array();
    for (const GoldPassage& p : q.gold)
      gold.push_back({{"document", p.document}, {"quote", p.quote}});
    for (size_t r = 0; r < q.answers.size(); ++r)
      answers.push_back(answer(report, r, q.answers[r]));
    out.push_back({{"id", q.id},
                   {"question", q.question},
                   {"answers", q.gold_answers},
                   {"gold", gold},
                   {"unanswerable", q.unanswerable},
                   {"metric", q.metric},
                   {"metric_why", text(q.metric_why)},
                   {"results", answers}});
  }
  return out;
}

Json whole(const CompareReport& report) {
  Json metrics = Json::array(), environment = Json::array(), next = Json::array();
  for (const MetricColumn& column : report.metrics) {
    metrics.push_back(
        {{"name", column.name}, {"title", text(column.title)}, {"meaning", text(column.meaning)}});
  }
  for (const EnvironmentRow& row : report.environment) {
    environment.push_back({{"label", text(row.label)}, {"value", row.value}});
  }
  for (const NextCommand& command : report.next) {
    next.push_back({{"what", text(command.what)}, {"command", command.command}});
  }
  return {{"version", kReportVersion},
          {"title", report.title},
          {"created", report.created},
          {"program", report.program},
          {"command", report.command},
          {"split", report.split},
          {"repeats", report.repeats},
          {"seed", report.seed},
          {"decision", decision(report)},
          {"recipes", recipes(report)},
          {"metrics", metrics},
          {"pairs", pairs(report)},
          {"warnings", texts(report.warnings)},
          {"environment", environment},
          {"next", next},
          {"questions", questions(report)}};
}

}  // namespace

std::string report_json(const CompareReport& report) {
  return whole(report).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ondol::eval
