// What tests of prompts and of what stands on them share: a generator that follows a script, and
// an embedder that counts letters.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "infer/embedder.h"
#include "infer/generator.h"

namespace ondol::prompt::testing {

class ScriptedGenerator final : public Generator {
 public:
  // The text of a sample, and the log-likelihood of a continuation.
  std::function<std::string(const GenerateRequest&, int64_t sample)> text =
      [](const GenerateRequest&, int64_t) { return std::string("scripted"); };
  std::function<double(const std::string&)> log_likelihood = [](const std::string&) {
    return -1.0;
  };
  // The same a token, where a test looks at tokens; empty function: one token.
  std::function<std::vector<double>(const ScoreRequest&, const std::string&)> token_log_likelihoods;
  bool can_score = true;
  bool follows_schemas = false;
  std::string name = "scripted-1";

  std::vector<GenerateRequest> requests;
  std::vector<ScoreRequest> scored;

  std::unique_ptr<Generation> submit(GenerateRequest request) override {
    {
      std::lock_guard lock(mutex_);
      requests.push_back(request);
    }
    GenerateResult result;
    bool going_on = true;
    for (int64_t s = 0; s < request.samples; ++s) {
      if (!going_on) {
        result.samples.push_back({{}, {}, "cancelled", {}});
        continue;
      }
      result.samples.push_back({text(request, s), {1}, "stop", {}});
      if (request.on_text) request.on_text({s, result.samples.back().text});
      if (request.on_sample) going_on = request.on_sample(s, result.samples.back());
    }
    result.usage = {.prompt_tokens = 10, .completion_tokens = 3 * request.samples};
    result.milliseconds_to_first_token = 2;
    result.milliseconds_total = 5;
    return std::make_unique<Done>(std::move(result));
  }
  std::vector<Score> score(const ScoreRequest& request) override {
    std::lock_guard lock(mutex_);
    scored.push_back(request);
    std::vector<Score> scores;
    for (const std::string& continuation : request.continuations) {
      Score score;
      if (token_log_likelihoods) {
        score.token_log_likelihoods = token_log_likelihoods(request, continuation);
      } else {
        score.token_log_likelihoods = {log_likelihood(continuation)};
      }
      for (const double log : score.token_log_likelihoods) score.log_likelihood += log;
      score.tokens = static_cast<int64_t>(score.token_log_likelihoods.size());
      scores.push_back(std::move(score));
    }
    return scores;
  }
  GeneratorCapabilities capabilities() const override {
    return {.logprobs = false,
            .score = can_score,
            .json_schema = follows_schemas,
            .context_tokens_max = 1000};
  }
  int64_t count_tokens(const PromptInput&) const override { return 10; }
  std::string id() const override { return name; }

 private:
  struct Done final : Generation {
    explicit Done(GenerateResult r) : result(std::move(r)) {}
    GenerateResult wait() override { return result; }
    void cancel() override {}
    GenerateResult result;
  };
  std::mutex mutex_;
};

// 26 dimensions: how often each English letter stands in the text.
class LetterEmbedder final : public Embedder {
 public:
  EmbedResult embed(std::span<const std::string> texts, const EmbedOptions&) override {
    EmbedResult result;
    for (const std::string& text : texts) {
      std::vector<float> vector(26, 0.0F);
      for (const char c : text) {
        if (c >= 'a' && c <= 'z') ++vector[static_cast<size_t>(c - 'a')];
      }
      float norm = 0;
      for (const float x : vector) norm += x * x;
      for (float& x : vector) x /= norm > 0 ? std::sqrt(norm) : 1;
      result.vectors.push_back(std::move(vector));
      ++texts_embedded;
    }
    return result;
  }
  int64_t dimensions() const override { return 26; }
  int64_t tokens_max() const override { return 1000; }
  int64_t count_tokens(const std::string& text) const override {
    return static_cast<int64_t>(text.size());
  }
  std::string id() const override { return "letters-1"; }
  std::vector<std::string> languages() const override { return {"en"}; }
  std::atomic<int64_t> texts_embedded = 0;
};

// What `call` threw; "no error" when nothing.
inline std::string error_text(const std::function<void()>& call,
                              ErrorCode code = ErrorCode::kInvalidArgument) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "no error";
}

}  // namespace ondol::prompt::testing
