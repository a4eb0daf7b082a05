// The generator that runs a model in this process. See infer/generator.h for the contract.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "infer/generator.h"
#include "kernels/kernels.h"
#include "models/model.h"

namespace ondol {

namespace infer {
class SchemaMasks;
}

// Guessing the next tokens and computing them in one step. No token depends on it.
enum class Speculation : uint8_t {
  kOff,
  kLookup,  // what followed the last tokens where they stood before, in prompt or answer
};

struct LocalGeneratorOptions {
  // Affects results
  Precision precision = Precision::kFast;
  std::optional<KvType> kv_type;   // nullopt: f32 in exact precision, int8 in fast
  int64_t context_tokens_max = 0;  // 0: what the model was trained for
  std::optional<int64_t> now;      // what a chat template's clock says, seconds since the epoch

  // Affects speed and memory only
  size_t kv_bytes_max = size_t{1} << 29;  // pages of keys and values, running and remembered
  int64_t prefill_tokens_max = 512;  // prompt tokens computed in one step, all requests together
  int64_t sequences_max = 64;        // that decode side by side
  bool prefix_cache = true;          // beginnings computed before are not computed again
  size_t prefix_bytes_max = size_t{1} << 28;  // of kv_bytes_max, kept after a request's end
  std::filesystem::path
      prefix_folder;  // where they are found again after a restart; empty: nowhere
  size_t prefix_folder_bytes_max = size_t{1} << 30;
  Speculation speculation = Speculation::kLookup;
  int64_t draft_tokens = 0;  // guessed at most in one step; 0: as many as pay, by measurement
  // Guesses where the text has nothing to look up: a smaller model of the same tokenizer. With
  // pages of its own, at most kv_bytes_max; null: none.
  std::shared_ptr<const Model> draft_model;
  Profile* profile = nullptr;  // where the engine writes what took how long; null: nowhere

  KvType kv() const {
    return kv_type.value_or(precision == Precision::kExact ? KvType::kF32 : KvType::kI8);
  }
};

// What the engine's pages of keys and values were used for so far.
struct LocalGeneratorStats {
  size_t page_bytes = 0;
  int64_t pages_max = 0;      // that kv_bytes_max holds
  int64_t pages_in_use = 0;   // by running requests and by the prefix cache
  int64_t pages_peak = 0;     // the most in use at any step
  int64_t pages_cached = 0;   // in the prefix cache
  int64_t evictions = 0;      // pages the prefix cache gave back for want of room
  int64_t preemptions = 0;    // running requests put back into the queue for want of room
  int64_t pages_on_disk = 0;  // in prefix_folder
  int64_t pages_loaded = 0;   // from there
  int64_t pages_saved = 0;
  int64_t save_failures = 0;  // after some of them nothing more is written
  std::string save_error;
  int64_t prompt_tokens_computed = 0;  // with those computed again after a preemption
};

// One row of logits, a value a token of the vocabulary.
using OnLogits = std::function<void(std::span<const float> logits)>;

class LocalGenerator final : public Generator {
 public:
  // The model must have a decoder and a tokenizer. The pool belongs to this generator's engine
  // thread until the generator is gone. Throws Error(kUnsupported) for a model that cannot
  // generate.
  LocalGenerator(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                 LocalGeneratorOptions options);
  ~LocalGenerator() override;

  std::unique_ptr<Generation> submit(GenerateRequest request) override;
  std::vector<Score> score(const ScoreRequest& request) override;
  GeneratorCapabilities capabilities() const override;
  int64_t count_tokens(const PromptInput& prompt) const override;
  std::string id() const override;

  // The prompt as the model reads it; throws Error(kUnsupported) for messages when the model has no
  // template.
  std::vector<TokenId> encode(const PromptInput& prompt) const;
  // The prompt as text, special tokens spelled out: for reports and `run --show-prompt`.
  std::string prompt_text(const PromptInput& prompt) const;
  // ln p(ids[i] | ids[0..i)) for i = 1 .. n-1 (one value less than ids). `on_logits`, where given,
  // is called on the engine thread with the logits that each was taken from, in that order; what it
  // throws ends the call.
  std::vector<double> token_log_likelihoods(std::span<const TokenId> ids,
                                            const OnLogits& on_logits = {},
                                            const LoadedAdapter* adapter = nullptr);
  // Forgets every beginning computed before (on disk it stays): for measurements with a cold cache.
  void clear_prefix_cache();
  LocalGeneratorStats stats();  // both wait until no request runs
  const Model& model() const;

 private:
  class Engine;
  std::unique_ptr<infer::SchemaMasks> schemas_;
  std::unique_ptr<Engine> engine_;
};

// Bump when any kernel's order of float operations, the sampler or the numbers of a format change:
// cached results of another version are not used.
inline constexpr int kNumericsVersion = 3;

}  // namespace ondol
