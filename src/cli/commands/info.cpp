// ondol info: the program, the machine, the folders.
#include "app/info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
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
  if (!info.kernels_refused.empty()) text += row("not used", info.kernels_refused);
  text += row("cpu", fmt::format("{}", fmt::join(info.cpu_features, " ")));
  text += row("threads", std::to_string(info.threads));
  text += row("mpi", info.mpi ? "yes: mpirun -n 2 ondol train ..." : "not built in");
  text += row("architectures", fmt::format("{}", fmt::join(info.architectures, ", ")));
  text += row("home", info.home.string());
  text += row("models", info.models.string());
  text += row("workspace", info.workspace ? info.workspace->string() : "none here");
  return text;
}

std::string speed_text(const app::MachineKey& machine, const app::MachineSpeed& speed) {
  const auto row = [&](std::string_view name, double one, double all, std::string_view unit) {
    return fmt::format("{:<14}{:.1f} {} with 1 thread, {:.1f} with {}\n", name, one, unit, all,
                       speed.threads_best);
  };
  std::string text = fmt::format("{:<14}{}\n", "processor", machine.cpu);
  text += fmt::format("{:<14}{} ({} logical); best with {} threads\n", "cores", machine.cores,
                      machine.cpus, speed.threads_best);
  text += row("reading", speed.read_one, speed.read_all, "GB/s");
  text += row("int8 products", speed.int8_one, speed.int8_all, "GOP/s");
  text += row("f32 products", speed.f32_one, speed.f32_all, "GFLOP/s");
  text += fmt::format("{:<14}{:.2f} us for {} threads to meet\n", "barrier",
                      speed.barrier_microseconds, speed.threads_best);
  return text;
}

// What is stored of this machine; measured when there is nothing or it was asked for.
app::MachineSpeed machine_speed(const app::ProgramInfo& info, bool measure, Context& context) {
  const std::filesystem::path file = app::Home{info.home}.machine_file();
  if (!measure) {
    if (const auto stored = app::stored_speed(file, info.machine)) return *stored;
  }
  const app::MachineSpeed speed = app::measure_machine();
  try {
    app::store_speed(file, info.machine, speed);
  } catch (const Error& error) {
    context.progress.notice(std::string("the measurement was not stored: ") + error.what());
  }
  return speed;
}

int info(bool json, bool measure, Context& context) {
  const app::ProgramInfo info =
      app::program_info(app::user_home(), std::filesystem::current_path());
  const app::MachineSpeed speed = machine_speed(info, measure, context);
  if (!json) {
    context.print(info_text(info) + speed_text(info.machine, speed));
    return kExitDone;
  }
  nlohmann::ordered_json result = {{"version", info.version},
                                   {"kernels", info.kernels},
                                   {"kernels_supported", info.kernels_known},
                                   {"cpu_features", info.cpu_features},
                                   {"threads", info.threads},
                                   {"mpi", info.mpi},
                                   {"architectures", info.architectures},
                                   {"home", info.home.string()},
                                   {"models", info.models.string()}};
  result["machine"] = {{"cpu", info.machine.cpu},
                       {"cores", info.machine.cores},
                       {"logical_cpus", info.machine.cpus},
                       {"speed", nlohmann::ordered_json::parse(app::speed_json(speed))}};
  result["kernels_refused"] = nullptr;
  if (!info.kernels_refused.empty()) result["kernels_refused"] = info.kernels_refused;
  result["workspace"] = nullptr;
  if (info.workspace) result["workspace"] = info.workspace->string();
  context.print(json_line(result));
  return kExitDone;
}

Action declare(Options& options) {
  const auto json = std::make_shared<bool>(false);
  const auto measure = std::make_shared<bool>(false);
  options.flag("--measure", measure.get(), "measure this machine again");
  declare_json(options, json.get());
  return [json, measure](Context& context) { return info(*json, *measure, context); };
}

constexpr std::array<std::string_view, 3> kLines = {"ondol info", "ondol info --measure",
                                                    "ONDOL_ISA=avx2 ondol info"};

}  // namespace

constinit const Command kInfo = {
    .name = "info",
    .summary = {"show version, CPU features, chosen kernels and folders",
                "판, CPU 기능, 고른 커널, 폴더를 보여 줍니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
