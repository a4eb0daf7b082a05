#include "train/row_scores.h"

#include <algorithm>

namespace ondol::train {

RowScores score_rows(Objective& objective, const ops::Context& context) {
  RowScores scores;
  ops::LossSum sum;
  int64_t exact = 0;
  scores.rows = static_cast<int64_t>(objective.lengths(Split::kValidation).size());
  for (uint32_t row = 0; row < static_cast<uint32_t>(scores.rows); ++row) {
    const ops::LossSum one = objective.loss(context, Split::kValidation, {&row, 1}, {});
    sum.loss += one.loss;
    sum.tokens += one.tokens;
    sum.correct += one.correct;
    exact += one.tokens > 0 && one.correct == one.tokens ? 1 : 0;
  }
  const auto tokens = static_cast<double>(std::max<int64_t>(1, sum.tokens));
  scores.loss = sum.loss / tokens;
  scores.accuracy = static_cast<double>(sum.correct) / tokens;
  scores.exact =
      static_cast<double>(exact) / static_cast<double>(std::max<int64_t>(1, scores.rows));
  return scores;
}

}  // namespace ondol::train
