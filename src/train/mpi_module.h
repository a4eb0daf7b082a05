// What communicator.cpp finds in ondol_mpi.so.
#pragma once

#include "train/communicator.h"

namespace ondol::train {

using MpiJoin = Communicator* (*)();
// The number belongs to Communicator: it changes with its functions.
inline constexpr const char* kMpiJoinName = "ondol_mpi_join_1";

}  // namespace ondol::train
