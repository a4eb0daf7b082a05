// A recipe made ready to answer: the fixed slots of contract 1 in their order.
//
//   CompiledRecipe recipe(config, {.generator = g, .embedder = e, .corpus = c, .train = train});
//   Answer answer = recipe.answer(query, {});
//
// weights -> context providers -> refusal filter -> prompt builder -> strategy -> citations.
// Thread-safe; what it is given must outlive it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/recipe.h"
#include "eval/question.h"
#include "ground/retriever.h"
#include "prompt/strategy.h"

namespace ondol::app {

struct Resources {
  Generator* generator = nullptr;    // null: retrieval only
  Embedder* embedder = nullptr;      // null: lexical search only
  ground::Corpus* corpus = nullptr;  // null: nothing is ingested
  std::span<const eval::Question>
      train;  // examples and the refusal threshold come from here, nothing else
};

struct AnswerOptions {
  uint64_t repeat = 0;  // moves the seed, so that repeats differ at a temperature above 0
  std::function<bool(const StreamEvent&)> on_text;
};

class CompiledRecipe {
 public:
  CompiledRecipe(const Recipe& recipe, const Resources& resources);

  const Recipe& recipe() const { return recipe_; }
  // The recipe with everything that was fitted written down, as `recommended.toml` has it.
  Recipe resolved() const;

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries) const;
  Answer answer(const Query& query, const AnswerOptions& options) const;
  Answer answer_from(const Query& query, std::vector<Evidence> evidence,
                     const AnswerOptions& options) const;
  // Everything that decides the answer to this query, as text: the key of cached results (contract
  // 9).
  std::string fingerprint(const Query& query, std::span<const Evidence> evidence,
                          uint64_t repeat) const;
  // What searches have to tell since the last call (Retriever::take_notices).
  std::vector<std::string> take_notices() const;
  // The models it runs with, as their ids.
  std::string models_id() const;
  Prompt prompt(const Query& query, std::span<const Evidence> evidence) const {
    return builder_.build(query, evidence);
  }
  // The prompt as the model reads it, for reports.
  std::string prompt_text(const Query& query, std::span<const Evidence> evidence) const;
  bool refuses(const Query& query, std::span<const Evidence> evidence) const;
  // Refuses from now on when the support of the evidence is below it; 0: never. Before the first
  // answer.
  void refuse_below(double threshold) { refuse_below_ = threshold; }
  // True when mode "train" asks for a threshold that is not set yet.
  bool wants_refusal_fit() const;
  // False when every repeat gives the same answer.
  bool is_random() const;

 private:
  prompt::DecodeConfig decode_for(uint64_t repeat) const;

  Recipe recipe_;
  Resources resources_;
  std::vector<std::unique_ptr<ground::Retriever>> retrievers_;
  prompt::PromptBuilder builder_;
  std::unique_ptr<prompt::Strategy> strategy_;
  double refuse_below_ = 0;
};

Query to_query(const eval::Question& question);
// Solved questions as examples; unanswerable ones are left out.
std::vector<prompt::Example> to_examples(std::span<const eval::Question> train);

}  // namespace ondol::app
