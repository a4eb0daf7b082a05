#include "app/processes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"

namespace ondol::app {
namespace {

struct Names {
  const char* size;
  const char* rank;
};
// Open MPI, and the launchers of MPICH and Intel MPI.
constexpr Names kNames[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                            {"PMI_SIZE", "PMI_RANK"}};

int number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  int value = otherwise;
  if (text == nullptr) return otherwise;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *end == '\0' ? value : otherwise;
}

std::filesystem::path program_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

}  // namespace

Launch launch_of_environment() {
  for (const auto& [size, rank] : kNames) {
    const Launch launch{number(size, 1), number(rank, 0)};
    if (launch.size > 1) return launch;
  }
  return {};
}

bool has_mpi() { return train::has_communicator(program_folder()); }

std::unique_ptr<train::Communicator> join_processes(const Launch& launch) {
  auto processes = train::load_communicator(program_folder());
  if (processes->size() != launch.size) {
    throw Error(ErrorCode::kUnsupported,
                "[mpi] started as one of " + std::to_string(launch.size) +
                    " processes, but joined " + std::to_string(processes->size()) +
                    "; try the mpirun of the MPI that ondol was built with");
  }
  return processes;
}

int threads_of(const train::Communicator& processes, int threads) {
  if (threads > 0 || processes.on_these_cores() == 1) return threads;
  return std::max(1, ThreadPool::default_size() / processes.on_these_cores());
}

void expect_same_run(train::Communicator& processes, const train::RunEnvironment& environment,
                     const train::Objective& objective, const std::string& settings) {
  if (processes.size() == 1) return;
  std::string all = environment.version + environment.isa + environment.model_sha256 + settings;
  for (const auto& [file, hash] : environment.data) all += hash;
  for (const train::Split split : {train::Split::kTrain, train::Split::kValidation}) {
    for (const int64_t length : objective.lengths(split)) all += std::to_string(length) + " ";
  }
  if (train::same_text(processes, all)) return;
  throw Error(ErrorCode::kInvalidArgument,
              "[train] the processes differ in settings, rows, model, version or instruction set; "
              "expected the same command, files and kind of processor for all");
}

void share_values(train::Communicator& processes, std::span<train::Parameter> parameters,
                  train::Optimizer& optimizer) {
  if (processes.size() == 1) return;
  for (train::Parameter& parameter : parameters) {
    train::broadcast_tensor(processes, parameter.value);
  }
  auto state = optimizer.state();
  for (auto& [name, tensor] : state) train::broadcast_tensor(processes, tensor);
  optimizer.restore(state);
}

void share_place(train::Communicator& processes, train::TrainState& place, int64_t& waited,
                 train::TrainerState& state) {
  train::broadcast_value(processes, place);
  train::broadcast_value(processes, waited);
  double best = state.best_metric.value_or(HUGE_VAL);
  int64_t best_step = state.best_global_step.value_or(-1);
  train::broadcast_value(processes, best);
  train::broadcast_value(processes, best_step);
  state.global_step = place.step;
  if (best_step < 0) return;
  state.best_metric = best;
  state.best_global_step = best_step;
}

void expect_same_parameters(train::Communicator& processes,
                            std::span<const train::Parameter> parameters) {
  if (processes.size() == 1) return;
  std::vector<Tensor> values;
  for (const train::Parameter& parameter : parameters) values.push_back(parameter.value);
  if (train::same_text(processes, train::digest(values))) return;
  throw Error(ErrorCode::kInternal,
              "[train] the processes no longer hold the same parameters; nothing was saved by this "
              "step; expected processors that round alike");
}

}  // namespace ondol::app
