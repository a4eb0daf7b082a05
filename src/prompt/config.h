// The fields of a recipe that this room owns: `prompt = {...}` and `strategy = {...}`.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ondol::prompt {

struct PromptConfig {
  // What the model is asked
  std::string style = "direct";  // a name of styles.h: "direct", "cot"
  std::string system;            // system text; empty: the style's own
  std::string
      user_template;  // user message with {passages} {question} {choices}; empty: the style's own
  std::map<std::string, std::string> variables;  // further {names} for system and user_template
  // Examples of the train split, shown as earlier turns
  int64_t shots = 0;
  std::string select =
      "fixed";        // "fixed" (first ones), "random" (seeded), "nearest" (by embedding)
  uint64_t seed = 0;  // of "random"
};

struct StrategyConfig {
  std::string kind = "single";         // a row of strategy.cpp
  int64_t samples = 5;                 // self-consistency: answers drawn from one prefill
  double temperature = 0.7;            // self-consistency: of those draws (Wang et al. 2022)
  bool adaptive = true;                // self-consistency: stop once no other answer can win
  int64_t reasoning_tokens_max = 128;  // two-stage: of the first stage
  std::string mixture = "sequence";    // document-mixture: "sequence" or "token"
  double document_temperature = 0.2;   // document-mixture: of P(document | question)
  int64_t batch_tokens = 1024;         // map-reduce: of the passages of one call
  int64_t points_tokens_max = 480;     // map-reduce: of the points that one call answers
  int64_t reduce_tokens = 1024;        // map-reduce: of the points that the answer is made of
};

}  // namespace ondol::prompt
