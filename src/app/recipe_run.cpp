#include "app/recipe_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "app/process_stats.h"
#include "base/error.h"
#include "base/sha256.h"
#include "ground/cite.h"

namespace ondol::app {
namespace {

// Questions in flight at once: enough to fill a batch, few enough that their pages fit in memory.
constexpr int kAnswerWorkers = 8;

void answer_one(const CompiledRecipe& recipe, const Query& query,
                const std::vector<Evidence>& evidence, uint64_t repeat, AnswerCache& cache,
                bool fresh, AnswerRecord& record, std::atomic<int64_t>& computed) {
  try {
    const std::string key = sha256_hex(recipe.fingerprint(query, evidence, repeat));
    if (!fresh) {
      if (auto found = cache.find(key)) {
        record.answer = std::move(*found);
        record.answer.evidence = evidence;
        if (!record.answer.refused)
          record.answer.citations = ground::cite(record.answer.text, evidence);
        return;
      }
    }
    record.answer = recipe.answer_from(query, evidence, {.repeat = repeat});
    cache.put(key, record.answer);
    ++computed;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kResourceExhausted || error.code() == ErrorCode::kCancelled)
      throw;
    record.error = error.what();
  }
}

void answer_all(const CompiledRecipe& recipe, std::span<const Query> queries, AnswerCache& cache,
                const RunOptions& options, RecipeRun& run) {
  const size_t repeats = recipe.is_random() ? static_cast<size_t>(options.repeats) : 1;
  const size_t jobs = queries.size() * repeats;
  std::atomic<size_t> next{0};
  std::atomic<int64_t> computed{0};
  std::atomic<bool> failed{false};
  std::exception_ptr failure;
  const auto work = [&] {
    for (size_t job = next++; job < jobs && !failed; job = next++) {
      const size_t q = job / repeats, repeat = job % repeats;
      try {
        answer_one(recipe, queries[q], run.evidence[q], repeat, cache, options.fresh,
                   run.answers[q][repeat], computed);
        if (options.on_answer) options.on_answer();
      } catch (...) {
        if (!failed.exchange(true)) failure = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < kAnswerWorkers; ++w) workers.emplace_back(work);
  }
  if (failure) std::rethrow_exception(failure);
  for (auto& of_question : run.answers) {  // the same answer again where nothing is random
    for (size_t repeat = repeats; repeat < of_question.size(); ++repeat)
      of_question[repeat] = of_question[0];
  }
  run.computed = computed;
  run.cached = static_cast<int64_t>(jobs) - computed;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

// What searches ask of models while this lives is asked anew and counted.
class ColdModels {
 public:
  explicit ColdModels(std::vector<CachedGenerator*> models) : models_(std::move(models)) {
    before_ = spent();
    for (CachedGenerator* model : models_) model->set_recall(false);
  }
  ~ColdModels() {
    for (CachedGenerator* model : models_) model->set_recall(true);
  }
  ColdModels(const ColdModels&) = delete;
  ColdModels& operator=(const ColdModels&) = delete;
  int64_t prompt_tokens() const { return spent().prompt_tokens - before_.prompt_tokens; }
  int64_t completion_tokens() const {
    return spent().completion_tokens - before_.completion_tokens;
  }

 private:
  GenerationSpent spent() const {
    GenerationSpent all;
    for (const CachedGenerator* model : models_) {
      const GenerationSpent one = model->spent();
      all.prompt_tokens += one.prompt_tokens;
      all.completion_tokens += one.completion_tokens;
    }
    return all;
  }
  std::vector<CachedGenerator*> models_;
  GenerationSpent before_;
};

// One question after the other, as a single user would meet the recipe.
eval::RecipeCost measure(const CompiledRecipe& recipe, std::span<const Query> queries,
                         const RunOptions& options) {
  const size_t count = std::min(queries.size(), static_cast<size_t>(options.latency_questions));
  std::vector<double> latency, first_token;
  int64_t tokens_in = 0, tokens_out = 0;
  const ColdModels searches(options.asked ? options.asked() : std::vector<CachedGenerator*>());
  reset_peak_rss();
  const double cpu_before = process_cpu_seconds();
  for (size_t q = 0; q < count; ++q) {
    if (options.forget) options.forget();
    const auto start = std::chrono::steady_clock::now();
    try {
      if (options.retrieval_only) {
        recipe.retrieve_all(queries.subspan(q, 1));
      } else {
        const Answer answer = recipe.answer(queries[q], {});
        tokens_in += answer.usage.prompt_tokens;
        tokens_out += answer.usage.completion_tokens;
        if (answer.milliseconds_to_first_token > 0) {
          first_token.push_back(answer.milliseconds_to_first_token / 1000);
        }
      }
    } catch (const Error&) {
      continue;  // recorded by the other pass
    }
    latency.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (options.on_answer) options.on_answer();
  }
  tokens_in += searches.prompt_tokens();
  tokens_out += searches.completion_tokens();
  const double n = std::max<double>(1, static_cast<double>(count));
  return {.latency_p50_s = quantile(latency, 0.5),
          .latency_p95_s = quantile(latency, 0.95),
          .first_token_p50_s = quantile(first_token, 0.5),
          .tokens_in = static_cast<double>(tokens_in) / n,
          .tokens_out = static_cast<double>(tokens_out) / n,
          .cpu_s = (process_cpu_seconds() - cpu_before) / n,
          .peak_memory_bytes = static_cast<double>(process_peak_rss_bytes()),
          .latency_questions = static_cast<int64_t>(latency.size())};
}

std::string cost_text(const eval::RecipeCost& c) {
  return nlohmann::json({c.latency_p50_s, c.latency_p95_s, c.first_token_p50_s, c.tokens_in,
                         c.tokens_out, c.cpu_s, c.peak_memory_bytes, c.latency_questions})
      .dump();
}

std::optional<eval::RecipeCost> parse_cost(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto v = nlohmann::json::parse(*text, nullptr, false);
  if (!v.is_array() || v.size() != 8) return std::nullopt;
  return eval::RecipeCost{.latency_p50_s = v[0],
                          .latency_p95_s = v[1],
                          .first_token_p50_s = v[2],
                          .tokens_in = v[3],
                          .tokens_out = v[4],
                          .cpu_s = v[5],
                          .peak_memory_bytes = v[6],
                          .latency_questions = v[7]};
}

void measure_or_recall(const CompiledRecipe& recipe, std::span<const Query> queries,
                       AnswerCache& cache, const RunOptions& options, RecipeRun& run) {
  if (options.latency_questions == 0) return;
  std::string depends = "cost\n" + options.cost_key + recipe_toml(recipe.resolved()) +
                        (options.retrieval_only ? "retrieval" : "answers");
  const size_t count = std::min(queries.size(), static_cast<size_t>(options.latency_questions));
  for (const Query& query : queries.first(count)) depends += "\n" + query.text;
  const std::string key = sha256_hex(depends);
  const auto known = options.fresh ? std::nullopt : parse_cost(cache.find_text(key));
  if (known) {
    run.cost = *known;
    for (size_t q = 0; options.on_answer && q < count; ++q) options.on_answer();
    return;
  }
  run.cost = measure(recipe, queries, options);
  cache.put_text(key, cost_text(run.cost));
}

}  // namespace

RecipeRun run_recipe(const CompiledRecipe& recipe, std::span<const Query> queries,
                     AnswerCache& cache, const RunOptions& options) {
  RecipeRun run;
  run.evidence = recipe.retrieve_all(queries);
  run.answers.assign(queries.size(),
                     std::vector<AnswerRecord>(static_cast<size_t>(options.repeats)));
  if (options.retrieval_only) {
    for (size_t q = 0; q < queries.size(); ++q) {
      for (AnswerRecord& record : run.answers[q]) record.answer.evidence = run.evidence[q];
      if (options.on_answer) options.on_answer();
    }
  } else {
    answer_all(recipe, queries, cache, options, run);
  }
  measure_or_recall(recipe, queries, cache, options, run);
  return run;
}

}  // namespace ondol::app
