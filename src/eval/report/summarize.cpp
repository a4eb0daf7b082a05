#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/report.h"

namespace ondol::eval {
namespace {

struct Values {
  std::vector<double> scores;
  std::vector<std::string> clusters;
};

MetricCell summarize(const Values& values, const ResampleOptions& options) {
  MetricCell cell;
  cell.questions = static_cast<int64_t>(values.scores.size());
  if (cell.questions == 0) return cell;
  for (const double score : values.scores) cell.mean += score;
  const double sum = cell.mean;
  cell.mean /= static_cast<double>(cell.questions);
  const bool right_or_wrong = std::all_of(values.scores.begin(), values.scores.end(),
                                          [](double score) { return score == 0 || score == 1; });
  const Clusters clusters = make_clusters(values.clusters);
  if (right_or_wrong && clusters.count == cell.questions) {
    cell.interval = wilson(std::lround(sum), cell.questions, options.confidence);
  } else {
    cell.interval = paired_bootstrap(values.scores, clusters, options).interval;
  }
  return cell;
}

enum class Which { kAll, kAnswerable, kUnanswerable };

struct ColumnPlan {
  std::string name, metric;
  Text title, meaning;
  Which which = Which::kAll;
};

std::vector<ColumnPlan> plan_columns() {
  std::vector<ColumnPlan> plan;
  for (const Metric& metric : metrics()) {
    if (std::string(metric.name) != "refusal") {
      plan.push_back({metric.name, metric.name, metric.title, metric.meaning, Which::kAll});
      continue;
    }
    plan.push_back({"refusal_unanswerable",
                    metric.name,
                    {"Refuses what it cannot know", "모르는 것은 거절"},
                    {"Of the questions the documents do not answer: how many were refused.",
                     "문서에 답이 없는 질문 가운데 거절한 비율입니다."},
                    Which::kUnanswerable});
    plan.push_back({"refusal_answerable",
                    metric.name,
                    {"Answers what it can know", "아는 것은 답변"},
                    {"Of the questions the documents do answer: how many were not refused.",
                     "문서에 답이 있는 질문 가운데 거절하지 않은 비율입니다."},
                    Which::kAnswerable});
  }
  return plan;
}

bool includes(Which which, const ReportQuestion& question) {
  return which == Which::kAll || (which == Which::kUnanswerable) == question.unanswerable;
}

}  // namespace

std::vector<MetricColumn> summarize_metrics(const std::vector<ReportQuestion>& questions,
                                            size_t recipes,
                                            const std::vector<std::string>& clusters,
                                            const ResampleOptions& options) {
  if (!clusters.empty() && clusters.size() != questions.size()) {
    throw Error(ErrorCode::kInvalidArgument, "[report] clusters and questions differ; got " +
                                                 std::to_string(clusters.size()) + " and " +
                                                 std::to_string(questions.size()));
  }
  constexpr int kDrawsMax = 2000;  // side columns: an interval to look at, not to decide on
  ResampleOptions quick = options;
  quick.draws = std::min(options.draws, kDrawsMax);
  std::vector<MetricColumn> columns;
  for (const ColumnPlan& plan : plan_columns()) {
    MetricColumn column{plan.name, plan.title, plan.meaning, {}};
    bool any = false;
    for (size_t r = 0; r < recipes; ++r) {
      Values values;
      for (size_t q = 0; q < questions.size(); ++q) {
        if (!includes(plan.which, questions[q]) || r >= questions[q].answers.size()) continue;
        for (const MetricValue& value : questions[q].answers[r].metrics) {
          if (value.metric != plan.metric) continue;
          values.scores.push_back(value.value);
          values.clusters.push_back(clusters.empty() ? "" : clusters[q]);
        }
      }
      column.cells.push_back(summarize(values, quick));
      any = any || !values.scores.empty();
    }
    if (any) columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace ondol::eval
