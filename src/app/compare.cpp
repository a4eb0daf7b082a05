#include "app/compare.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/compare_report.h"
#include "app/opened_corpus.h"
#include "app/refusal_fit.h"
#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"

namespace ondol::app {
namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::vector<eval::EnvironmentRow> environment(Session& session, const Recipe& recipe,
                                              const std::string& embedder,
                                              const QuestionSource& source) {
  const int threads = session.options().threads;
  std::vector<eval::EnvironmentRow> rows = {
      {{"processor", "프로세서"}, cpu_model()},
      {{"kernels", "커널"}, std::string(kernel_isa(best_kernels()))},
      {{"threads", "스레드"}, std::to_string(threads > 0 ? threads : ThreadPool::default_size())},
      {{"precision", "정밀도"},
       session.options().precision == Precision::kExact ? "exact" : "fast"},
      {{"model", "모델"}, recipe.model},
      {{"embedder", "임베더"}, embedder.empty() ? "none" : embedder},
      {{"questions (hash)", "질문 (해시)"}, source.hash.substr(0, 12)}};
  return rows;
}

// What each recipe adds to its weights, by hash.
void add_adapters(const Workspace& workspace, Session& session, const std::vector<Recipe>& recipes,
                  std::vector<eval::EnvironmentRow>& rows) {
  for (const Recipe& recipe : recipes) {
    if (recipe.adapter.empty()) continue;
    const auto adapter = session.adapter(recipe.model, workspace.adapter_path(recipe));
    rows.push_back({{"adapter of " + recipe.name, recipe.name + "의 어댑터"},
                    recipe.adapter + " (" + adapter->hash.substr(0, 12) + ")"});
  }
}

std::vector<Recipe> chosen_recipes(const RecipeBook& book, const std::vector<std::string>& names,
                                   bool retrieval_only) {
  std::vector<Recipe> recipes;
  if (names.empty()) {
    recipes = book.recipes;
    if (retrieval_only) std::erase_if(recipes, [](const Recipe& r) { return r.knowledge.empty(); });
  }
  for (const std::string& name : names) recipes.push_back(book.recipe(name));
  if (recipes.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "[compare] ondol.toml has no recipe to compare");
  }
  return recipes;
}

std::vector<Query> to_queries(const std::vector<eval::Question>& questions) {
  std::vector<Query> queries;
  for (const eval::Question& question : questions) queries.push_back(to_query(question));
  return queries;
}

// Counts steps of the whole comparison, so that the time left is that of the whole.
class Steps {
 public:
  Steps(ProgressSink& progress, uint64_t total) : progress_(progress), total_(total) {}
  void name(const std::string& stage) { stage_ = stage; }
  void step() { progress_.update(stage_, ++done_, total_); }
  void skip_to(uint64_t done) { done_ = done; }

 private:
  ProgressSink& progress_;
  uint64_t total_;
  std::atomic<uint64_t> done_{0};
  std::string stage_;
};

void write_outcome(const Workspace& workspace, CompareOutcome& outcome,
                   const std::vector<ComparedRecipe>& compared, const CompareOptions& options) {
  outcome.folder = workspace.make_run(options.retrieval_only ? "search" : "compare");
  write_file_atomic(outcome.folder / "report.json", eval::report_json(outcome.report));
  write_file_atomic(outcome.folder / "report.html", eval::report_html(outcome.report));
  const eval::Decision& decision = outcome.report.decision;
  if (decision.chosen < 0) return;
  const std::string text = "# " + decision.headline.en + "\n# " + decision.headline.ko +
                           "\n# Made by: " + options.command + ", " + outcome.report.created +
                           "\n\n" +
                           recipe_toml(compared[static_cast<size_t>(decision.chosen)].recipe);
  outcome.recommended = outcome.folder / "recommended.toml";
  write_file_atomic(outcome.recommended, text);
}

// Without unanswerable train questions the best threshold is to answer everything.
bool can_fit_refusal(const QuestionSource& source) {
  return std::any_of(source.train.begin(), source.train.end(),
                     [](const eval::Question& question) { return question.unanswerable(); });
}

// Answers the train questions without refusing and fits the threshold on their scores.
void fit_refusal_on_train(const Workspace& workspace, CompiledRecipe& compiled,
                          const QuestionSource& source, AnswerCache& cache, Steps& steps,
                          const CompareOptions& options) {
  const RefusalFit fit = fit_refusal(
      compiled, source.train, cache,
      {.fresh = options.fresh, .latency_questions = 0, .on_answer = [&] { steps.step(); }});
  compiled.refuse_below(fit.threshold);
  save_refusal(workspace, compiled.recipe(), fit.threshold);
}

// Steps of the progress that one recipe takes.
uint64_t steps_of(const Recipe& recipe, const QuestionSource& source,
                  const CompareOptions& options) {
  const uint64_t questions = source.asked.size();
  const bool fits = !options.retrieval_only && !recipe.knowledge.empty() &&
                    recipe.refusal.mode == "train" && can_fit_refusal(source);
  return questions +
         std::min<uint64_t>(static_cast<uint64_t>(options.latency_questions), questions) +
         (fits ? source.train.size() : 0);
}

