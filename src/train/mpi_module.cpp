// Processes over MPI: a library of its own, which communicator.cpp loads when a program was started
// as one of several. Needs nothing else of ondol.
#include "train/mpi_module.h"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/error.h"

namespace ondol::train {
namespace {

constexpr int kExitCode = 2;                // of a process that did not reach the end
constexpr size_t kBytes = size_t{1} << 28;  // of a message: counts are int

void expect(int result, const char* what) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(result, text, &length);
  throw Error(ErrorCode::kUnavailable, std::string("[mpi] ") + what + ": " + text);
}

// The others would wait for ever for a process that has gone.
void abort_unless_finished() {
  int started = 0, finished = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&finished);
  if (started && !finished) MPI_Abort(MPI_COMM_WORLD, kExitCode);
}

// Which cores the process may use, as a number.
uint64_t cores_hash() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 0;
  uint64_t hash = 14695981039346656037ULL;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &cores)) hash = (hash ^ static_cast<uint64_t>(core)) * 1099511628211ULL;
  }
  return hash;
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    int level = 0;
    expect(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "cannot start");
    std::atexit(abort_unless_finished);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    expect(MPI_Comm_size(MPI_COMM_WORLD, &size_), "cannot count the processes");
    expect(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "cannot tell the processes apart");
    look_around();
  }

  int size() const override { return size_; }
  int rank() const override { return rank_; }
  int on_this_machine() const override { return local_; }
  int on_these_cores() const override { return sharing_; }

  // Each process sums one part of the values, that of rank 0 first, and hands it to all.
  void sum(std::span<float> values, int ranks) override {
    const size_t most = kBytes / sizeof(float);
    for (size_t at = 0; at < values.size(); at += most) {
      sum_piece(values.subspan(at, std::min(most, values.size() - at)), ranks);
    }
  }

  void sum(std::span<double> values) override {
    const size_t count = values.size();
    std::vector<double> all(count * static_cast<size_t>(size_));
    const int items = static_cast<int>(count);
    expect(MPI_Allgather(values.data(), items, MPI_DOUBLE, all.data(), items, MPI_DOUBLE,
                         MPI_COMM_WORLD),
           "cannot gather");
    for (size_t i = 0; i < count; ++i) {
      double sum = all[i];
      for (size_t at = i + count; at < all.size(); at += count) sum += all[at];
      values[i] = sum;
    }
  }

  void broadcast(std::span<std::byte> bytes) override {
    for (size_t at = 0; at < bytes.size(); at += kBytes) {
      expect(MPI_Bcast(bytes.data() + at, static_cast<int>(std::min(kBytes, bytes.size() - at)),
                       MPI_BYTE, 0, MPI_COMM_WORLD),
             "cannot broadcast");
    }
  }

  void finish() override { expect(MPI_Finalize(), "cannot end"); }

 private:
  void sum_piece(std::span<float> values, int ranks) {
    const auto processes = static_cast<size_t>(size_), own = static_cast<size_t>(rank_);
    std::vector<int> counts(processes), begins(processes), arrive(processes), arrive_at(processes);
    for (size_t r = 0; r < processes; ++r) {
      const size_t begin = values.size() * r / processes;
      begins[r] = static_cast<int>(begin);
      counts[r] = static_cast<int>(values.size() * (r + 1) / processes - begin);
    }
    for (size_t r = 0; r < processes; ++r) {
      arrive[r] = counts[own];
      arrive_at[r] = static_cast<int>(r) * counts[own];
    }
    const auto count = static_cast<size_t>(counts[own]);
    arrived_.resize(count * processes);
    expect(MPI_Alltoallv(values.data(), counts.data(), begins.data(), MPI_FLOAT, arrived_.data(),
                         arrive.data(), arrive_at.data(), MPI_FLOAT, MPI_COMM_WORLD),
           "cannot exchange gradients");
    float* part = values.data() + begins[own];
    std::copy_n(arrived_.data(), count, part);
    for (size_t r = 1; r < static_cast<size_t>(ranks); ++r) {
      const float* other = arrived_.data() + r * count;
      for (size_t i = 0; i < count; ++i) part[i] += other[i];
    }
    expect(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, values.data(), counts.data(), begins.data(),
                          MPI_FLOAT, MPI_COMM_WORLD),
           "cannot exchange gradients");
  }

  void look_around() {
    MPI_Comm machine = MPI_COMM_NULL;
    expect(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
           "cannot find the processes of this machine");
    expect(MPI_Comm_size(machine, &local_), "cannot count the processes of this machine");
    const uint64_t own = cores_hash();
    std::vector<uint64_t> all(static_cast<size_t>(local_));
    expect(MPI_Allgather(&own, 1, MPI_UINT64_T, all.data(), 1, MPI_UINT64_T, machine),
           "cannot compare cores");
    sharing_ = static_cast<int>(std::count(all.begin(), all.end(), own));
    MPI_Comm_free(&machine);
  }

  int size_ = 1;
  int rank_ = 0;
  int local_ = 1;
  int sharing_ = 1;
  std::vector<float> arrived_;
};

}  // namespace
}  // namespace ondol::train

extern "C" __attribute__((visibility("default"))) ondol::train::Communicator* ondol_mpi_join_1() {
  return new ondol::train::MpiCommunicator();
}
