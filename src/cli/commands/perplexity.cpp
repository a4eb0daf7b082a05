// ondol perplexity: how well a model predicts a text.
#include "app/perplexity.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "io/atomic_file.h"

namespace ondol::cli {
namespace {

struct PerplexityCommandOptions {
  std::string model = kDefaultModel;
  std::string file;
  int64_t context = 512;
  int64_t limit_bytes = 0;
  std::string logits;  // --logits; empty: not written
  EngineOptions engine;
  bool json = false;
};

static_assert(std::endian::native == std::endian::little, "--logits writes little-endian floats");
OnLogits rows_to(io::AtomicFile& file) {
  return [&file](std::span<const float> row) {
    const auto bytes = std::as_bytes(row);
    file.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
}

int perplexity(const PerplexityCommandOptions& options, Context& context) {
  if (options.file.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[perplexity] no --file was given; expected a text file, or `-f -` for standard "
                "input");
  }
  const std::string text = options.file == "-" ? read_stdin() : read_file(options.file);
  app::Session session = make_session(options.engine);
  std::optional<io::AtomicFile> file;
  if (!options.logits.empty()) file.emplace(options.logits);
  const app::PerplexityResult result =
      app::measure_perplexity(session.local_generator(options.model), text,
                              {.context = options.context,
                               .limit_bytes = static_cast<size_t>(options.limit_bytes),
                               .on_logits = file ? rows_to(*file) : OnLogits()},
                              context.progress);
  if (file) file->commit();
  if (options.json) {
    const nlohmann::ordered_json json = {
        {"tokens", result.tokens}, {"nll", result.nll}, {"perplexity", result.perplexity}};
    context.print(json_line(json));
  } else {
    context.print(fmt::format("perplexity {:.4f} over {} tokens (nll {:.3f} nats)\n",
                              result.perplexity, result.tokens, result.nll));
  }
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<PerplexityCommandOptions>();
  declare_model(options, &o->model);
  options.text("-f,--file", "FILE", &o->file, "the text; `-`: standard input");
  options.integer("-c,--context", "C", &o->context, {2, 1 << 24},
                  "tokens of a window; every one but its first is scored");
  options.integer("--limit-bytes", "B", &o->limit_bytes, {0, INT64_MAX},
                  "use the first B bytes, up to a whole character; 0: all");
  options.text("--logits", "FILE", &o->logits,
               "write the logits of every scored token: a row of f32 each (large)");
  declare_engine(options, &o->engine);
  declare_kv(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return perplexity(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {
    "ondol perplexity -f book.txt --context 512",
    "ondol perplexity -f book.txt --limit-bytes 65536 --precision exact --json"};

}  // namespace

constinit const Command kPerplexity = {.name = "perplexity",
                                       .summary = {"measure how well a model predicts a text",
                                                   "모델이 글을 얼마나 잘 맞히는지 잽니다"},
                                       .examples = kLines,
                                       .declare = declare};

}  // namespace ondol::cli
