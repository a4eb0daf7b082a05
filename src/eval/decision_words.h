// The decision in plain sentences, English and Korean.
#pragma once

#include "eval/decision.h"

namespace ondol::eval {

// Fills headline and reasons from everything else in `decision`.
void explain(const DecisionInput& input, Decision& decision);

std::string points(double score_difference);  // 0.0412 -> "4.1"
std::string of_hundred(double score);         // 0.4167 -> "42"

}  // namespace ondol::eval