// All of them before the first answer: what is wrong with the last recipe is said at once.
std::vector<CompiledRecipe> compile_all(const Workspace& workspace,
                                        const std::vector<Recipe>& recipes, Session& session,
                                        const CompareOptions& options, Resources resources) {
  std::vector<CompiledRecipe> compiled;
  for (const Recipe& recipe : recipes) {
    if (!options.retrieval_only) {
      resources.generator = &session.generator(recipe.model, workspace.adapter_path(recipe));
    }
    compiled.emplace_back(recipe, resources);
  }
  return compiled;
}

ComparedRecipe run_one(const Workspace& workspace, CompiledRecipe& recipe,
                       const QuestionSource& source, std::span<const Query> queries,
                       AnswerCache& cache, Steps& steps, Session& session,
                       const OpenedCorpus& opened, const CompareOptions& options) {
  const Recipe& config = recipe.recipe();
  const RecipeBook& book = workspace.book();
  steps.name("compare: " + config.name);
  if (!options.retrieval_only && recipe.wants_refusal_fit() && can_fit_refusal(source)) {
    fit_refusal_on_train(workspace, recipe, source, cache, steps, options);
  }
  std::function<void()> forget;
  if (!options.retrieval_only) {
    forget = [&session, model = config.model] {
      if (!model.starts_with(kEndpointPrefix)) session.local_generator(model).clear_prefix_cache();
    };
  }
  ComparedRecipe done{.recipe = recipe.resolved(),
                      .run = run_recipe(recipe, queries, cache,
                                        {.repeats = options.repeats,
                                         .fresh = options.fresh,
                                         .latency_questions = options.latency_questions,
                                         .retrieval_only = options.retrieval_only,
                                         .cost_key = source.collection + recipe.models_id() +
                                                     book.roles.summarise + "|" + book.roles.judge +
                                                     std::to_string(session.options().threads),
                                         .forget = forget,
                                         .asked = [&] { return opened.asked(); },
                                         .on_answer = [&] { steps.step(); }}),
                      .prompts = {}};
  if (!config.knowledge.empty()) done.run.cost.build_s = source.build_seconds;
  for (size_t q = 0; q < queries.size(); ++q) {
    done.prompts.push_back(
        options.retrieval_only ? "" : recipe.prompt_text(queries[q], done.run.evidence[q]));
  }
  return done;
}

}  // namespace

CompareOutcome compare(const Workspace& workspace, Session& session, const CompareOptions& options,
                       ProgressSink& progress) {
  const RecipeBook& book = workspace.book();
  const std::vector<Recipe> recipes = chosen_recipes(book, options.recipes, options.retrieval_only);
  session.add_endpoints(book.endpoints);
  const QuestionSource source = load_questions(workspace, session, options, recipes, progress);
  const std::vector<Query> queries = to_queries(source.asked);
  const eval::Text power = eval::power_sentence(static_cast<int64_t>(queries.size()));
  progress.notice(options.korean ? power.ko : power.en);

  OpenedCorpus opened(workspace, knowledge_kinds(recipes));
  Embedder* embedder = book.embedder.empty() ? nullptr : &session.embedder(book.embedder);
  ground::Corpus* corpus = opened.corpus(source.collection, embedder, session, book);
  AnswerCache cache(workspace.state() / "cache" / "answers.jsonl");
  uint64_t steps_total = 0, steps_done = 0;
  for (const Recipe& recipe : recipes) steps_total += steps_of(recipe, source, options);
  Steps steps(progress, steps_total);

  CompareOutcome outcome;
  std::vector<ComparedRecipe> compared;
  std::vector<CompiledRecipe> ready =
      compile_all(workspace, recipes, session, options,
                  {.embedder = embedder, .corpus = corpus, .train = source.train});
  for (const std::string& notice : session.take_notices()) progress.notice(notice);
  for (CompiledRecipe& recipe : ready) {
    compared.push_back(
        run_one(workspace, recipe, source, queries, cache, steps, session, opened, options));
    for (const std::string& notice : recipe.take_notices()) {
      progress.notice(recipe.recipe().name + ": " + notice);
    }
    outcome.answers_computed += compared.back().run.computed;
    outcome.answers_cached += compared.back().run.cached;
    steps.skip_to(steps_done += steps_of(recipe.recipe(), source, options));
  }
  std::vector<eval::EnvironmentRow> rows = environment(session, recipes[0], book.embedder, source);
  if (!options.retrieval_only) add_adapters(workspace, session, recipes, rows);
  outcome.report = build_report(source, options, compared, rows);
  write_outcome(workspace, outcome, compared, options);
  return outcome;
}

void apply_recommendation(const Workspace& workspace, const CompareOutcome& outcome) {
  const int chosen = outcome.report.decision.chosen;
  if (chosen < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "[compare] nothing is recommended, so nothing was applied");
  }
  const eval::ReportRecipe& recipe = outcome.report.recipes[static_cast<size_t>(chosen)];
  write_file_atomic(workspace.config_file(), choose_recipe(read_file(workspace.config_file()),
                                                           recipe.name, recipe.config_text));
}

}  // namespace ondol::app
