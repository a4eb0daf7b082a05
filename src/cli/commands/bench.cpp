// ondol bench: tokens a second on this machine.
#include "app/bench.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "app/catalogue.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

constexpr int64_t kTokensMax = 1 << 20;
constexpr int64_t kRepetitionsMax = 1000;
constexpr int64_t kSequencesMax = 64;
constexpr int64_t kThreadsMax = 1024;

struct BenchCommandOptions {
  std::string model = kDefaultModel;
  app::BenchOptions bench;
  std::vector<std::string> threads;  // --threads-list
  bool curve = false;
  std::string train;  // "lora" or "full"; empty: inference
  std::string weight_form = "int8";
  std::string recompute = "off";  // --gradient-checkpointing
  app::TrainBenchOptions train_bench;
  EngineOptions engine;
  bool json = false;
};

nlohmann::ordered_json rate_json(const app::BenchRate& rate) {
  return {{"tokens", rate.tokens},
          {"tokens_per_second", {{"median", rate.median}, {"min", rate.min}, {"max", rate.max}}},
          {"repetitions", rate.all}};
}

std::string rate_line(std::string_view name, const app::BenchRate& rate) {
  return fmt::format("{:<8} {:>5} tokens  {:>9.1f} tokens/s  (min {:.1f}, max {:.1f}, {} runs)\n",
                     name, rate.tokens, rate.median, rate.min, rate.max, rate.all.size());
}

// "1,2,4" as numbers; nothing given: the --threads of the command.
std::vector<int64_t> thread_counts(const BenchCommandOptions& options) {
  std::vector<int64_t> counts;
  for (const std::string& item : options.threads) {
    int64_t count = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), count);
    if (error != std::errc() || end != item.data() + item.size() || count < 1 ||
        count > kThreadsMax) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("--threads-list: got '{}', expected numbers from 1 to {} with commas "
                              "between; try --threads-list 1,2",
                              item, kThreadsMax));
    }
    counts.push_back(count);
  }
  if (counts.empty()) counts.push_back(options.engine.threads);
  return counts;
}

struct Report {
  nlohmann::ordered_json json;
  std::string text;
};

Report bench_encoder(const BenchCommandOptions& options, app::Session& session, const Model& model,
                     Context& context) {
  const app::BenchRate rate =
      app::bench_embedder(session.local_embedder(options.model), model,
                          {.repetitions = options.bench.repetitions}, context.progress);
  return {{{"embed", rate_json(rate)}}, rate_line("embed", rate)};
}

Report bench_decoder(const BenchCommandOptions& options, app::Session& session, Context& context) {
  const app::BenchResult result =
      app::bench_model(session.local_generator(options.model), options.bench, context.progress);
  return {{{"prefill", rate_json(result.prefill)},
           {"decode", rate_json(result.decode)},
           {"depth", options.bench.depth},
           {"sequences", options.bench.sequences},
           {"peak_rss_bytes", result.peak_rss_bytes}},
          rate_line("prefill", result.prefill) + rate_line("decode", result.decode) +
              fmt::format("peak memory {} MiB\n", result.peak_rss_bytes >> 20)};
}

Report bench_curve(const BenchCommandOptions& options, const Model& model,
                   const EngineOptions& engine, Context& context) {
  constexpr int64_t kStepsEach = 4;  // steps are short: more of them than whole answers
  ThreadPool pool(static_cast<int>(engine.threads));
  const app::CurveOptions wanted{.depth = options.bench.depth,
                                 .repetitions = kStepsEach * options.bench.repetitions,
                                 .precision = precision_of(engine),
                                 .kv_type = kv_type_of(engine),
                                 .profile = engine.profile.get()};
  Report report{{{"curve", nlohmann::ordered_json::array()}, {"depth", wanted.depth}},
                fmt::format("{:>6}  {:>9}  {:>9}  {:>9}  {:>7}  {:>9}\n", "tokens", "ms/step",
                            "min", "max", "x t(1)", "ms/token")};
  const std::vector<app::CurvePoint> curve = app::step_curve(model, pool, wanted, context.progress);
  for (const app::CurvePoint& point : curve) {
    report.json["curve"].push_back(
        {{"tokens", point.tokens},
         {"milliseconds", {{"median", point.median}, {"min", point.min}, {"max", point.max}}}});
    report.text +=
        fmt::format("{:>6}  {:>9.3f}  {:>9.3f}  {:>9.3f}  {:>7.2f}  {:>9.3f}\n", point.tokens,
                    point.median, point.min, point.max, point.median / curve.front().median,
                    point.median / static_cast<double>(point.tokens));
  }
  return report;
}

