// Rows to train on from a workspace: its train questions exactly as a recipe would ask them
// (passages found, prompt built), with their answers. What an adapter learns is then what it meets.
//
//   TrainingRows rows = training_rows(workspace, session, "hybrid", progress);
//   write_file_atomic("rows.jsonl", rows.jsonl);
//
// A question whose passages do not hold any of its answers is left out and counted: learning it
// would teach to invent. Only the train split is read.
#pragma once

#include <string>

#include "app/session.h"
#include "app/workspace.h"
#include "base/progress.h"

namespace ondol::app {

struct TrainingRows {
  std::string jsonl;  // {"messages": [...]} a line
  int64_t rows = 0;
  int64_t without_answer = 0;    // left out: the passages do not hold the answer
  int64_t without_question = 0;  // left out: nothing to answer (unanswerable)
};

// Throws Error(kNotFound) when the workspace has no train questions or no such recipe.
TrainingRows training_rows(const Workspace& workspace, Session& session, const std::string& recipe,
                           ProgressSink& progress);

}  // namespace ondol::app
