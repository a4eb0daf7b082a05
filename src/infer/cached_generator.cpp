#include "infer/cached_generator.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/sha256.h"

namespace ondol {
namespace {

using Json = nlohmann::json;

Json prompt_json(const PromptInput& input) {
  if (const auto* raw = std::get_if<RawText>(&input)) return {{"raw", raw->text}};
  if (const auto* ids = std::get_if<std::vector<TokenId>>(&input)) return {{"ids", *ids}};
  const Prompt& prompt = std::get<Prompt>(input);
  Json messages = Json::array();
  for (const auto& message : prompt.messages) {
    messages.push_back({message.role, message.content, message.extra_json});
  }
  return {{"messages", messages}, {"prefill", prompt.prefill}};
}

Json sampler_json(const SamplerOptions& s) {
  Json bias = Json::array();
  for (const auto& [id, value] : s.logit_bias) bias.push_back({id, value});
  return {s.temperature,       s.top_k, s.top_p, s.min_p, s.repetition_penalty, s.presence_penalty,
          s.frequency_penalty, s.seed,  bias};
}

class Known final : public Generation {
 public:
  explicit Known(GenerateResult result) : result_(std::move(result)) {}
  GenerateResult wait() override { return std::move(result_); }
  void cancel() override {}

 private:
  GenerateResult result_;
};

GenerateResult one_answer(std::string text, std::string reason) {
  GenerateResult result;
  result.samples.push_back({std::move(text), {}, std::move(reason), {}});
  return result;
}

std::string value_of(const GenerateResult& result) {
  const GeneratedSample& sample = result.samples.at(0);
  return Json{{"text", sample.text},
              {"reason", sample.finish_reason},
              {"prompt", result.usage.prompt_tokens},
              {"completion", result.usage.completion_tokens}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string output_key(const Generator& generator, const GenerateRequest& request) {
  if (!request.remember || request.samples != 1 || request.mask || request.adapter ||
      request.on_text || request.on_sample || request.logprobs || request.logprobs_top > 0) {
    return "";
  }
  const Json key = {{"generator", generator.id()},
                    {"prompt", prompt_json(request.prompt)},
                    {"sampler", sampler_json(request.sampler)},
                    {"tokens", request.tokens_max},
                    {"stop", request.stop},
                    {"schema", request.json_schema}};
  return sha256_hex(key.dump(-1, ' ', false, Json::error_handler_t::replace));
}

CachedGenerator::CachedGenerator(Generator& base, OutputCache* outputs,
                                 const GenerationLimits& limits)
    : base_(base), outputs_(outputs), limits_(limits) {}

// A request that runs: its answer is put away when it is waited for.
class CachedGenerator::Asked final : public Generation {
 public:
  // `most`: what the call may take.
  Asked(CachedGenerator& owner, std::string key, std::vector<int64_t> sources, const Usage& most)
      : owner_(owner), key_(std::move(key)), sources_(std::move(sources)), most_(most) {}
  ~Asked() override {
    running_.reset();
    settle({});
  }
  void start(GenerateRequest request) { running_ = owner_.base_.submit(std::move(request)); }
  GenerateResult wait() override {
    GenerateResult result;
    try {
      result = running_->wait();
    } catch (const Error& error) {
      // No answer at all costs nothing; one that was no use was paid for.
      settle(error.code() == ErrorCode::kUnavailable ? Usage{} : most_);
      throw;
    }
    settle(result.usage);
    const std::string& reason = result.samples.at(0).finish_reason;
    if (!key_.empty() && owner_.outputs_ != nullptr && (reason == "stop" || reason == "length")) {
      owner_.outputs_->put(key_, value_of(result), sources_);
    }
    return result;
  }
  void cancel() override { running_->cancel(); }

 private:
  void settle(const Usage& usage) {
    if (std::exchange(settled_, true)) return;
    owner_.settle(most_.prompt_tokens + most_.completion_tokens, usage);
  }
  CachedGenerator& owner_;
  std::string key_;
  std::vector<int64_t> sources_;
  Usage most_;
  bool settled_ = false;
  std::unique_ptr<Generation> running_;
};

std::optional<GenerateResult> CachedGenerator::recall(const GenerateRequest& request) const {
  if (outputs_ == nullptr || !recalls_) return std::nullopt;
  const std::string key = output_key(base_, request);
  if (key.empty()) return std::nullopt;
  const std::optional<std::string> kept = outputs_->find(key);
  if (!kept) return std::nullopt;
  const Json row = Json::parse(*kept, nullptr, false);
  if (!row.is_object() || !row.value("text", Json()).is_string() ||
      !row.value("reason", Json()).is_string()) {
    return std::nullopt;  // written by another version: asked again
  }
  return one_answer(row.at("text").get<std::string>(), row.at("reason").get<std::string>());
}

std::unique_ptr<Generation> CachedGenerator::submit(GenerateRequest request) {
  if (std::optional<GenerateResult> known = recall(request)) {
    const std::lock_guard guard(mutex_);
    ++spent_.remembered;
    return std::make_unique<Known>(*std::move(known));
  }
  const Usage most{.prompt_tokens = base_.count_tokens(request.prompt),
                   .completion_tokens = request.tokens_max * request.samples};
  reserve(most.prompt_tokens, most.completion_tokens);
  if (limits_.dry) {
    settle(most.prompt_tokens + most.completion_tokens, most);
    return std::make_unique<Known>(one_answer("", "dry"));
  }
  auto asked = std::make_unique<Asked>(*this, output_key(base_, request), request.sources, most);
  asked->start(std::move(request));
  return asked;
}

std::vector<Score> CachedGenerator::score(const ScoreRequest& request) {
  Usage most{.prompt_tokens = base_.count_tokens(request.prompt)};
  for (const std::string& text : request.continuations) {
    most.completion_tokens += base_.count_tokens(RawText{text});
  }
  const int64_t reserved = most.prompt_tokens + most.completion_tokens;
  reserve(most.prompt_tokens, most.completion_tokens);
  std::vector<Score> scores(request.continuations.size());
  try {
    if (!limits_.dry) scores = base_.score(request);
  } catch (...) {
    settle(reserved, {});
    throw;
  }
  settle(reserved, most);
  return scores;
}

void CachedGenerator::reserve(int64_t prompt_tokens, int64_t answer_tokens) {
  const std::lock_guard guard(mutex_);
  const int64_t wanted = spent_.tokens() + reserved_ + prompt_tokens + answer_tokens;
  if (!limits_.dry && limits_.calls_max > 0 && spent_.calls >= limits_.calls_max) {
    throw LimitReached("[generate] the limit of " + std::to_string(limits_.calls_max) +
                       " calls is reached; what was answered is kept; try a higher --max-calls");
  }
  if (!limits_.dry && limits_.tokens_max > 0 && wanted > limits_.tokens_max) {
    throw LimitReached("[generate] the next call could pass the limit of " +
                       std::to_string(limits_.tokens_max) + " tokens (" +
                       std::to_string(spent_.tokens()) +
                       " are spent); what was answered is kept; try a higher --max-tokens");
  }
  ++spent_.calls;
  reserved_ += prompt_tokens + answer_tokens;
}

void CachedGenerator::settle(int64_t reserved, const Usage& usage) {
  const std::lock_guard guard(mutex_);
  reserved_ -= reserved;
  spent_.prompt_tokens += usage.prompt_tokens;
  spent_.completion_tokens += usage.completion_tokens;
}

GenerationSpent CachedGenerator::spent() const {
  const std::lock_guard guard(mutex_);
  return spent_;
}

}  // namespace ondol
