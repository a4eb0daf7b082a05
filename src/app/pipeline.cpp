#include "app/pipeline.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "ground/cite.h"
#include "ground/refusal.h"
#include "infer/adapted_generator.h"
#include "infer/local_generator.h"
#include "prompt/answer_text.h"

namespace ondol::app {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// "4 passages", and who found them: a router says what it chose.
std::string retrieval_text(std::span<const Evidence> evidence) {
  std::set<std::string> providers;
  for (const Evidence& piece : evidence) providers.insert(piece.provider);
  std::string text = std::to_string(evidence.size()) + " passages";
  for (const std::string& provider : providers) {
    text += (provider == *providers.begin() ? " of " : ", ") + provider;
  }
  return text;
}

}  // namespace

Query to_query(const eval::Question& question) {
  return {.id = question.id, .text = question.question, .choices = question.choices};
}

std::vector<prompt::Example> to_examples(std::span<const eval::Question> train) {
  std::vector<prompt::Example> examples;
  for (const eval::Question& question : train) {
    std::string answer;
    if (question.answer_index) {
      answer = question.choices.at(static_cast<size_t>(*question.answer_index));
    } else if (!question.answers.empty()) {
      answer = question.answers[0];
    } else {
      continue;
    }
    examples.push_back({question.id, question.question, answer, question.choices});
  }
  return examples;
}

CompiledRecipe::CompiledRecipe(const Recipe& recipe, const Resources& resources)
    : recipe_(recipe),
      resources_(resources),
      builder_(recipe.prompt, to_examples(resources.train), resources.embedder),
      strategy_(prompt::make_strategy(recipe.strategy)) {
  if (!recipe_.knowledge.empty() && resources_.corpus == nullptr) {
    throw Error(ErrorCode::kNotFound,
                "[recipe] '" + recipe_.name +
                    "' needs documents, and nothing is ingested; try `ondol ingest`");
  }
  for (const KnowledgeConfig& knowledge : recipe_.knowledge) {
    retrievers_.push_back(ground::make_retriever(knowledge.retriever, *resources_.corpus));
  }
  if (recipe_.refusal.mode == "fixed") refuse_below_ = recipe_.refusal.threshold;
}

bool CompiledRecipe::wants_refusal_fit() const {
  return !retrievers_.empty() && recipe_.refusal.mode == "train" && refuse_below_ == 0;
}

Recipe CompiledRecipe::resolved() const {
  Recipe resolved = recipe_;
  if (!retrievers_.empty() && recipe_.refusal.mode == "train") {
    resolved.refusal = {.mode = "fixed", .threshold = refuse_below_};
  }
  return resolved;
}

std::vector<std::vector<Evidence>> CompiledRecipe::retrieve_all(
    std::span<const Query> queries) const {
  std::vector<std::vector<Evidence>> found(queries.size());
  for (size_t r = 0; r < retrievers_.size(); ++r) {
    auto lists =
        retrievers_[r]->retrieve_all(queries, static_cast<size_t>(recipe_.knowledge[r].top_k));
    for (size_t q = 0; q < queries.size(); ++q) {
      std::set<int64_t> seen;
      for (const Evidence& piece : found[q]) seen.insert(piece.chunk_id);
      for (Evidence& piece : lists[q]) {
        if (seen.insert(piece.chunk_id).second) found[q].push_back(std::move(piece));
      }
    }
  }
  return found;
}

std::vector<std::string> CompiledRecipe::take_notices() const {
  std::vector<std::string> all;
  for (const auto& retriever : retrievers_) {
    for (std::string& notice : retriever->take_notices()) all.push_back(std::move(notice));
  }
  return all;
}

prompt::DecodeConfig CompiledRecipe::decode_for(uint64_t repeat) const {
  prompt::DecodeConfig decode = recipe_.decode;
  decode.sampler.seed += repeat;
  return decode;
}

bool CompiledRecipe::is_random() const {
  return recipe_.decode.sampler.temperature > 0 || recipe_.strategy.kind == "self-consistency";
}

