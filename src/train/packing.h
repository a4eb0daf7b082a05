// Examples put together into packs: what one forward and backward pass works on.
//
//   Packs packs(examples.lengths(), {.tokens_max = 1024, .seed = 42}, epoch);
//   for (size_t at = resume_index; at < packs.size(); ++at) {
//     PackedBatch batch = make_batch(examples, packs.pack(at));
//   }
//
// A pack has no padding: its examples follow one another as segments, each with positions of its
// own from 0, and attention stays inside a segment. Which examples stand together and in which
// order is a pure function of (lengths, options, epoch), so the state of a run is (epoch, index).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/loss.h"
#include "train/example.h"

namespace ondol::train {

// A permutation of [0, size) that can be asked at any index in constant time: a Feistel network of
// Philox rounds, walked until it lands in range. Pure; thread-safe.
class Permutation {
 public:
  Permutation(uint64_t size, uint64_t seed, uint64_t stream);
  uint64_t operator()(uint64_t index) const;  // index < size
  uint64_t size() const { return size_; }

 private:
  uint64_t once(uint64_t value) const;
  uint64_t size_;
  uint64_t seed_;
  uint64_t stream_;
  uint32_t half_bits_ = 1;
};

// All of it decides results.
struct PackOptions {
  int64_t tokens_max = 0;    // packing: the budget of a pack
  int64_t examples_max = 0;  // of a pack; 0: as many as fit
  bool packing = true;       // false: examples_max examples a pack, in shuffled order
  bool shuffle = true;       // false: the order of the file (packs in the order they were begun)
  uint64_t seed = 42;
};

class Packs {
 public:
  // Packing is best fit decreasing: longest first, each into the pack with the least room that
  // takes it. Throws Error(kInvalidArgument) for an example longer than tokens_max, which the
  // caller should have cut (RenderOptions::max_length), or options without a meaning.
  Packs(std::span<const int64_t> lengths, const PackOptions& options, uint64_t epoch);
  size_t size() const { return begins_.size() - 1; }
  // Indices of examples. Every example is in exactly one pack of an epoch.
  std::span<const uint32_t> pack(size_t index) const;
  double fill() const { return fill_; }  // share of tokens_max that holds tokens; 1 unpacked

 private:
  void keep(std::vector<std::vector<uint32_t>> packs, const PackOptions& options, uint64_t epoch);
  std::vector<uint32_t> examples_;
  std::vector<size_t> begins_ = {0};
  double fill_ = 1;
};

inline constexpr int32_t kIgnoredLabel = ops::kNoTarget;

// One ragged batch. labels[t] is the id that the state of token t must predict, or kIgnoredLabel.
struct PackedBatch {
  std::vector<TokenId> ids;        // [T]
  std::vector<int32_t> positions;  // [T], from 0 in each segment
  std::vector<int32_t> labels;     // [T]
  std::vector<int64_t> begins;     // [segments + 1], token index
  std::vector<uint32_t> examples;  // [segments]
  int64_t targets = 0;             // labels that are not ignored
};
PackedBatch make_batch(const ExampleSet& examples, std::span<const uint32_t> pack);

}  // namespace ondol::train
