// How well a model answers rows one by one, the right answer given: for tasks that are measured and
// not learned.
//
//   RowScores scores = score_rows(objective, context);
#pragma once

#include "train/trainer.h"

namespace ondol::train {

struct RowScores {
  int64_t rows = 0;
  double loss = 0;      // mean over label tokens
  double accuracy = 0;  // share of label tokens whose target was the likeliest
  // Share of rows of which every label token was: what greedy decoding writes is then the answer,
  // to its end.
  double exact = 0;
};

// Of the objective's validation split, each row a batch of its own.
RowScores score_rows(Objective& objective, const ops::Context& context);

}  // namespace ondol::train
