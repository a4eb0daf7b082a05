// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). The n-th number of stream (seed, stream) is a pure function of (seed, stream,
// n), so results never depend on thread count or on what else drew numbers.
//
//   Rng rng(/*seed=*/42, /*stream=*/sequence_index);
//   double u = rng.uniform();          // [0, 1)
//
// Not for cryptography. Not thread-safe: one Rng a thread, streams tell them apart.
#pragma once

#include <array>
#include <cstdint>

namespace ondol {

// The four words of block `counter` under `key`, exactly as in the paper's reference.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint32_t next_u32();
  uint64_t next_u64();
  double uniform();                // [0, 1), 53 bits
  double normal();                 // mean 0, variance 1 (Box-Muller)
  uint64_t below(uint64_t bound);  // [0, bound), unbiased; bound > 0

  // Position in the stream, so that a run can be resumed.
  uint64_t position() const { return index_; }
  void seek(uint64_t position) { index_ = position; }

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t index_ = 0;  // in 32-bit words
};

}  // namespace ondol