Report bench_training(const BenchCommandOptions& options, const app::Home& home,
                      const EngineOptions& engine, Context& context) {
  ThreadPool pool(static_cast<int>(engine.threads));
  app::TrainBenchOptions wanted = options.train_bench;
  wanted.full = options.train == "full";
  wanted.form = options.weight_form == "f32"    ? WeightForm::kF32
                : options.weight_form == "bf16" ? WeightForm::kBf16
                                                : WeightForm::kInt8;
  Model model = load_model(app::find_model(home, options.model), pool, home.hashes(),
                           {.all_f32 = wanted.full});
  wanted.repetitions = options.bench.repetitions;
  wanted.precision = precision_of(engine);
  wanted.recompute = ops::recompute_named(options.recompute).value_or(ops::Recompute::kOff);
  const app::TrainBenchResult result = app::bench_train(model, pool, wanted, context.progress);
  const app::BenchRate& rate = result.rate;
  return {{{"tokens_per_second", {{"median", rate.median}, {"min", rate.min}, {"max", rate.max}}},
           {"repetitions", rate.all},
           {"peak_rss_bytes", result.peak_rss_bytes}},
          rate_line(options.train, rate) +
              fmt::format("peak memory {} MiB\n", result.peak_rss_bytes >> 20)};
}

int bench(const BenchCommandOptions& options, EngineOptions engine, Context& context) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const int64_t threads : thread_counts(options)) {
    engine.threads = threads;
    app::Session session = make_session(engine);
    const auto model = options.train.empty() ? session.model(options.model) : nullptr;
    Report report = !model           ? bench_training(options, session.home(), engine, context)
                    : options.curve  ? bench_curve(options, *model, engine, context)
                    : model->decoder ? bench_decoder(options, session, context)
                                     : bench_encoder(options, session, *model, context);
    if (options.threads.empty()) {
      context.print(options.json ? json_line(report.json) : report.text);
      return kExitDone;
    }
    report.json["threads"] = threads;
    runs.push_back(std::move(report.json));
    if (!options.json) context.print(fmt::format("{} threads\n{}", threads, report.text));
  }
  if (options.json) context.print(json_line(nlohmann::ordered_json{{"runs", std::move(runs)}}));
  return kExitDone;
}

int bench_profiled(const BenchCommandOptions& options, Context& context) {
  EngineOptions engine = options.engine;
  begin_profile(engine);
  const int code = bench(options, engine, context);
  write_profile(engine);
  if (engine.profile) Output(STDERR_FILENO).write(engine.profile->table());
  return code;
}

Action declare(Options& options) {
  const auto o = std::make_shared<BenchCommandOptions>();
  o->engine.speculation = "off";  // random text says nothing about how well guesses do
  declare_model(options, &o->model);
  options.integer("-p,--prompt", "P", &o->bench.prompt_tokens, {1, kTokensMax},
                  "tokens of the prompt");
  options.integer("-n,--new", "N", &o->bench.new_tokens, {1, kTokensMax}, "tokens to write");
  options.integer("-s,--sequences", "S", &o->bench.sequences, {1, kSequencesMax},
                  "requests that write side by side");
  options.integer("-d,--depth", "D", &o->bench.depth, {1, kTokensMax},
                  "tokens in the cache before writing");
  options.integer("-r,--repetitions", "R", &o->bench.repetitions, {1, kRepetitionsMax},
                  "measurements, after one to warm up");
  options.choice("--speculation", &o->engine.speculation, {"off", "lookup"},
                 "guess from the text before; answers repeat here more than elsewhere");
  options.choice("--train", &o->train, {"lora", "full"},
                 "instead: optimizer steps of an adapter, or of all weights");
  options.choice("--weight-form", &o->weight_form, {"int8", "bf16", "f32"},
                 "of --train full: what products are made with");
  options.choice("--gradient-checkpointing", &o->recompute, {"off", "attention", "layers"},
                 "of --train: what is computed again instead of kept");
  options.integer("--batch", "B", &o->train_bench.batch, {1, 1024}, "of --train: sequences a step");
  options.integer("--length", "L", &o->train_bench.length, {2, kTokensMax},
                  "of --train: tokens of each");
  options.number("--masked", "SHARE", &o->train_bench.masked, {0, 0.99},
                 "of --train: share of the tokens without a loss");
  options.flag("--curve", &o->curve, "instead: the cost of a step of 1, 2, 4, 8 and 16 tokens");
  declare_engine(options, &o->engine);
  declare_weights(options, &o->engine);
  declare_kv(options, &o->engine);
  options.list("--threads-list", "T,T", &o->threads, "measure with each of these thread counts",
               ',');
  declare_profile(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return bench_profiled(*o, context); };
}

constexpr std::array<std::string_view, 8> kLines = {
    "ondol bench",
    "ondol bench -m model.gguf -p 512 -n 64 -t 2 -r 5 --json",
    "ondol bench --sequences 16 --depth 128",
    "ondol bench --curve --depth 1024",
    "ondol bench --train lora --batch 4 --length 256",
    "ondol bench --train full --batch 4 --length 256",
    "ondol bench -n 16 -r 1 --profile trace.json",
    "ondol bench -m all-minilm-l6-v2 --threads-list 1,2"};

}  // namespace

constinit const Command kBench = {
    .name = "bench",
    .summary = {"measure reading and writing speed of a model", "모델의 읽기와 쓰기 속도를 잽니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
