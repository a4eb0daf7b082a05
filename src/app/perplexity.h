// How well a model predicts a text.
//
//   PerplexityResult r = measure_perplexity(generator, text, {.context = 512}, progress);
//
// The text is tokenised once, as plain text and without BOS, and cut into windows of `context`
// tokens side by side. In each window, the shorter last one too, every token but the first is
// scored given the tokens before it in the window.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/progress.h"
#include "infer/local_generator.h"

namespace ondol::app {

struct PerplexityOptions {
  int64_t context = 512;
  size_t limit_bytes = 0;   // use the beginning of the text, up to a whole character; 0: all of it
  OnLogits on_logits = {};  // of every scored token, in order; empty: nobody asks
};

struct PerplexityResult {
  int64_t tokens = 0;     // scored ones
  double nll = 0;         // negative log-likelihood, summed, in nats
  double perplexity = 0;  // exp(nll / tokens)
};

// Throws Error(kInvalidArgument) when the context is larger than the model's or the text has no
// token to score.
PerplexityResult measure_perplexity(LocalGenerator& generator, std::string_view text,
                                    const PerplexityOptions& options, ProgressSink& progress);

// The longest beginning of at most `bytes_max` bytes that ends between UTF-8 characters.
std::string_view cut_utf8(std::string_view text, size_t bytes_max);

}  // namespace ondol::app
