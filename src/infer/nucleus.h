// Top-p and min-p over distributions so flat that thousands of tokens are kept: weights are added
// up in buckets of equal width in the logit, and only the two buckets in which a boundary lies are
// sorted. The same tokens, in the same order, as with the whole vocabulary sorted. Internal to
// infer.
#pragma once

#include <span>

#include "text/tokenizer.h"

namespace ondol::infer {

struct NucleusOptions {
  double temperature = 1.0;
  double top_p = 1.0;
  double min_p = 0.0;
  float highest = 0;  // the largest logit
  float floor = 0;    // entries below it (and NaN) are not looked at
  double total = 0;   // the weight of all tokens: sum of exp((logit - highest) / temperature)
};

// The kept tokens best first: the one at which their running weight passes `share`, in [0, 1).
text::TokenId draw_from_nucleus(std::span<const float> logits, const NucleusOptions& options,
                                double share);

}  // namespace ondol::infer
