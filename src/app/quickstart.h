// The whole story in minutes: models, the sample workspace, ingest, comparison, recommendation.
#pragma once

#include <filesystem>

#include "app/compare.h"
#include "app/session.h"
#include "base/progress.h"

namespace ondol::app {

struct QuickstartOptions {
  std::filesystem::path folder = "ondol-quickstart";  // the workspace; reused when it exists
  bool full = false;  // also the recipes of presets/quickstart-full, which take longer
  int64_t questions_max = 60;
  bool korean = false;  // notices in Korean
};

// Steps that were done before are not done again. Throws what its parts throw.
CompareOutcome quickstart(Session& session, const QuickstartOptions& options,
                          ProgressSink& progress);

}  // namespace ondol::app
