// Fitting "the documents do not say" on the train split: the threshold of evidence support that
// scores best there.
//
//   RefusalFit fit = fit_refusal(recipe, train, cache, {});
//   recipe.refuse_below(fit.threshold);
//
// Every train question is answered without refusing; a question counts its answer's score when its
// support reaches the threshold, and 1 or 0 (unanswerable or not) when it does not. So a recipe
// whose answers are good is not silenced to catch a few unanswerable questions, and one whose
// answers are poor refuses more.
#pragma once

#include <optional>
#include <span>

#include "app/recipe_run.h"
#include "app/workspace.h"

namespace ondol::app {

struct RefusalFit {
  double threshold = 0;      // refuse below it; 0: never
  double score_without = 0;  // mean on the train split, never refusing
  double score_with = 0;     // with the threshold
  int64_t questions = 0;
};

struct RefusalExample {
  double support = 0;
  double score = 0;  // of the answer given without refusing
  bool unanswerable = false;
};
inline constexpr double kAnswerableRefusedMax = 0.1;
// The threshold with the best mean among those that refuse at most that share of the answerable
// questions; of equal ones the highest, because what would be answered wrongly is better refused.
// Pure.
RefusalFit best_threshold(std::span<const RefusalExample> examples);

// `recipe` must refuse nothing yet. Answers go through the cache.
RefusalFit fit_refusal(const CompiledRecipe& recipe, std::span<const eval::Question> train,
                       AnswerCache& cache, const RunOptions& options);

// What `ask` and `chat` use until the recipe, or `compare --apply`, fixes a threshold: the last
// fitted one of this very recipe, in .ondol/refusal.json.
void save_refusal(const Workspace& workspace, const Recipe& recipe, double threshold);
std::optional<double> load_refusal(const Workspace& workspace, const Recipe& recipe);

}  // namespace ondol::app
