#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

namespace ondol {
namespace {

TEST(ThreadPool, RunsEveryThreadOnceManyTimes) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    ThreadPool::Burst burst(pool);
    std::vector<int> calls(threads, 0);
    for (int round = 0; round < 2000; ++round) pool.run([&](int thread) { ++calls[thread]; });
    for (int count : calls) EXPECT_EQ(count, 2000);
  }
}

// More threads than cores: most workers come late, and find that their share was done.
TEST(ThreadPool, SharesThatNoWorkerBeganAreDoneByTheCallerOnce) {
  ThreadPool pool(32);
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::atomic<int>> calls(32);
    const auto task = std::make_unique<int>(round);  // gone when the round is over
    pool.run([&](int index) { calls[static_cast<size_t>(index)] += *task == round ? 1 : 100; });
    for (const auto& count : calls) ASSERT_EQ(count.load(), 1) << "round " << round;
  }
}

TEST(ThreadPool, ParallelForCoversEachElementOnceAtGrainBoundaries) {
  ThreadPool pool(3);
  for (int64_t count : {0, 1, 15, 16, 17, 48, 100}) {
    std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
    pool.parallel_for(count, 16, [&](int64_t begin, int64_t end, int) {
      EXPECT_EQ(begin % 16, 0);
      for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
    });
    for (auto& times : seen) EXPECT_EQ(times.load(), 1);
  }
}

TEST(ThreadPool, AnExceptionOfAWorkerReachesTheCallerAndThePoolLivesOn) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run([](int thread) {
    if (thread == 1) throw std::runtime_error("worker");
  }),
               std::runtime_error);
  std::atomic<int> calls{0};
  pool.run([&](int) { ++calls; });
  EXPECT_EQ(calls.load(), 2);
}

}  // namespace
}  // namespace ondol
