#include "app/perplexity.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace ondol::app {

std::string_view cut_utf8(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  const auto continues = [&](size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U;
  };
  // At most three continuation bytes follow a lead; more are no UTF-8 and are cut where asked.
  for (size_t back = 0; back < 4 && end > 0; ++back) {
    if (!continues(end)) return text.substr(0, end);
    --end;
  }
  return text.substr(0, end == 0 ? 0 : bytes_max);
}

PerplexityResult measure_perplexity(LocalGenerator& generator, std::string_view text,
                                    const PerplexityOptions& options, ProgressSink& progress) {
  const int64_t context_max = generator.capabilities().context_tokens_max;
  if (options.context < 2 || options.context > context_max) {
    throw Error(ErrorCode::kInvalidArgument,
                "[perplexity] the context is " + std::to_string(options.context) +
                    " tokens; expected 2 to " + std::to_string(context_max) +
                    ", what the model was trained for");
  }
  if (options.limit_bytes > 0) text = cut_utf8(text, options.limit_bytes);
  const std::vector<TokenId> ids = generator.model().tokenizer->encode(text, {});
  const size_t window = static_cast<size_t>(options.context);
  PerplexityResult result;
  for (size_t begin = 0; begin < ids.size(); begin += window) {
    progress.update("perplexity", begin, ids.size());
    const size_t count = std::min(window, ids.size() - begin);
    if (count < 2) break;
    for (const double value :
         generator.token_log_likelihoods(std::span(ids).subspan(begin, count), options.on_logits)) {
      result.nll -= value;
      ++result.tokens;
    }
  }
  if (result.tokens == 0) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "[perplexity] the text has " + std::to_string(ids.size()) + " tokens; expected at least 2");
  }
  progress.update("perplexity", ids.size(), ids.size());
  result.perplexity = std::exp(result.nll / static_cast<double>(result.tokens));
  return result;
}

}  // namespace ondol::app
