// Speed of training on this machine: steps of LoRA, or of all weights, on random tokens.
#include <optional>
#include <utility>

#include "app/bench.h"
#include "app/process_stats.h"
#include "base/error.h"
#include "base/rng.h"
#include "train/sft.h"
#include "train/whole_model.h"

namespace ondol::app {
namespace {

train::SftData random_rows(const Model& model, const TrainBenchOptions& options) {
  train::SftData data;
  for (int64_t i = 0; i < options.batch; ++i) {
    Rng rng(options.seed, static_cast<uint64_t>(i));
    train::Example example;
    const auto masked = static_cast<int64_t>(options.masked * static_cast<double>(options.length));
    for (int64_t t = 0; t < options.length; ++t) {
      const auto vocabulary = static_cast<uint64_t>(model.info.vocabulary);
      example.ids.push_back(static_cast<text::TokenId>(rng.below(vocabulary)));
      example.loss.push_back(t >= masked ? 1 : 0);
    }
    data.examples.add(example, 0);
    data.where.emplace_back("random");
  }
  return data;
}

}  // namespace

TrainBenchResult bench_train(Model& model, ThreadPool& pool, const TrainBenchOptions& options,
                             ProgressSink& progress) {
  if (!model.decoder) {
    throw Error(ErrorCode::kUnsupported, "[bench] --train measures decoders; this model is none");
  }
  std::optional<train::WholeModel> whole;
  train::Lora lora;
  if (options.full) {
    whole.emplace(model, train::WholeModelConfig{.form = options.form}, pool);
  } else {
    lora = train::make_lora(model.linears, {});
  }
  const std::span<train::Parameter> parameters =
      whole ? whole->parameters() : std::span<train::Parameter>(lora.parameters);
  train::SftObjective objective(model, parameters, whole ? nullptr : &lora.adapter,
                                random_rows(model, options), {});
  train::TrainConfig config;
  config.max_steps = options.repetitions + 1;
  config.max_length = options.batch * options.length;
  config.learning_rate = 1e-5;
  train::Trainer trainer({pool, best_kernels(), options.precision}, objective, config);
  trainer.recompute(options.recompute);
  std::vector<double> rates;
  for (int64_t i = 0; !trainer.done(); ++i) {
    progress.update("train", static_cast<uint64_t>(i), static_cast<uint64_t>(config.max_steps));
    const train::StepMetrics m = trainer.step();
    if (i > 0) rates.push_back(static_cast<double>(m.tokens) / m.seconds);
  }
  return {rate_of(options.batch * options.length, std::move(rates)), process_peak_rss_bytes()};
}

}  // namespace ondol::app
