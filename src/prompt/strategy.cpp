#include "prompt/strategy.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "prompt/answer_text.h"

namespace ondol::prompt {
namespace {

constexpr std::array<StrategyInfo, 5> kStrategies = {{
    {"single", "one answer, once", make_single},
    {"two-stage", "reasoning first, then 'therefore the answer is' on top of it", make_two_stage},
    {"self-consistency", "several sampled answers from one prompt, the most frequent one wins",
     make_self_consistency},
    {"document-mixture", "each passage by itself, answers weighed over all of them (RAG)",
     make_document_mixture},
    {"map-reduce", "points of batches of evidence, then an answer made of the best points",
     make_map_reduce},
}};

}  // namespace

std::span<const StrategyInfo> strategy_registry() { return kStrategies; }

std::unique_ptr<Strategy> make_strategy(const StrategyConfig& config) {
  std::string known;
  for (const StrategyInfo& info : kStrategies) {
    if (info.kind == config.kind) return info.make(config);
    known += (known.empty() ? "" : ", ") + std::string(info.kind);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "[strategy] kind is '" + config.kind + "'; expected one of " + known);
}

void answer_by_choices(Generator& generator, const PromptInput& prompt, const Query& query,
                       Answer& answer) {
  ScoreRequest request{.prompt = prompt, .continuations = {}};
  for (const std::string& choice : query.choices) request.continuations.push_back(" " + choice);
  for (const Score& score : generator.score(request)) {
    answer.choice_log_likelihoods.push_back(score.log_likelihood);
    answer.usage.completion_tokens += score.tokens;
  }
  answer.usage.prompt_tokens += generator.count_tokens(prompt);
  const auto& scores = answer.choice_log_likelihoods;
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  answer.text = query.choices[static_cast<size_t>(best)];
  answer.finish_reason = "stop";
}

void add_usage(Answer& answer, const GenerateResult& result) {
  answer.usage.prompt_tokens += result.usage.prompt_tokens;
  answer.usage.completion_tokens += result.usage.completion_tokens;
  answer.usage.cached_tokens += result.usage.cached_tokens;
}

void settle(Answer& answer, std::string_view text, std::string_view marker) {
  answer.text = extract_answer(text, marker);
  answer.refused = says_unknown(answer.text);
}

}  // namespace ondol::prompt
