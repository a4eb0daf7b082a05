// ondol merge: an adapter made part of its base.
#include "app/merge.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

struct MergeCommandOptions {
  std::string model = kDefaultModel;
  std::string adapter;
  std::string output;
  std::string type = "same";
  std::string text;  // a file; empty: the built-in text
  EngineOptions engine;
  bool json = false;
};

std::optional<DType> type_of(const std::string& name) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0}) {
    if (name == dtype_info(dtype).name) return dtype;
  }
  return std::nullopt;  // "same"
}

std::string counts(const std::map<std::string, int64_t>& by_type) {
  std::string text;
  for (const auto& [type, count] : by_type) {
    text += (text.empty() ? "" : ", ") + type + " " + std::to_string(count);
  }
  return text;
}

Json to_json(const app::MergeReport& report, const MergeCommandOptions& options) {
  const app::MergeCost& cost = report.cost;
  return {{"output", options.output},
          {"matrices", report.result.matrices},
          {"types", report.result.types},
          {"widened", report.result.widened},
          {"tokens", cost.tokens},
          {"kl_mean", cost.kl_mean},
          {"kl_max", cost.kl_max},
          {"same_top", cost.same_top},
          {"perplexity_unmerged", cost.perplexity_unmerged},
          {"perplexity_merged", cost.perplexity_merged}};
}

std::string to_text(const app::MergeReport& report, const MergeCommandOptions& options) {
  const app::MergeCost& cost = report.cost;
  std::string text = fmt::format("{}: {} matrices merged ({})\n", options.output,
                                 report.result.matrices, counts(report.result.types));
  if (!report.result.widened.empty()) {
    text += fmt::format("written as f16, because ondol does not encode their type: {}\n",
                        counts(report.result.widened));
  }
  return text + fmt::format(
                    "against the unmerged adapter over {} tokens: KL {:.3g} nats (at most "
                    "{:.3g}), same next token {:.1f} %,\nperplexity {:.4f} -> {:.4f}\n",
                    cost.tokens, cost.kl_mean, cost.kl_max, 100 * cost.same_top,
                    cost.perplexity_unmerged, cost.perplexity_merged);
}

void require(const std::string& value, const char* option) {
  if (!value.empty()) return;
  throw Error(ErrorCode::kInvalidArgument,
              std::string("[merge] no ") + option + " was given; try `ondol merge --help`");
}

int merge(const MergeCommandOptions& options, Context& context) {
  require(options.adapter, "--adapter");
  require(options.output, "--output");
  app::Session session = make_session(options.engine);
  const app::MergeReport report =
      app::merge(session,
                 {.model = options.model,
                  .adapter = options.adapter,
                  .output = options.output,
                  .type = type_of(options.type),
                  .text = options.text.empty() ? "" : read_file(options.text)},
                 context.progress);
  show_notices(session, context);
  context.print(options.json ? json_line(to_json(report, options)) : to_text(report, options));
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<MergeCommandOptions>();
  o->engine.precision = "exact";
  declare_model(options, &o->model);
  options.text("--adapter", "PATH", &o->adapter, "a PEFT folder or a GGUF adapter");
  options.text("-o,--output", "PATH", &o->output,
               "the merged model: FILE.gguf, or a folder where the base is one");
  options.choice("--type", &o->type, {"same", "f32", "f16", "bf16", "q8_0"},
                 "of the merged matrices; same: their own, or f16");
  options.text("--text", "FILE", &o->text, "measure on this text; default: a short one of ours");
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return merge(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {
    "ondol merge --adapter runs/x/best --output merged.gguf",
    "ondol merge --adapter lora.gguf -o merged.gguf --type q8_0 --text notes.txt"};

}  // namespace

constinit const Command kMerge = {
    .name = "merge",
    .summary = {"make an adapter part of its model", "어댑터를 모델에 합칩니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
