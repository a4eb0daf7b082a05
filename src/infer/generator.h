// Text from a model, in this process or from a remote service: the seam everything above the engine
// uses (architecture, contract 7).
//
//   LocalGenerator generator(load_model(path, ...), {.threads = 2});
//   GenerateRequest request;
//   request.prompt = Prompt{.messages = {{"user", "Why is the sky blue?"}}};
//   GenerateResult result = generator.submit(std::move(request))->wait();
//
// Thread-safe. One engine thread owns the model, its pool and its pages; callers only wait.
// Requests join and leave the running batch at any step, and no result depends on what else was in
// the batch.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "infer/slots.h"
#include "infer/token_mask.h"
#include "text/tokenizer.h"

namespace ondol {

using text::TokenId;

struct LoadedAdapter;  // models/adapter_file.h

// How the next token is chosen, applied in this order: logit bias, penalties, temperature, top-k,
// top-p, min-p.
struct SamplerOptions {
  double temperature = 0.0;  // softmax(z / t); 0: the most likely token, ties to the lowest id
  int64_t top_k = 0;         // keep the k most likely; 0: all
  double top_p = 1.0;        // keep the smallest set of probability >= p
  double min_p = 0.0;        // drop tokens below min_p times the most likely one
  double repetition_penalty =
      1.0;  // of tokens in prompt or answer: z / p if z > 0, else z * p (CTRL)
  double presence_penalty = 0.0;   // subtracted once from tokens already in the answer
  double frequency_penalty = 0.0;  // subtracted a time each occurrence in the answer
  uint64_t seed = 0;
  std::map<TokenId, float> logit_bias;
};

// Throws Error(kInvalidArgument) naming the field that is out of range.
void check_sampler(const SamplerOptions& options);

struct RawText {
  std::string text;  // no chat template; the tokenizer's own BOS rule applies
};
using PromptInput = std::variant<Prompt, RawText, std::vector<TokenId>>;

struct TokenLogprob {
  TokenId id = 0;
  double logprob = 0;  // of the model's own distribution, before bias, penalties and temperature
  std::vector<std::pair<TokenId, double>> top;  // the most likely ones, best first
};

struct StreamEvent {
  int64_t sample = 0;
  std::string text;  // whole UTF-8 characters, never a part of a stop string
};

struct GeneratedSample {
  std::string text;
  std::vector<TokenId> ids;   // without the token that ended it
  std::string finish_reason;  // "stop", "length", "cancelled"
  std::vector<TokenLogprob> logprobs;
};

struct GenerateRequest {
  PromptInput prompt;
  int64_t tokens_max = 256;
  SamplerOptions sampler;
  std::vector<std::string> stop;  // not part of the answer; at most kStopStringsMax
  int64_t samples = 1;            // answers to one prompt, which is prefilled once
  int priority = 0;  // -kPriorityMax to kPriorityMax; higher first, in order of arrival within
  bool logprobs = false;
  int64_t logprobs_top = 0;  // alternatives a token, 0 to kLogprobsTopMax
  // Which tokens may come; null: all. Every sample works on a clone of it.
  std::shared_ptr<const TokenMask> mask;
  // A JSON Schema that the answer follows; empty: none. Instead of a mask, and unlike it for any
  // generator whose capabilities().json_schema is true.
  std::string json_schema;
  // Chunks that the prompt quotes: what is remembered of the answer goes when one of them goes.
  std::vector<int64_t> sources;
  bool remember = true;  // false: nothing is, as the prompt holds what nobody can name
  // Added to the weights, unmerged, for this request alone; null: none. Requests with different
  // adapters share a batch; it must have been read for the generator's model.
  std::shared_ptr<const LoadedAdapter> adapter;
  // Called on the engine thread; return false to cancel. Must not call the generator.
  std::function<bool(const StreamEvent&)> on_text;
  // Called on the engine thread when a sample has ended by itself; return false to cancel the
  // others.
  std::function<bool(int64_t sample, const GeneratedSample&)> on_sample;
};
// Throws Error(kInvalidArgument) naming the field that is out of range.
void check_request(const GenerateRequest& request);
inline constexpr size_t kStopStringsMax = 16;
inline constexpr int64_t kLogprobsTopMax = 20;
inline constexpr int64_t kSamplesMax = 64;
inline constexpr int kPriorityMax = 100;

struct GenerateResult {
  std::vector<GeneratedSample> samples;
  Usage usage;
  int64_t drafted_tokens = 0;   // guessed ahead and computed (speculation)
  int64_t accepted_tokens = 0;  // of them, what the model then said itself
  double milliseconds_queued = 0;
  double milliseconds_to_first_token = 0;  // from start of the prefill
  double milliseconds_total = 0;
};

class Generation {
 public:
  virtual ~Generation() = default;    // cancels if still running
  virtual GenerateResult wait() = 0;  // rethrows what ended the request
  virtual void cancel() = 0;
};

// Log-likelihood of given continuations after one prompt.
struct ScoreRequest {
  PromptInput prompt;
  std::vector<std::string> continuations;                  // text put right after the prompt
  std::shared_ptr<const LoadedAdapter> adapter = nullptr;  // as of GenerateRequest
};
struct Score {
  double log_likelihood = 0;  // natural logarithm, summed over the continuation's tokens
  int64_t tokens = 0;
  bool greedy = false;                        // every token was the most likely one
  std::vector<double> token_log_likelihoods;  // of each token of the continuation, in order
};

struct GeneratorCapabilities {
  bool logprobs = false;
  bool score = false;
  bool json_schema = false;
  int64_t context_tokens_max = 0;
};

class Generator {
 public:
  virtual ~Generator() = default;
  virtual std::unique_ptr<Generation> submit(GenerateRequest request) = 0;
  // Throws Error(kUnsupported) where capabilities().score is false.
  virtual std::vector<Score> score(const ScoreRequest& request) = 0;
  virtual GeneratorCapabilities capabilities() const = 0;
  virtual int64_t count_tokens(const PromptInput& prompt) const = 0;
  // What results depend on: weights, precision, instruction set, numerics version (contract 9).
  virtual std::string id() const = 0;

  GenerateResult generate(GenerateRequest request) { return submit(std::move(request))->wait(); }
};

}  // namespace ondol
