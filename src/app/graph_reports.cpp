#include "app/graph_reports.h"

#include <algorithm>
#include <limits>

namespace ondol::app {

GraphReports::GraphReports(GraphDesk& desk, Generator& model, const GenerationLimits& limits)
    : outputs_(desk.outputs()), model_(model, outputs_.get(), limits) {
  const auto graph = desk.shared_graph();
  const auto text_of = [&desk](int32_t passage) {
    const auto views = desk.passages({passage});
    return views.empty() ? std::string() : views[0].chunk.text;
  };
  reporter_ = std::make_unique<ground::CommunityReporter>(
      graph, std::make_shared<ground::Communities>(ground::find_communities(*graph)), text_of,
      &model_);
}

std::vector<int32_t> GraphReports::levels(int64_t from, int64_t to) const {
  const int64_t last = std::numeric_limits<int32_t>::max();
  return reporter_->wanted(static_cast<int32_t>(std::min(from, last)),
                           static_cast<int32_t>(std::min(to, last)));
}

ground::ReportsMade GraphReports::make(const std::vector<int32_t>& communities,
                                       ProgressSink& progress) {
  return reporter_->make(communities, progress);
}

std::pair<int64_t, int64_t> GraphReports::current() {
  const std::vector<int32_t> all = levels(0, std::numeric_limits<int32_t>::max());
  const auto there = std::count_if(all.begin(), all.end(),
                                   [&](int32_t id) { return reporter_->find(id).has_value(); });
  return {there, static_cast<int64_t>(all.size())};
}

}  // namespace ondol::app
