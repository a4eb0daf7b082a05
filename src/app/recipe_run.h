// One recipe on one set of questions: its answers (cached or computed side by side) and its costs
// (measured alone, one question after the other, with nothing cached).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/answer_cache.h"
#include "app/pipeline.h"
#include "eval/decision.h"
#include "infer/cached_generator.h"

namespace ondol::app {

struct AnswerRecord {
  Answer answer;
  std::string error;  // not empty: no answer, and why
};

struct RecipeRun {
  std::vector<std::vector<Evidence>> evidence;     // one a question
  std::vector<std::vector<AnswerRecord>> answers;  // [question][repeat]
  eval::RecipeCost cost;
  int64_t computed = 0;
  int64_t cached = 0;
};

struct RunOptions {
  int repeats = 1;
  bool fresh = false;
  int64_t latency_questions = 20;
  bool retrieval_only = false;
  std::string cost_key;          // what the costs depend on besides the recipe
  std::function<void()> forget;  // called before a question is measured: nothing may be cached
  // The models that searches ask, which remember nothing while costs are measured; empty: none.
  std::function<std::vector<CachedGenerator*>()> asked;
  std::function<void()> on_answer;  // a step of the progress; may come from any thread
};

// Errors of one question are recorded and the others go on (conventions, C17).
RecipeRun run_recipe(const CompiledRecipe& recipe, std::span<const Query> queries,
                     AnswerCache& cache, const RunOptions& options);

}  // namespace ondol::app
