// From answers to the report of a comparison: scores, metric columns, decision, drill-down.
#pragma once

#include <string>
#include <vector>

#include "app/compare.h"
#include "app/question_source.h"
#include "app/recipe_run.h"

namespace ondol::app {

struct ComparedRecipe {
  Recipe recipe;  // resolved
  RecipeRun run;
  std::vector<std::string> prompts;  // one a question, as the model saw it
};

// "test", ..., or "all".
std::string split_text(const CompareOptions& options);

eval::CompareReport build_report(const QuestionSource& source, const CompareOptions& options,
                                 const std::vector<ComparedRecipe>& compared,
                                 std::vector<eval::EnvironmentRow> environment);

}  // namespace ondol::app
