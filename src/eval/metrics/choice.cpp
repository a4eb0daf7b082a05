// Multiple choice by log-likelihood, as lm-evaluation-harness 0.4 defines it (api/task.py,
// process_results of multiple_choice): acc = argmax ll, acc_norm = argmax ll / characters,
// acc_bytes = argmax ll / UTF-8 bytes; lengths of the choice text without the delimiter before it.
#include <algorithm>

#include "base/error.h"
#include "eval/metrics.h"
#include "text/fold.h"

namespace ondol::eval {

int best_choice(std::span<const double> log_likelihoods, std::span<const std::string> choices,
                ChoiceNormalization normalization) {
  if (choices.empty() || log_likelihoods.size() != choices.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[choice] one log-likelihood a choice is needed; got " +
                    std::to_string(log_likelihoods.size()) + " for " +
                    std::to_string(choices.size()) + " choices");
  }
  std::vector<double> values(log_likelihoods.begin(), log_likelihoods.end());
  for (size_t i = 0; i < values.size(); ++i) {
    size_t length = 1;
    if (normalization == ChoiceNormalization::kBytes) length = choices[i].size();
    if (normalization == ChoiceNormalization::kCharacters) {
      length = text::to_code_points(choices[i]).size();
    }
    values[i] /= static_cast<double>(std::max<size_t>(length, 1));
  }
  return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace ondol::eval
