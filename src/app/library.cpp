// The public headers of include/ondol over the rooms.
#include <cmath>
#include <numeric>
#include <utility>

#include "app/session.h"
#include "base/error.h"
#include "ondol/embedding_model.h"
#include "ondol/text_model.h"

namespace ondol::api {
namespace {

app::SessionOptions session_options(const ModelOptions& options) {
  return {.threads = options.threads,
          .precision = options.exact ? Precision::kExact : Precision::kFast};
}

Completion run(LocalGenerator& generator, PromptInput prompt, const GenerateOptions& options) {
  GenerateRequest request;
  request.prompt = std::move(prompt);
  request.tokens_max = options.tokens_max;
  request.sampler = {
      .temperature = options.temperature, .top_p = options.top_p, .seed = options.seed};
  request.stop = options.stop;
  if (options.on_text) {
    request.on_text = [&](const StreamEvent& event) { return options.on_text(event.text); };
  }
  const GenerateResult result = generator.generate(std::move(request));
  return {.text = result.samples[0].text,
          .finish_reason = result.samples[0].finish_reason,
          .prompt_tokens = result.usage.prompt_tokens,
          .completion_tokens = result.usage.completion_tokens};
}

}  // namespace

struct TextModel::State {
  app::Session session;
  LocalGenerator* generator = nullptr;
};

TextModel TextModel::open(const std::string& name_or_path, const ModelOptions& options) {
  auto state = std::make_unique<State>(
      State{app::Session(app::user_home(), session_options(options)), nullptr});
  state->generator = &state->session.local_generator(name_or_path);
  return TextModel(std::move(state));
}

TextModel::TextModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextModel::~TextModel() = default;
TextModel::TextModel(TextModel&&) noexcept = default;
TextModel& TextModel::operator=(TextModel&&) noexcept = default;

Completion TextModel::chat(const std::string& user, const std::string& system,
                           const GenerateOptions& options) {
  Prompt prompt;
  if (!system.empty()) prompt.messages.push_back({"system", system, {}});
  prompt.messages.push_back({"user", user, {}});
  return run(*state_->generator, prompt, options);
}

Completion TextModel::complete(const std::string& text, const GenerateOptions& options) {
  return run(*state_->generator, RawText{text}, options);
}

struct EmbeddingModel::State {
  app::Session session;
  LocalEmbedder* embedder = nullptr;
};

EmbeddingModel EmbeddingModel::open(const std::string& name_or_path, const ModelOptions& options) {
  auto state = std::make_unique<State>(
      State{app::Session(app::user_home(), session_options(options)), nullptr});
  state->embedder = &state->session.local_embedder(name_or_path);
  return EmbeddingModel(std::move(state));
}

EmbeddingModel::EmbeddingModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingModel::~EmbeddingModel() = default;
EmbeddingModel::EmbeddingModel(EmbeddingModel&&) noexcept = default;
EmbeddingModel& EmbeddingModel::operator=(EmbeddingModel&&) noexcept = default;

std::vector<std::vector<float>> EmbeddingModel::embed(const std::vector<std::string>& texts) {
  return state_->embedder->embed(texts, {}).vectors;
}

int64_t EmbeddingModel::dimensions() const { return state_->embedder->dimensions(); }

float similarity(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) {
    throw Error(ErrorCode::kInvalidArgument, "[similarity] vectors have " +
                                                 std::to_string(a.size()) + " and " +
                                                 std::to_string(b.size()) + " dimensions");
  }
  const auto dot = [](const auto& x, const auto& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  const double norm = std::sqrt(dot(a, a) * dot(b, b));
  return norm > 0 ? static_cast<float>(dot(a, b) / norm) : 0.0f;
}

}  // namespace ondol::api
