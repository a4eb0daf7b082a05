#include "app/info.h"

#include "app/processes.h"
#include "app/version.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "models/model.h"

namespace ondol::app {
namespace {

// Only where it is: `ondol info` must work beside an ondol.toml that does not parse.
std::optional<std::filesystem::path> find_workspace(const std::filesystem::path& start) {
  std::filesystem::path folder = std::filesystem::absolute(start).lexically_normal();
  while (!std::filesystem::exists(folder / "ondol.toml")) {
    if (folder == folder.parent_path()) return std::nullopt;
    folder = folder.parent_path();
  }
  return folder;
}

}  // namespace

ProgramInfo program_info(const Home& home, const std::filesystem::path& start) {
  ProgramInfo info{.version = kVersion,
                   .cpu_features = cpu_features(),
                   .kernels = std::string(kernel_isa(best_kernels())),
                   .kernels_refused = unused_isa(),
                   .threads = ThreadPool::default_size(),
                   .mpi = has_mpi(),
                   .machine = this_machine(),
                   .home = home.folder,
                   .models = home.models()};
  for (const std::string_view isa : supported_isas()) info.kernels_known.emplace_back(isa);
  for (const std::string_view name : supported_architectures()) {
    info.architectures.emplace_back(name);
  }
  info.workspace = find_workspace(start);
  return info;
}

}  // namespace ondol::app