bool CompiledRecipe::refuses(const Query& query, std::span<const Evidence> evidence) const {
  return !retrievers_.empty() && refuse_below_ > 0 &&
         ground::evidence_support(query, evidence) < refuse_below_;
}

Answer CompiledRecipe::answer(const Query& query, const AnswerOptions& options) const {
  const auto start = Clock::now();
  std::vector<Evidence> evidence = std::move(retrieve_all(std::span(&query, 1))[0]);
  const double retrieval = milliseconds_since(start);
  Answer answer = answer_from(query, std::move(evidence), options);
  if (!retrievers_.empty()) {
    answer.trace.insert(answer.trace.begin(),
                        {"retrieve", retrieval_text(answer.evidence), retrieval});
    for (const std::string& notice : take_notices()) {
      answer.trace.insert(answer.trace.begin() + 1, {"retrieve", notice, 0});
    }
  }
  answer.milliseconds += retrieval;
  if (answer.milliseconds_to_first_token > 0) answer.milliseconds_to_first_token += retrieval;
  return answer;
}

Answer CompiledRecipe::answer_from(const Query& query, std::vector<Evidence> evidence,
                                   const AnswerOptions& options) const {
  const auto start = Clock::now();
  Answer answer;
  if (refuses(query, evidence)) {
    answer.text = prompt::kRefusal;
    answer.refused = true;
    answer.finish_reason = "stop";
    if (options.on_text) options.on_text({0, answer.text});
  } else {
    const prompt::DecodeConfig decode = decode_for(options.repeat);
    answer = strategy_->answer(*resources_.generator, {.query = query,
                                                       .evidence = evidence,
                                                       .builder = builder_,
                                                       .decode = decode,
                                                       .on_text = options.on_text});
  }
  if (!answer.refused) answer.citations = ground::cite(answer.text, evidence);
  answer.evidence = std::move(evidence);
  answer.milliseconds = milliseconds_since(start);
  return answer;
}

std::string CompiledRecipe::models_id() const {
  return (resources_.generator ? resources_.generator->id() : "") + "|" +
         (resources_.embedder ? resources_.embedder->id() : "");
}

std::string CompiledRecipe::fingerprint(const Query& query, std::span<const Evidence> evidence,
                                        uint64_t repeat) const {
  nlohmann::json key;
  key["generator"] = resources_.generator->id();
  if (refuses(query, evidence)) {
    key["refused"] = true;
  } else {
    const Prompt prompt = builder_.build(query, evidence);
    for (const auto& message : prompt.messages) {
      key["messages"].push_back({message.role, message.content, message.extra_json});
    }
    key["prefill"] = prompt.prefill;
    key["style"] = builder_.style().name;
    if (!query.choices.empty()) {
      key["choices"] = query.choices;
      key["raw"] = builder_.build_for_choices(query, evidence).text;
    }
    Recipe how = recipe_;  // strategy and decoding, with every field
    how.name = how.description = how.model = how.adapter = "";  // the generator says which
    how.knowledge.clear();
    how.prompt = {};
    how.refusal = {};
    how.decode = decode_for(is_random() ? repeat : 0);
    key["how"] = recipe_toml(how);
  }
  return key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string CompiledRecipe::prompt_text(const Query& query,
                                        std::span<const Evidence> evidence) const {
  const Generator* generator = resources_.generator;
  if (const auto* adapted = dynamic_cast<const AdaptedGenerator*>(generator)) {
    generator = &adapted->base();
  }
  const auto* local = dynamic_cast<const LocalGenerator*>(generator);
  if (refuses(query, evidence)) return "";
  if (!query.choices.empty() && builder_.style().answer_marker.empty()) {
    return builder_.build_for_choices(query, evidence).text;
  }
  const Prompt prompt = builder_.build(query, evidence);
  if (local != nullptr) return local->prompt_text(prompt);
  std::string text;
  for (const auto& message : prompt.messages) text += message.role + ": " + message.content + "\n";
  return text + prompt.prefill;
}

}  // namespace ondol::app
