// How fast this machine is: memory, arithmetic of the kernels in use, the meeting of its threads.
// Measured in under a second at the first `ondol info`, kept in the user's cache folder and found
// again as long as processor, instruction set, cores and the program's version are the same.
//
//   const MachineKey key = this_machine();
//   std::optional<MachineSpeed> speed = stored_speed(home.machine_file(), key);
//   if (!speed) store_speed(home.machine_file(), key, *(speed = measure_machine()));
//
// Figures for people and for tuning: no result depends on them. Nothing else should run meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ondol::app {

// What a measurement is good for.
struct MachineKey {
  std::string cpu;                    // as the system names it
  std::vector<std::string> features;  // cpu_features()
  std::string kernels;                // the instruction set in use
  int cpus = 0;                       // logical ones this process may use
  int cores = 0;                      // physical ones among them
  std::string version;                // of this program

  bool operator==(const MachineKey&) const = default;
};

struct MachineSpeed {
  // GB/s (10^9 bytes) of reading memory that was not read just before
  double read_one = 0;
  double read_all = 0;
  // GOP/s (10^9 multiplications and additions) of a matrix product of many tokens, its weights in
  // cache: 8-bit codes (Q8_0), and f32
  double int8_one = 0;
  double int8_all = 0;
  double f32_one = 0;
  double f32_all = 0;
  double barrier_microseconds = 0;  // all threads called to work and met again, while they spin
  int threads_best = 0;             // of the counts tried; what "all" means here
  double seconds = 0;               // the measurement took
};

MachineKey this_machine();

// Thread counts worth a try on this machine, ascending: physical cores, all logical ones, and what
// the container's share of the processor amounts to.
std::vector<int> thread_candidates(const MachineKey& key);

MachineSpeed measure_machine();

// nullopt: nothing stored for this machine, or the file cannot be understood (it is then replaced).
std::optional<MachineSpeed> stored_speed(const std::filesystem::path& file, const MachineKey& key);
// Keeps what is stored of other machines (a home folder may be shared).
void store_speed(const std::filesystem::path& file, const MachineKey& key,
                 const MachineSpeed& speed);

// {"read_gb_s_one", ...}: the members above with their units, as they are stored and shown.
std::string speed_json(const MachineSpeed& speed);

// Physical cores of a processor list: one a group of siblings. `siblings[i]` is what the system
// says of the i-th allowed processor ("0,4" or "0-1"); an unknown one counts as a core.
int count_cores(const std::vector<std::string>& siblings);

}  // namespace ondol::app
