// The random choices of word2vec: which words are kept, which stand for "not here".
//
//   WordDraws draws(seed, stream);
//   uint32_t word = table.pick(draws.next());
//
// Private to the room. Pure functions of (seed, stream, position): no thread count can change them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"

namespace ondol::train {

// The numbers of Rng(seed, stream).next_u32(), made sixteen at a time.
class WordDraws {
 public:
  WordDraws(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}
  uint32_t next() {
    if (at_ == words_.size()) fill();
    return words_[at_++];
  }

 private:
  void fill();

  uint64_t seed_;
  uint64_t stream_;
  uint64_t block_ = 0;
  std::array<uint32_t, 16> words_{};
  size_t at_ = 16;
};

// Words with a probability proportional to count^exponent, in constant time (A. J. Walker, "An
// efficient method for generating discrete random variables with general distributions", 1977).
// Exact to 2^-32.
class AliasTable {
 public:
  AliasTable(std::span<const uint64_t> counts, double exponent);
  uint32_t pick(uint32_t draw) const {
    const uint64_t place = uint64_t{draw} * slots_.size();
    const Slot slot = slots_[place >> 32];
    return static_cast<uint32_t>(place) < slot.below ? static_cast<uint32_t>(place >> 32)
                                                     : slot.other;
  }

 private:
  struct Slot {
    uint32_t below;  // of 2^32: the slot's own word
    uint32_t other;
  };
  std::vector<Slot> slots_;
};

// Of 2^32, for each word, how often it is kept: (sqrt(v / t) + 1) t / v with v the word's count and
// t = sample * words; 2^32 for sample 0 and for rare words.
std::vector<uint64_t> keep_thresholds(std::span<const uint64_t> counts, uint64_t words,
                                      double sample);

// One stream for each sentence of each epoch, and for each word's first vector.
inline uint64_t sentence_stream(uint64_t epoch, uint64_t sentence) {
  return epoch << 40 | sentence;
}
inline uint64_t first_vector_stream(uint64_t word) { return uint64_t{1} << 63 | word; }

}  // namespace ondol::train
