#include "app/compare.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/compare_report.h"
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

bool needs_documents(const std::vector<Recipe>& recipes) {
  return std::any_of(recipes.begin(), recipes.end(),
                     [](const Recipe& r) { return !r.knowledge.empty(); });
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

}  // namespace

CompareOutcome compare(const Workspace& workspace, Session& session, const CompareOptions& options,
                       ProgressSink& progress) {
  const RecipeBook& book = workspace.book();
  const std::vector<Recipe> recipes = chosen_recipes(book, options.recipes, options.retrieval_only);
  const QuestionSource source = load_questions(workspace, session, options, progress);
  const std::vector<Query> queries = to_queries(source.asked);
  progress.notice(eval::power_sentence(static_cast<int64_t>(queries.size())).en);

  std::unique_ptr<store::Store> store;
  std::unique_ptr<ground::Corpus> corpus;
  Embedder* embedder = book.embedder.empty() ? nullptr : &session.embedder(book.embedder);
  if (needs_documents(recipes)) {
    store = workspace.open_store(store::OpenMode::kRead);
    corpus = std::make_unique<ground::Corpus>(*store, store->open_collection(source.collection),
                                              embedder);
  }
  AnswerCache cache(workspace.state() / "cache" / "answers.jsonl");
  const uint64_t latency =
      std::min<uint64_t>(static_cast<uint64_t>(options.latency_questions), queries.size());
  const uint64_t per_recipe = queries.size() + latency;
  Steps steps(progress, per_recipe * recipes.size());

  CompareOutcome outcome;
  std::vector<ComparedRecipe> compared;
  for (const Recipe& recipe : recipes) {
    steps.name("compare: " + recipe.name);
    Generator* generator = options.retrieval_only ? nullptr : &session.generator(recipe.model);
    const CompiledRecipe compiled(recipe, {.generator = generator,
                                           .embedder = embedder,
                                           .corpus = corpus.get(),
                                           .train = source.train});
    const RunOptions run_options{
        .repeats = options.repeats,
        .fresh = options.fresh,
        .latency_questions = options.latency_questions,
        .retrieval_only = options.retrieval_only,
        .cost_key = source.collection + (generator ? generator->id() : "") +
                    (embedder ? embedder->id() : "") + std::to_string(session.options().threads),
        .on_answer = [&] { steps.step(); }};
    ComparedRecipe done{.recipe = compiled.resolved(),
                        .run = run_recipe(compiled, queries, cache, run_options),
                        .prompts = {}};
    if (!recipe.knowledge.empty()) done.run.cost.build_s = source.build_seconds;
    for (size_t q = 0; q < queries.size(); ++q) {
      done.prompts.push_back(generator ? compiled.prompt_text(queries[q], done.run.evidence[q])
                                       : "");
    }
    outcome.answers_computed += done.run.computed;
    outcome.answers_cached += done.run.cached;
    compared.push_back(std::move(done));
    steps.skip_to(per_recipe * compared.size());
  }
  outcome.report = build_report(source, options, compared,
                                environment(session, recipes[0], book.embedder, source));
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
