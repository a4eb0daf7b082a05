#include "app/bench.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>

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

// One run: sequences that write until the last to begin has made its tokens; the others get room to
// write all the while and are then cancelled.
double decode_rate(LocalGenerator& generator, Rng& rng, const BenchOptions& options) {
  generator.clear_prefix_cache();  // after whatever was cancelled has ended
  const int64_t spare = options.sequences > 1 ? options.sequences * (options.depth / 64 + 2) : 0;
  std::vector<std::unique_ptr<Generation>> running;
  for (int64_t i = 0; i < options.sequences; ++i) {
    const bool last = i + 1 == options.sequences;
    // The first token comes out of the prefill: one more, so that new_tokens steps are timed.
    running.push_back(generator.submit(random_request(
        generator.model(), rng, options.depth, options.new_tokens + 1 + (last ? 0 : spare))));
  }
  const GenerateResult done = running.back()->wait();
  running.clear();  // cancels the others
  return static_cast<double>(options.new_tokens * options.sequences) * 1e3 /
         (done.milliseconds_total - done.milliseconds_to_first_token);
}

// A text of words that each are one token, `tokens` in all with the special ones.
std::string random_text(const LocalEmbedder& embedder, const std::vector<std::string>& words,
                        Rng& rng, int64_t tokens) {
  const int64_t special = embedder.count_tokens("");
  std::string text;
  for (int64_t i = special; i < tokens; ++i) {
    if (!text.empty()) text += ' ';
    text += words[rng.below(words.size())];
  }
  return text;
}

std::vector<std::string> single_token_words(const LocalEmbedder& embedder, const Model& model) {
  const int64_t special = embedder.count_tokens("");
  std::vector<std::string> words;
  for (size_t id = 0; id < model.tokenizer->vocab_size() && words.size() < 2000; id += 7) {
    std::string word = model.tokenizer->token_bytes(static_cast<TokenId>(id));
    if (word.starts_with(' ')) word.erase(0, 1);
    const bool plain = word.size() > 2 && std::all_of(word.begin(), word.end(), [](char c) {
                         return (c >= 'a' && c <= 'z');
                       });
    if (plain && embedder.count_tokens(word) == special + 1) words.push_back(std::move(word));
  }
  if (words.empty()) words.emplace_back("word");
  return words;
}

template <class Run>
std::vector<double> repeat(const char* name, int64_t repetitions, ProgressSink& progress,
                           const Run& run) {
  const auto total = static_cast<uint64_t>(repetitions) + 1;
  std::vector<double> rates;
  for (uint64_t i = 0; i < total; ++i) {
    progress.update(name, i, total);
    const double rate = run();
    if (i > 0) rates.push_back(rate);
  }
  progress.update(name, total, total);
  return rates;
}

}  // namespace

BenchRate rate_of(int64_t tokens, std::vector<double> rates) {
  BenchRate rate{.tokens = tokens, .all = rates};
  std::sort(rates.begin(), rates.end());
  const size_t middle = rates.size() / 2;
  rate.median = rates.size() % 2 == 1 ? rates[middle] : (rates[middle - 1] + rates[middle]) / 2;
  rate.min = rates.front();
  rate.max = rates.back();
  return rate;
}

BenchResult bench_model(LocalGenerator& generator, const BenchOptions& options,
                        ProgressSink& progress) {
  Rng rng(options.seed, 0);
  std::vector<double> prefill = repeat("prefill", options.repetitions, progress, [&] {
    generator.clear_prefix_cache();
    const GenerateResult done =
        generator.generate(random_request(generator.model(), rng, options.prompt_tokens, 1));
    return static_cast<double>(options.prompt_tokens) * 1e3 / done.milliseconds_to_first_token;
  });
  std::vector<double> decode = repeat("decode", options.repetitions, progress,
                                      [&] { return decode_rate(generator, rng, options); });
  return {.prefill = rate_of(options.prompt_tokens, std::move(prefill)),
          .decode = rate_of(options.new_tokens * options.sequences, std::move(decode)),
          .peak_rss_bytes = process_peak_rss_bytes()};
}

BenchRate bench_embedder(LocalEmbedder& embedder, const Model& model,
                         const EmbedBenchOptions& options, ProgressSink& progress) {
  Rng rng(options.seed, 0);
  const std::vector<std::string> words = single_token_words(embedder, model);
  const int64_t tokens = std::min(options.text_tokens, embedder.tokens_max());
  return rate_of(tokens * options.texts, repeat("embed", options.repetitions, progress, [&] {
                   std::vector<std::string> texts;
                   for (int64_t i = 0; i < options.texts; ++i) {
                     texts.push_back(random_text(embedder, words, rng, tokens));
                   }
                   const auto start = std::chrono::steady_clock::now();
                   embedder.embed(texts, {});
                   const std::chrono::duration<double> seconds =
                       std::chrono::steady_clock::now() - start;
                   return static_cast<double>(tokens * options.texts) / seconds.count();
                 }));
}

}  // namespace ondol::app
