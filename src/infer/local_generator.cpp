#include "infer/local_generator.h"

#include "infer/engine.h"
#include "infer/schema_masks.h"

namespace ondol {
namespace {

class LocalGeneration final : public Generation {
 public:
  explicit LocalGeneration(std::shared_ptr<infer::Ticket> ticket)
      : ticket_(std::move(ticket)), future_(ticket_->promise.get_future()) {}
  ~LocalGeneration() override { cancel(); }
  GenerateResult wait() override { return future_.get(); }
  void cancel() override { ticket_->cancelled = true; }

 private:
  std::shared_ptr<infer::Ticket> ticket_;
  std::future<GenerateResult> future_;
};

}  // namespace

LocalGenerator::LocalGenerator(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                               LocalGeneratorOptions options) {
  if (!model->decoder || !model->tokenizer) {
    throw Error(ErrorCode::kUnsupported,
                "[generate] '" + model->path.string() + "' cannot generate text (architecture '" +
                    model->info.architecture + "'); try " +
                    (model->encoder_decoder ? "`ondol run` for a model that reads and then writes, "
                                              "or a decoder model here"
                                            : "a decoder model, or `ondol embed`"));
  }
  schemas_ = std::make_unique<infer::SchemaMasks>(
      std::shared_ptr<const text::Tokenizer>(model, model->tokenizer.get()));
  engine_ = std::make_unique<Engine>(std::move(model), std::move(pool), options);
}

LocalGenerator::~LocalGenerator() = default;

std::unique_ptr<Generation> LocalGenerator::submit(GenerateRequest request) {
  if (!request.json_schema.empty()) {
    if (request.mask) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[generate] got a mask and a JSON Schema, expected one of them; try the mask of "
                  "a grammar that says both");
    }
    request.mask = schemas_->mask(request.json_schema);
  }
  return std::make_unique<LocalGeneration>(engine_->submit(std::move(request)));
}

std::vector<Score> LocalGenerator::score(const ScoreRequest& request) {
  std::vector<Score> scores;
  engine_->run_exclusive([&] { scores = engine_->score(request); });
  return scores;
}

GeneratorCapabilities LocalGenerator::capabilities() const {
  return {.logprobs = true,
          .score = true,
          .json_schema = true,
          .context_tokens_max = engine_->context_tokens_max()};
}

int64_t LocalGenerator::count_tokens(const PromptInput& prompt) const {
  return static_cast<int64_t>(engine_->encode(prompt).size());
}

std::string LocalGenerator::id() const {
  const LocalGeneratorOptions& options = engine_->options();
  return engine_->model().hash + (options.precision == Precision::kExact ? "/exact/" : "/fast/") +
         (options.kv() == KvType::kF32 ? "f32/" : "int8/") +
         std::string(kernel_isa(best_kernels())) + "/" + std::to_string(kNumericsVersion) + "/" +
         std::to_string(engine_->context_tokens_max()) +
         (options.now ? "/" + std::to_string(*options.now) : "");
}

std::vector<TokenId> LocalGenerator::encode(const PromptInput& prompt) const {
  return engine_->encode(prompt);
}

std::string LocalGenerator::prompt_text(const PromptInput& prompt) const {
  if (const auto* raw = std::get_if<RawText>(&prompt)) return raw->text;
  if (std::holds_alternative<Prompt>(prompt)) return text::join_spans(engine_->render(prompt));
  return engine_->model().tokenizer->decode(std::get<std::vector<TokenId>>(prompt), true);
}

std::vector<double> LocalGenerator::token_log_likelihoods(std::span<const TokenId> ids,
                                                          const OnLogits& on_logits,
                                                          const LoadedAdapter* adapter) {
  std::vector<double> result;
  engine_->run_exclusive([&] { result = engine_->token_log_likelihoods(ids, on_logits, adapter); });
  return result;
}

void LocalGenerator::clear_prefix_cache() {
  engine_->run_exclusive([&] { engine_->clear_prefix_cache(); });
}

LocalGeneratorStats LocalGenerator::stats() {
  LocalGeneratorStats stats;
  engine_->run_exclusive([&] { stats = engine_->stats(); });
  return stats;
}

const Model& LocalGenerator::model() const { return engine_->model(); }

}  // namespace ondol
