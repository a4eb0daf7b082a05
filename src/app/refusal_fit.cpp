#include "app/refusal_fit.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "eval/metrics.h"
#include "ground/refusal.h"

namespace ondol::app {
namespace {

double mean_score(std::span<const RefusalExample> examples, double threshold) {
  double sum = 0;
  for (const RefusalExample& e : examples) {
    const bool refused = e.support < threshold;
    sum += refused ? (e.unanswerable ? 1.0 : 0.0) : e.score;
  }
  return sum / static_cast<double>(examples.size());
}

// The share of answerable questions that a threshold refuses.
double answerable_refused(std::span<const RefusalExample> examples, double threshold) {
  double refused = 0, answerable = 0;
  for (const RefusalExample& e : examples) {
    if (e.unanswerable) continue;
    answerable += 1;
    refused += e.support < threshold ? 1 : 0;
  }
  return answerable > 0 ? refused / answerable : 1;
}

std::filesystem::path refusal_file(const Workspace& workspace) {
  return workspace.state() / "refusal.json";
}

nlohmann::json read_refusals(const Workspace& workspace) {
  if (!std::filesystem::exists(refusal_file(workspace))) return nlohmann::json::object();
  auto value = nlohmann::json::parse(read_file(refusal_file(workspace)), nullptr, false);
  return value.is_object() ? value : nlohmann::json::object();
}

}  // namespace

RefusalFit best_threshold(std::span<const RefusalExample> examples) {
  RefusalFit fit{.questions = static_cast<int64_t>(examples.size())};
  if (examples.empty()) return fit;
  fit.score_without = fit.score_with = mean_score(examples, 0);
  std::vector<double> supports;
  for (const RefusalExample& e : examples) supports.push_back(e.support);
  std::sort(supports.begin(), supports.end());
  // Between two neighbours, so that a threshold does not sit on a question.
  for (size_t i = 0; i + 1 < supports.size(); ++i) {
    if (supports[i] == supports[i + 1]) continue;
    const double threshold = (supports[i] + supports[i + 1]) / 2;
    if (answerable_refused(examples, threshold) > kAnswerableRefusedMax) break;
    const double score = mean_score(examples, threshold);
    if (score > fit.score_with - 1e-9) {
      fit.score_with = score;
      fit.threshold = threshold;
    }
  }
  return fit;
}

RefusalFit fit_refusal(const CompiledRecipe& recipe, std::span<const eval::Question> train,
                       AnswerCache& cache, const RunOptions& options) {
  std::vector<Query> queries;
  for (const eval::Question& question : train) queries.push_back(to_query(question));
  const RecipeRun run = run_recipe(recipe, queries, cache, options);
  std::vector<RefusalExample> examples;
  for (size_t q = 0; q < train.size(); ++q) {
    const AnswerRecord& record = run.answers[q][0];
    const eval::GradedAnswer graded{.text = record.answer.text,
                                    .refused = record.answer.refused,
                                    .choice_log_likelihoods = record.answer.choice_log_likelihoods};
    examples.push_back(
        {.support = ground::evidence_support(queries[q], run.evidence[q]),
         .score = record.error.empty() ? eval::score_answer(train[q], graded).value : 0,
         .unanswerable = train[q].unanswerable()});
  }
  return best_threshold(examples);
}

void save_refusal(const Workspace& workspace, const Recipe& recipe, double threshold) {
  nlohmann::json all = read_refusals(workspace);
  all[sha256_hex(recipe_toml(recipe))] = {{"recipe", recipe.name}, {"threshold", threshold}};
  write_file_atomic(refusal_file(workspace), all.dump(1) + "\n");
}

std::optional<double> load_refusal(const Workspace& workspace, const Recipe& recipe) {
  const nlohmann::json all = read_refusals(workspace);
  const auto found = all.find(sha256_hex(recipe_toml(recipe)));
  if (found == all.end() || !found->contains("threshold")) return std::nullopt;
  return found->at("threshold").get<double>();
}

}  // namespace ondol::app
