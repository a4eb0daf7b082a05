#include "app/bench.h"

#include <algorithm>
#include <limits>

#include "app/process_stats.h"
#include "base/rng.h"

namespace ondol::app {
namespace {

// New tokens for every run, so that nothing computed before can be used again.
GenerateRequest random_request(const Model& model, Rng& rng, int64_t prompt_tokens,
                               int64_t new_tokens) {
  const auto vocabulary = static_cast<uint64_t>(model.tokenizer->vocab_size());
  std::vector<TokenId> ids;
  while (static_cast<int64_t>(ids.size()) < prompt_tokens) {
    const auto id = static_cast<TokenId>(rng.below(vocabulary));
    if (!model.tokenizer->is_control(id)) ids.push_back(id);
  }
  GenerateRequest request{.prompt = std::move(ids), .tokens_max = new_tokens};
  for (const TokenId id : model.tokenizer->end_of_generation()) {
    request.sampler.logit_bias[id] = -std::numeric_limits<float>::infinity();
  }
  return request;
}

BenchRate summarize(int64_t tokens, std::vector<double> rates) {
  BenchRate rate{.tokens = tokens, .all = rates};
  std::sort(rates.begin(), rates.end());
  const size_t middle = rates.size() / 2;
  rate.median = rates.size() % 2 == 1 ? rates[middle] : (rates[middle - 1] + rates[middle]) / 2;
  rate.min = rates.front();
  rate.max = rates.back();
  return rate;
}

}  // namespace

BenchResult bench_model(LocalGenerator& generator, const BenchOptions& options,
                        ProgressSink& progress) {
  Rng rng(options.seed, 0);
  const auto total = static_cast<uint64_t>(options.repetitions) + 1;
  std::vector<double> prefill;
  for (uint64_t run = 0; run < total; ++run) {
    progress.update("prefill", run, total);
    const GenerateResult done =
        generator.generate(random_request(generator.model(), rng, options.prompt_tokens, 1));
    if (run == 0) continue;
    prefill.push_back(static_cast<double>(options.prompt_tokens) * 1e3 /
                      done.milliseconds_to_first_token);
  }
  progress.update("prefill", total, total);
  std::vector<double> decode;
  for (uint64_t run = 0; run < total; ++run) {
    progress.update("decode", run, total);
    // The first token comes out of the prefill: one more, so that new_tokens steps are timed.
    const GenerateResult done =
        generator.generate(random_request(generator.model(), rng, 1, options.new_tokens + 1));
    if (run == 0) continue;
    decode.push_back(static_cast<double>(options.new_tokens) * 1e3 /
                     (done.milliseconds_total - done.milliseconds_to_first_token));
  }
  progress.update("decode", total, total);
  return {.prefill = summarize(options.prompt_tokens, std::move(prefill)),
          .decode = summarize(options.new_tokens, std::move(decode)),
          .peak_rss_bytes = process_peak_rss_bytes()};
}

}  // namespace ondol::app
