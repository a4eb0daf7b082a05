// The strategy slot of a recipe: it wraps a generator and turns one built question into one answer.
//
//   std::unique_ptr<Strategy> strategy = make_strategy({.kind = "single"});
//   Answer answer = strategy->answer(generator, task);
//
// A strategy is a file and a row of strategy.cpp. Strategies are stateless and thread-safe; a
// question with choices is answered by the log-likelihood of each choice where the generator can
// score.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "infer/generator.h"
#include "prompt/builder.h"
#include "prompt/config.h"

namespace ondol::prompt {

// `decode = {...}` of a recipe.
struct DecodeConfig {
  int64_t tokens_max = 48;
  std::vector<std::string> stop;
  SamplerOptions sampler;
};

// One question on its way to an answer.
struct Task {
  const Query& query;
  std::span<const Evidence> evidence;
  const PromptBuilder& builder;
  const DecodeConfig& decode;
  // Set for interactive use: called with text as it is generated; return false to cancel.
  std::function<bool(const StreamEvent&)> on_text;
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual Answer answer(Generator& generator, const Task& task) const = 0;
};

struct StrategyInfo {
  std::string_view kind;
  std::string_view summary;
  std::unique_ptr<Strategy> (*make)(const StrategyConfig& config);
};
std::span<const StrategyInfo> strategy_registry();
// Throws Error(kInvalidArgument) naming the known kinds.
std::unique_ptr<Strategy> make_strategy(const StrategyConfig& config);

// ---- shared by strategies ----

// Scores the choices after `prompt`, fills text and choice_log_likelihoods.
void answer_by_choices(Generator& generator, const PromptInput& prompt, const Query& query,
                       Answer& answer);
void add_usage(Answer& answer, const GenerateResult& result);
// Marks a text that says "unknown" as a refusal.
void settle(Answer& answer, std::string_view text, std::string_view marker);

std::unique_ptr<Strategy> make_single(const StrategyConfig& config);
std::unique_ptr<Strategy> make_two_stage(const StrategyConfig& config);
std::unique_ptr<Strategy> make_self_consistency(const StrategyConfig& config);
std::unique_ptr<Strategy> make_document_mixture(const StrategyConfig& config);
std::unique_ptr<Strategy> make_map_reduce(const StrategyConfig& config);

}  // namespace ondol::prompt
