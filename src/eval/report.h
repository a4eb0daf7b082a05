// The report of a comparison: one value, written as JSON for programs (docs/report.schema.json,
// docs/report.md) and as one self-contained HTML page for people (inline style, script and SVG; no
// network; English and Korean; light and dark).
//
//   CompareReport report = ...;              // app fills it
//   write_file_atomic("report.html", report_html(report));
//   write_file_atomic("report.json", report_json(report));
//
// Texts may hold anything (model output, documents): both writers escape it all, and bytes that are
// not UTF-8 become U+FFFD. Values only; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/decision.h"
#include "eval/metrics.h"

namespace ondol::eval {

// Of the JSON; raised when a field changes its meaning or goes away. Persistent.
inline constexpr int kReportVersion = 1;

struct ByteRange {
  size_t from = 0;
  size_t to = 0;
};

struct ReportPassage {
  std::string document{};
  std::string heading{};
  std::string text{};
  double score = 0;
  bool cited = false;                   // the answer cites it
  bool gold = false;                    // from a gold document of the question
  std::vector<ByteRange> highlights{};  // bytes of `text` to mark: the cited or quoted words
};

struct ReportAnswer {
  std::string text{};
  double score = 0;  // mean over repeats
  bool refused = false;
  std::string error{};  // not empty: no answer, and why
  double latency_s = 0;
  int64_t tokens_in = 0;
  int64_t tokens_out = 0;
  std::string prompt{};  // as the model saw it
  std::vector<ReportPassage> passages{};
  std::vector<MetricValue> metrics{};        // all_scores of it
  std::vector<std::string> other_repeats{};  // texts of repeats 2, 3, ...
};

struct ReportQuestion {
  std::string id{};
  std::string question{};
  std::vector<std::string> gold_answers{};
  std::vector<GoldPassage> gold{};
  bool unanswerable = false;
  std::string metric{};  // of the headline score
  Text metric_why{};
  std::vector<ReportAnswer> answers{};  // one a recipe, same order
};

struct ReportRecipe {
  std::string name{};
  Text description{};         // one line
  std::string config_text{};  // resolved TOML
  RecipeCost cost{};
};

struct MetricCell {
  double mean = 0;
  Interval interval{};
  int64_t questions = 0;  // that the metric applies to; 0: the cell is empty
};
struct MetricColumn {
  std::string name{};
  Text title{};
  Text meaning{};
  std::vector<MetricCell> cells{};  // one a recipe
};

struct EnvironmentRow {
  Text label{};
  std::string value{};
};
struct NextCommand {
  Text what{};
  std::string command{};
};

struct CompareReport {
  std::string title{};    // of the workspace or question set
  std::string created{};  // ISO 8601, UTC
  std::string program{};  // "ondol 0.1.0"
  std::string command{};  // how to make it again
  std::string split{};    // "test"
  int repeats = 1;
  uint64_t seed = 0;
  std::vector<EnvironmentRow> environment{};
  std::vector<ReportRecipe> recipes{};
  std::vector<MetricColumn> metrics{};
  Decision decision{};
  std::vector<Text> warnings{};
  std::vector<ReportQuestion> questions{};
  std::vector<NextCommand> next{};
};

// Metric columns (mean, interval, count) out of the questions' answers: Wilson for right/wrong
// metrics, else a bootstrap over clusters. Also splits `refusal` into answerable and unanswerable.
std::vector<MetricColumn> summarize_metrics(const std::vector<ReportQuestion>& questions,
                                            size_t recipes,
                                            const std::vector<std::string>& clusters = {},
                                            const ResampleOptions& options = {});

std::string report_json(const CompareReport& report);
std::string report_html(const CompareReport& report);

}  // namespace ondol::eval
