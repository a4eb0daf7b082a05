// ondol bench: tokens a second on this machine.
#include "app/bench.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

constexpr int64_t kTokensMax = 1 << 20;
constexpr int64_t kRepetitionsMax = 1000;

struct BenchCommandOptions {
  std::string model = kDefaultModel;
  app::BenchOptions bench;
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

int bench(const BenchCommandOptions& options, Context& context) {
  app::Session session = make_session(options.engine);
  const app::BenchResult result =
      app::bench_model(session.generator(options.model), options.bench, context.progress);
  if (options.json) {
    const nlohmann::ordered_json json = {{"prefill", rate_json(result.prefill)},
                                         {"decode", rate_json(result.decode)},
                                         {"peak_rss_bytes", result.peak_rss_bytes}};
    context.print(json_line(json));
    return kExitDone;
  }
  context.print(rate_line("prefill", result.prefill) + rate_line("decode", result.decode) +
                fmt::format("peak memory {} MiB\n", result.peak_rss_bytes >> 20));
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<BenchCommandOptions>();
  declare_model(options, &o->model);
  options.integer("-p,--prompt", "P", &o->bench.prompt_tokens, {1, kTokensMax},
                  "tokens of the prompt");
  options.integer("-n,--new", "N", &o->bench.new_tokens, {1, kTokensMax}, "tokens to write");
  options.integer("-r,--repetitions", "R", &o->bench.repetitions, {1, kRepetitionsMax},
                  "measurements, after one to warm up");
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return bench(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {
    "ondol bench", "ondol bench -m model.gguf -p 512 -n 64 -t 2 -r 5 --json"};

}  // namespace

constinit const Command kBench = {
    .name = "bench",
    .summary = {"measure reading and writing speed of a model", "모델의 읽기와 쓰기 속도를 잽니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
