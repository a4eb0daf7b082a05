#include "app/machine.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <set>

#include "app/version.h"
#include "kernels/kernels.h"

namespace ondol::app {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t value = line.find(": ");
    if (value != std::string::npos) return line.substr(value + 2);
  }
  return "unknown";
}

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

// Processors that the container may use at a time ("200000 100000" is two), 0: no such limit.
int container_cpus() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (!(file >> quota >> period) || period <= 0) return 0;  // "max 100000" does not parse
  return std::max(1, static_cast<int>(std::floor(quota / period)));
}

// Runs `work` for about `seconds`, at least twice, and gives the best rate: disturbance only slows.
template <class Work>
double best_rate(double amount, double seconds, const Work& work) {
  double best = std::numeric_limits<double>::infinity();
  const Clock::time_point start = Clock::now();
  for (int run = 0; run < 2 || seconds_since(start) < seconds; ++run) {
    const Clock::time_point begin = Clock::now();
    work();
    best = std::min(best, seconds_since(begin));
  }
  return amount / best / 1e9;
}

constexpr double kSecondsEach = 0.08;

// A word of every cache line: memory moves whole lines, and no instruction set matters.
uint64_t touch_lines(const uint64_t* words, int64_t count) {
  uint64_t a = 0, b = 0, c = 0, d = 0;
  for (int64_t i = 0; i + 32 <= count; i += 32) {
    a += words[i];
    b += words[i + 8];
    c += words[i + 16];
    d += words[i + 24];
  }
  return a + b + c + d;
}

// As much as a small model's weights, and more than the cores' own caches hold, read piece by
// piece: short enough that some pieces are read undisturbed, each last read 15 pieces ago.
class ReadTest {
 public:
  ReadTest(ThreadPool& pool, int cpus)
      : piece_(std::clamp<int64_t>(cpus, 24, 256) << 15),
        words_(std::make_unique_for_overwrite<uint64_t[]>(static_cast<size_t>(kPieces * piece_))) {
    pool.parallel_for(kPieces * piece_, 4096, [&](int64_t begin, int64_t end, int) {
      std::fill(words_.get() + begin, words_.get() + end, static_cast<uint64_t>(begin));
    });
  }
  double rate(ThreadPool& pool) {
    int64_t next = 0;
    return best_rate(8.0 * static_cast<double>(piece_), kSecondsEach, [&] {
      const uint64_t* words = words_.get() + next * piece_;
      pool.parallel_for(piece_, 4096, [&](int64_t begin, int64_t end, int) {
        kept_ = touch_lines(words + begin, end - begin);
      });
      next = (next + 1) % kPieces;
    });
  }

 private:
  static constexpr int64_t kPieces = 16;
  const int64_t piece_;  // words: 6 MiB and more
  std::unique_ptr<uint64_t[]> words_;
  std::atomic<uint64_t> kept_{0};  // so that the sum is not optimised away
};

class ProductTest {
 public:
  ProductTest(DType dtype, Precision precision, ThreadPool& pool)
      : precision_(precision),
        input_(static_cast<size_t>(tokens_ * kColumns), 0.5F),
        output_(static_cast<size_t>(tokens_ * kRows)) {
    const std::vector<std::byte> zeros(static_cast<size_t>(dtype_bytes(dtype, kRows * kColumns)));
    weight_ = PackedMatrix::pack(dtype, kRows, kColumns, zeros, pool);
  }
  double rate(ThreadPool& pool) {
    const KernelContext context{pool, best_kernels(), precision_};
    const MatmulPart part{&weight_, nullptr, output_.data(), kRows};
    return best_rate(2.0 * static_cast<double>(tokens_ * kRows * kColumns), kSecondsEach / 2, [&] {
      matmul(context, {input_.data(), tokens_, kColumns}, std::span(&part, 1));
    });
  }

 private:
  // About a millisecond for one thread, so that calling the others is not what is measured.
  static constexpr int64_t kRows = 1536, kColumns = 576;
  const int64_t tokens_ = kernel_isa(best_kernels()) == "ref" ? 4 : 256;
  Precision precision_;
  std::vector<float> input_, output_;
  PackedMatrix weight_;
};

double barrier_microseconds(ThreadPool& pool) {
  constexpr int kRounds = 10;
  const ThreadPool::Burst burst(pool);
  return 1e-3 / best_rate(kRounds, 0.02, [&] {
           for (int round = 0; round < kRounds; ++round) pool.run([](int) {});
         });
}

}  // namespace

int count_cores(const std::vector<std::string>& siblings) {
  std::set<std::string> groups;
  int unknown = 0;
  for (const std::string& group : siblings) {
    if (group.empty()) {
      ++unknown;
    } else {
      groups.insert(group);
    }
  }
  return static_cast<int>(groups.size()) + unknown;
}

MachineKey this_machine() {
  const std::vector<int> cpus = allowed_cpus();
  std::vector<std::string> siblings;
  for (const int cpu : cpus) {
    siblings.push_back(first_line("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                                  "/topology/thread_siblings_list"));
  }
  return {.cpu = cpu_name(),
          .features = cpu_features(),
          .kernels = std::string(kernel_isa(best_kernels())),
          .cpus = ThreadPool::default_size(),
          .cores = std::max(1, count_cores(siblings)),
          .version = kVersion};
}

std::vector<int> thread_candidates(const MachineKey& key) {
  std::set<int> counts = {key.cores, key.cpus};
  if (const int share = container_cpus(); share > 0) counts.insert(std::min(share, key.cpus));
  return {counts.begin(), counts.end()};
}

MachineSpeed measure_machine() {
  const Clock::time_point start = Clock::now();
  const MachineKey key = this_machine();
  MachineSpeed speed;
  ThreadPool one(1), all(key.cpus);
  ReadTest read(all, key.cpus);
  ProductTest int8(DType::kQ8_0, Precision::kFast, one);
  ProductTest f32(DType::kF32, Precision::kExact, one);
  speed.read_one = read.rate(one);
  speed.int8_one = int8.rate(one);
  speed.f32_one = f32.rate(one);
  double best = 0;
  for (const int threads : thread_candidates(key)) {
    ThreadPool pool(threads);
    const ThreadPool::Burst burst(pool);
    const double reading = read.rate(pool), products = int8.rate(pool);
    // A step reads weights and multiplies. More threads must be clearly better at the two together.
    if (reading * products < best * 1.2) continue;
    best = reading * products;
    speed.threads_best = threads;
    speed.read_all = reading;
    speed.int8_all = products;
    speed.f32_all = f32.rate(pool);
    speed.barrier_microseconds = barrier_microseconds(pool);
  }
  speed.seconds = seconds_since(start);
  return speed;
}

}  // namespace ondol::app
