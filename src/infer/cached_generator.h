// A generator that remembers what it was told, counts what it asks for, and stops at a limit.
//
//   CachedGenerator model(remote, &outputs, {.tokens_max = 200'000});
//   model.generate(request);                  // asked once, then read from `outputs`
//   model.spent().prompt_tokens
//
// Greedy or seeded, an answer is a function of the generator and the request; those that are
// (one sample, no mask, no stream, no log-probabilities, no adapter of their own, and none that
// says remember = false) are remembered under a hash of both. An answer that ended by itself or at
// its limit of tokens is kept, a cancelled one is not. Thread-safe; generator and outputs outlive
// it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "infer/generator.h"

namespace ondol {

// Where answers are kept. Thread-safe.
class OutputCache {
 public:
  virtual ~OutputCache() = default;
  virtual std::optional<std::string> find(const std::string& key) = 0;
  // `sources`: chunks after whose end nothing of this may be left.
  virtual void put(const std::string& key, const std::string& value,
                   std::span<const int64_t> sources) = 0;
};

struct GenerationLimits {
  int64_t calls_max = 0;   // 0: none
  int64_t tokens_max = 0;  // of prompts and answers together; 0: none
  bool dry = false;        // ask nothing: what is not remembered is counted and answered by ""
};

struct GenerationSpent {
  int64_t calls = 0;
  int64_t remembered = 0;  // answered without a call
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;  // dry: the most that there can be
  int64_t tokens() const { return prompt_tokens + completion_tokens; }
};

// A limit of GenerationLimits would be passed: the run's end, not one answer's.
class LimitReached final : public Error {
 public:
  explicit LimitReached(const std::string& message)
      : Error(ErrorCode::kResourceExhausted, message) {}
};

class CachedGenerator final : public Generator {
 public:
  // `outputs` null: nothing is remembered.
  CachedGenerator(Generator& base, OutputCache* outputs, const GenerationLimits& limits = {});

  // Throws LimitReached when the limit would be passed. A call that ends in an error for what was
  // answered counts as if it had taken all it may.
  std::unique_ptr<Generation> submit(GenerateRequest request) override;
  // Counted and limited, not remembered; dry: zeros.
  std::vector<Score> score(const ScoreRequest& request) override;
  GeneratorCapabilities capabilities() const override { return base_.capabilities(); }
  int64_t count_tokens(const PromptInput& prompt) const override {
    return base_.count_tokens(prompt);
  }
  std::string id() const override { return base_.id(); }

  // The answer if it is remembered; asks nothing.
  std::optional<GenerateResult> recall(const GenerateRequest& request) const;
  GenerationSpent spent() const;
  // false: everything is asked again, as with nothing remembered (to measure what asking costs).
  void set_recall(bool on) { recalls_ = on; }
  bool dry() const { return limits_.dry; }
  Generator& base() const { return base_; }

 private:
  class Asked;
  void reserve(int64_t prompt_tokens, int64_t answer_tokens);
  void settle(int64_t reserved, const Usage& usage);

  Generator& base_;
  OutputCache* outputs_;
  GenerationLimits limits_;
  std::atomic<bool> recalls_{true};
  mutable std::mutex mutex_;
  GenerationSpent spent_;
  int64_t reserved_ = 0;  // tokens of what runs now, at most
};

// The key of a request's answer; empty for a request whose answer is not remembered.
std::string output_key(const Generator& generator, const GenerateRequest& request);

}  // namespace ondol
