// How this process was started: alone, or by mpirun as one of several that train together.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "train/communicator.h"
#include "train/optimizer.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace ondol::app {

// What the environment says (OMPI_COMM_WORLD_*, PMI_*): the only place that reads it.
struct Launch {
  int size = 1;
  int rank = 0;
};
Launch launch_of_environment();

// Whether the library of MPI stands beside the program.
bool has_mpi();
// Joins the processes of the launch. Throws Error(kUnsupported) when this program has no MPI, or
// not the one of the launch.
std::unique_ptr<train::Communicator> join_processes(const Launch& launch);
// `threads` of -t; 0: this process's part of the cores that it may use.
int threads_of(const train::Communicator& processes, int threads);

// Throws Error(kInvalidArgument) on all when they are about to train something else each.
void expect_same_run(train::Communicator& processes, const train::RunEnvironment& environment,
                     const train::Objective& objective, const std::string& settings);
// What process 0 restored becomes the state of all: numbers, and the place in the run with the best
// validation so far.
void share_values(train::Communicator& processes, std::span<train::Parameter> parameters,
                  train::Optimizer& optimizer);
void share_place(train::Communicator& processes, train::TrainState& place, int64_t& waited,
                 train::TrainerState& state);
// Throws Error(kInternal) on all when their parameters are no longer the same.
void expect_same_parameters(train::Communicator& processes,
                            std::span<const train::Parameter> parameters);

}  // namespace ondol::app
