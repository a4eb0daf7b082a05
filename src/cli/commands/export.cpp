// ondol export: an adapter in the form that another program reads.
#include <array>
#include <nlohmann/json.hpp>

#include "app/merge.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ExportOptions {
  std::string model = kDefaultModel;
  std::string adapter;
  std::string output;
  EngineOptions engine;
  bool json = false;
};

int export_adapter(const ExportOptions& options, Context& context) {
  if (options.adapter.empty() || options.output.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[export] expected --adapter and --output; try `ondol export --help`");
  }
  app::Session session = make_session(options.engine);
  const auto adapter = app::export_adapter(session, options.model, options.adapter, options.output);
  show_notices(session, context);
  const Json json = {{"output", options.output},
                     {"adapter", adapter->hash},
                     {"matrices", adapter->matrices()},
                     {"rank_max", adapter->rank_max()}};
  context.print(options.json ? json_line(json)
                             : options.output + ": " + std::to_string(adapter->matrices()) +
                                   " matrices, rank " + std::to_string(adapter->rank_max()) +
                                   " at most, adapter " + adapter->hash.substr(0, 12) + "\n");
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<ExportOptions>();
  declare_model(options, &o->model);
  options.text("--adapter", "PATH", &o->adapter, "a PEFT folder or a GGUF adapter");
  options.text("-o,--output", "PATH", &o->output,
               "FILE.gguf: llama.cpp's form; else a PEFT folder");
  declare_json(options, &o->json);
  return [o](Context& context) { return export_adapter(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {
    "ondol export --adapter runs/x/best --output lora.gguf",
    "ondol export --adapter lora.gguf --output peft-folder"};

}  // namespace

constinit const Command kExport = {
    .name = "export",
    .summary = {"write an adapter for other programs", "어댑터를 다른 프로그램의 형식으로 씁니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
