// "The documents do not say": is the evidence about the question at all?
//
//   double support = evidence_support(query, evidence);        // 0 .. 1
//   double threshold = fit_support_threshold(train_examples);  // on the train split only
//   if (support < threshold) refuse();
//
// Support is the best share, over the pieces of evidence, of the question's term weight found in
// that piece; terms weigh by how rare they are among the pieces (a term that none has weighs most),
// function words weigh nothing. Pure and thread-safe.
#pragma once

#include <span>
#include <vector>

#include "infer/slots.h"

namespace ondol::ground {

double evidence_support(const Query& query, std::span<const Evidence> evidence);

struct SupportExample {
  double support = 0;
  bool answerable = false;
};
struct SupportThreshold {
  double threshold = 0;            // refuse below it; 0: never refuse
  double balanced_accuracy = 0.5;  // on the examples it was fitted to
};
// The threshold with the best mean of (answerable kept, unanswerable refused); the lowest of equal
// ones. Examples of one class only give threshold 0.
SupportThreshold fit_support_threshold(std::span<const SupportExample> examples);

}  // namespace ondol::ground
