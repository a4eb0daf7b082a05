// ondol info: the program, the machine, the folders.
#include "app/info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

std::string info_text(const app::ProgramInfo& info) {
  const auto row = [](std::string_view name, const std::string& value) {
    return fmt::format("{:<14}{}\n", name, wrap(value, 80, 14));
  };
  std::string text = row("version", info.version);
  text += row("kernels", fmt::format("{} (this machine runs {})", info.kernels,
                                     fmt::join(info.kernels_known, ", ")));
  text += row("cpu", fmt::format("{}", fmt::join(info.cpu_features, " ")));
  text += row("threads", std::to_string(info.threads));
  text += row("architectures", fmt::format("{}", fmt::join(info.architectures, ", ")));
  text += row("home", info.home.string());
  text += row("models", info.models.string());
  text += row("workspace", info.workspace ? info.workspace->string() : "none here");
  return text;
}

int info(bool json, Context& context) {
  const app::ProgramInfo info =
      app::program_info(app::user_home(), std::filesystem::current_path());
  if (!json) {
    context.print(info_text(info));
    return kExitDone;
  }
  nlohmann::ordered_json result = {{"version", info.version},
                                   {"kernels", info.kernels},
                                   {"kernels_supported", info.kernels_known},
                                   {"cpu_features", info.cpu_features},
                                   {"threads", info.threads},
                                   {"architectures", info.architectures},
                                   {"home", info.home.string()},
                                   {"models", info.models.string()}};
  result["workspace"] = nullptr;
  if (info.workspace) result["workspace"] = info.workspace->string();
  context.print(json_line(result));
  return kExitDone;
}

Action declare(Options& options) {
  const auto json = std::make_shared<bool>(false);
  declare_json(options, json.get());
  return [json](Context& context) { return info(*json, context); };
}

constexpr std::array<std::string_view, 2> kLines = {"ondol info", "ONDOL_ISA=avx2 ondol info"};

}  // namespace

constinit const Command kInfo = {
    .name = "info",
    .summary = {"show version, CPU features, chosen kernels and folders",
                "판, CPU 기능, 고른 커널, 폴더를 보여 줍니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
