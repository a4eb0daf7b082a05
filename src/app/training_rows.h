// Rows to train on from a workspace: its train questions exactly as a recipe would ask them
// (passages found, prompt built), with their answers. What an adapter learns is then what it meets.
//
//   TrainFields fields = default_train_fields("sft");
//   fields.output_dir = "runs/x";
//   TrainingRows rows = add_recipe_rows(workspace, session, "hybrid", fields, progress);
//   train_run("sft", fields, session, job);
//
// A question whose passages do not hold any of its answers is left out and counted: learning it
// would teach to invent. The train split is learned, the dev split (where there is one) measured
// with; the test split is never read.
#pragma once

#include <string>

#include "app/session.h"
#include "app/train_fields.h"
#include "app/workspace.h"
#include "base/progress.h"
#include "eval/question.h"

namespace ondol::app {

struct TrainingRows {
  std::string jsonl;  // {"messages": [...]} a line
  int64_t rows = 0;
  int64_t validation_rows = 0;   // of the dev split; not in `jsonl`
  int64_t without_answer = 0;    // left out: the passages do not hold the answer
  int64_t without_question = 0;  // left out: nothing to answer (unanswerable)
};

// Throws Error(kNotFound) when the workspace has no questions of the split or no such recipe.
TrainingRows training_rows(const Workspace& workspace, Session& session, const std::string& recipe,
                           eval::Split split, ProgressSink& progress);

// Writes them into fields.output_dir (rows.jsonl, dev.jsonl) and names the files in `fields`; what
// `fields` names as validation wins over the dev split.
TrainingRows add_recipe_rows(const Workspace& workspace, Session& session,
                             const std::string& recipe, TrainFields& fields,
                             ProgressSink& progress);

}  // namespace ondol::app
