// A generator that follows a script. Only for test sources.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "infer/generator.h"

namespace ondol::testing {

class ScriptedGenerator : public Generator {
 public:
  // A sample, by default `text` ended by itself; both may throw.
  std::function<GeneratedSample(const GenerateRequest&, int64_t sample)> sample =
      [this](const GenerateRequest& request, int64_t s) {
        return GeneratedSample{text(request, s), {1}, "stop", {}};
      };
  std::function<std::string(const GenerateRequest&, int64_t sample)> text =
      [](const GenerateRequest&, int64_t) { return std::string("scripted"); };
  // The log-likelihood of a continuation.
  std::function<double(const std::string&)> log_likelihood = [](const std::string&) {
    return -1.0;
  };
  // The same a token, where a test looks at tokens; empty function: one token.
  std::function<std::vector<double>(const ScoreRequest&, const std::string&)> token_log_likelihoods;
  std::function<int64_t(const PromptInput&)> tokens = [](const PromptInput&) { return 10; };
  bool can_score = true;
  bool follows_schemas = false;
  int64_t context = 1000;
  std::string name = "scripted-1";

  std::vector<GenerateRequest> requests;
  std::vector<ScoreRequest> scored;

  ScriptedGenerator() = default;
  ScriptedGenerator(const ScriptedGenerator&) = delete;
  ScriptedGenerator& operator=(const ScriptedGenerator&) = delete;

  std::unique_ptr<Generation> submit(GenerateRequest request) override {
    {
      const std::lock_guard lock(mutex_);
      requests.push_back(request);
    }
    GenerateResult result;
    bool going_on = true;
    for (int64_t s = 0; s < request.samples; ++s) {
      if (!going_on) {
        result.samples.push_back({{}, {}, "cancelled", {}});
        continue;
      }
      result.samples.push_back(sample(request, s));
      if (request.on_text) request.on_text({s, result.samples.back().text});
      if (request.on_sample) going_on = request.on_sample(s, result.samples.back());
    }
    result.usage = {.prompt_tokens = tokens(request.prompt),
                    .completion_tokens = 3 * request.samples};
    result.milliseconds_to_first_token = 2;
    result.milliseconds_total = 5;
    return std::make_unique<Done>(std::move(result));
  }
  std::vector<Score> score(const ScoreRequest& request) override {
    const std::lock_guard lock(mutex_);
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
            .context_tokens_max = context};
  }
  int64_t count_tokens(const PromptInput& prompt) const override { return tokens(prompt); }
  std::string id() const override { return name; }

  // The last message of a chat.
  static std::string user_text(const PromptInput& input) {
    return std::get<Prompt>(input).messages.back().content;
  }

 private:
  struct Done final : Generation {
    explicit Done(GenerateResult r) : result(std::move(r)) {}
    GenerateResult wait() override { return result; }
    void cancel() override {}
    GenerateResult result;
  };
  std::mutex mutex_;
};

}  // namespace ondol::testing
