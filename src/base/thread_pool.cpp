#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace ondol {
namespace {

// About 50 microseconds of polling (a pause takes 40 to 140 cycles): longer than the gap between
// two phases of a decode step, far shorter than a scheduler tick.
constexpr int kSpinRounds = 1000;

inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};
struct Scratch {
  std::unique_ptr<std::byte, Free> memory;
  size_t bytes = 0;
};

// The generation whose share of one thread was last taken up. Each is taken once, one after
// another: a thread that slept through some generations finds that its own was taken and leaves the
// rest.
struct alignas(64) Claim {
  std::atomic<uint32_t> generation{0};

  bool take(uint32_t current) {
    uint32_t before = current - 1;
    return generation.compare_exchange_strong(before, current, std::memory_order_acq_rel);
  }
};

}  // namespace

struct ThreadPool::State {
  explicit State(int count)
      : size(count), claims(static_cast<size_t>(count)), scratch(static_cast<size_t>(count) + 1) {}

  const int size;
  const FunctionRef<void(int)>* task = nullptr;
  alignas(64) std::atomic<uint32_t> generation{0};  // odd or even does not matter: it only moves on
  alignas(64) std::atomic<int> pending{0};
  alignas(64) std::atomic<int> bursts{0};
  std::atomic<bool> stopping{false};
  std::mutex error_mutex;
  std::exception_ptr error;
  std::vector<Claim> claims;
  std::vector<Scratch> scratch;
  std::vector<std::jthread> workers;

  void call(int thread) {
    try {
      (*task)(thread);
    } catch (...) {
      std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  }

  void work(int thread) {
    uint32_t seen = 0;
    while (true) {
      wait_for_generation(seen);
      seen = generation.load(std::memory_order_acquire);
      if (stopping.load(std::memory_order_relaxed)) return;
      take_share(thread, seen);
    }
  }

  // A share is done once, by its own thread or by the caller of run(), who does not wait for a
  // thread that the system has not let run yet: on a machine with more to do than cores that could
  // be milliseconds. Whoever has the claim knows that `task` still lives.
  void take_share(int thread, uint32_t current) {
    if (!claims[static_cast<size_t>(thread)].take(current)) return;
    call(thread);
    if (pending.fetch_sub(1, std::memory_order_acq_rel) == 1) pending.notify_one();
  }

  void wait_for_generation(uint32_t seen) {
    if (bursts.load(std::memory_order_relaxed) > 0) {
      for (int round = 0; round < kSpinRounds; ++round) {
        if (generation.load(std::memory_order_acquire) != seen) return;
        cpu_relax();
      }
    }
    generation.wait(seen, std::memory_order_acquire);
  }

  void wait_until_done() {
    for (int round = 0; round < kSpinRounds; ++round) {
      if (pending.load(std::memory_order_acquire) == 0) return;
      cpu_relax();
    }
    for (int left = pending.load(std::memory_order_acquire); left != 0;
         left = pending.load(std::memory_order_acquire)) {
      pending.wait(left, std::memory_order_acquire);
    }
  }
};

ThreadPool::ThreadPool(int threads) {
  if (threads < 0) {
    throw Error(ErrorCode::kInvalidArgument, "[threads] got " + std::to_string(threads) +
                                                 ", expected 1 or more, or 0 for all cores");
  }
  state_ = std::make_unique<State>(threads == 0 ? default_size() : threads);
  for (int thread = 1; thread < state_->size; ++thread) {
    state_->workers.emplace_back([state = state_.get(), thread] { state->work(thread); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stopping.store(true, std::memory_order_relaxed);
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  state_->workers.clear();  // joins
}

int ThreadPool::size() const { return state_->size; }

void ThreadPool::run(FunctionRef<void(int)> task) {
  State& s = *state_;
  s.task = &task;
  s.pending.store(s.size - 1, std::memory_order_relaxed);
  if (s.size > 1) {
    s.generation.fetch_add(1, std::memory_order_release);
    s.generation.notify_all();
  }
  s.call(0);
  const uint32_t current = s.generation.load(std::memory_order_relaxed);
  for (int thread = 1; thread < s.size; ++thread) s.take_share(thread, current);
  s.wait_until_done();
  if (s.error) std::rethrow_exception(std::exchange(s.error, nullptr));
}

void ThreadPool::parallel_for(int64_t count, int64_t grain,
                              FunctionRef<void(int64_t, int64_t, int)> body) {
  if (count <= 0) return;
  const int64_t grains = (count + grain - 1) / grain;
  const int64_t parts = std::min<int64_t>(size(), grains);
  const auto part = [&](int64_t index) { return std::min(count, grains * index / parts * grain); };
  if (parts == 1) return body(0, count, 0);
  run([&](int thread) {
    if (thread < parts) body(part(thread), part(thread + 1), thread);
  });
}

std::byte* ThreadPool::scratch(int slot, size_t bytes) {
  Scratch& held = state_->scratch[static_cast<size_t>(slot)];
  if (held.bytes < bytes || !held.memory) {
    held.memory.reset();
    held.bytes = (std::max<size_t>(bytes, 1) + 4095) / 4096 * 4096;
    held.memory.reset(static_cast<std::byte*>(std::aligned_alloc(4096, held.bytes)));
    if (!held.memory) {
      const std::string got = std::to_string(std::exchange(held.bytes, 0));
      throw Error(ErrorCode::kResourceExhausted,
                  "[threads] no memory for " + got + " bytes of scratch; try shorter batches");
    }
  }
  return held.memory.get();
}

ThreadPool::Burst::Burst(ThreadPool& pool) : pool_(pool) { ++pool_.state_->bursts; }
ThreadPool::Burst::~Burst() { --pool_.state_->bursts; }

int ThreadPool::default_size() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace ondol
