// Reports of a workspace's communities.
//
//   GraphReports reports(desk, session.generator(model), {.calls_max = 50});
//   ground::ReportsMade done = reports.make(reports.levels(0, 1), progress);
//   reports.reporter().told(id)
//
// What is made is kept in the store, also when a limit or a failure ends the rest: made again, only
// what is missing is asked for. The desk and the model outlive it.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "app/graph.h"
#include "ground/community_reports.h"

namespace ondol::app {

class GraphReports {
 public:
  // Throws Error(kInvalidArgument) for a model that follows no JSON Schema.
  GraphReports(GraphDesk& desk, Generator& model, const GenerationLimits& limits = {});

  // The communities of two names and more on these levels, the largest first.
  std::vector<int32_t> levels(int64_t from, int64_t to) const;
  ground::ReportsMade make(const std::vector<int32_t>& communities, ProgressSink& progress);
  // How many of all communities have a report of what is there now, and how many could.
  std::pair<int64_t, int64_t> current();
  GenerationSpent spent() const { return model_.spent(); }
  ground::CommunityReporter& reporter() { return *reporter_; }

 private:
  std::unique_ptr<OutputCache> outputs_;
  CachedGenerator model_;
  std::unique_ptr<ground::CommunityReporter> reporter_;
};

}  // namespace ondol::app
