// What this program is and what it found on this machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/home.h"
#include "app/machine.h"

namespace ondol::app {

struct ProgramInfo {
  std::string version;
  std::vector<std::string> cpu_features;
  std::string kernels;                     // instruction set of the kernels in use
  std::vector<std::string> kernels_known;  // that this machine could use, best first
  std::string kernels_refused;  // a set its processor has that is not used, and why; or empty
  int threads = 0;              // used when nobody says -t
  bool mpi = false;             // several processes can train together
  MachineKey machine;
  std::filesystem::path home;
  std::filesystem::path models;
  std::optional<std::filesystem::path> workspace;  // the folder of the ondol.toml that is in force
  std::vector<std::string> architectures;
};

// Throws Error(kUnsupported) when ONDOL_ISA names what this machine lacks.
ProgramInfo program_info(const Home& home, const std::filesystem::path& start);

}  // namespace ondol::app
