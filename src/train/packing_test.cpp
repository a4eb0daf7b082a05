// What packs promise: every example once, the budget kept, the order a function of seed and epoch.
#include "train/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int64_t> some_lengths(size_t count, uint64_t seed, int64_t max) {
  Rng rng(seed);
  std::vector<int64_t> lengths(count);
  for (int64_t& length : lengths) {
    length = 1 + static_cast<int64_t>(rng.below(static_cast<uint64_t>(max)));
  }
  return lengths;
}

std::vector<std::vector<uint32_t>> all(const Packs& packs) {
  std::vector<std::vector<uint32_t>> out;
  for (size_t i = 0; i < packs.size(); ++i) {
    out.emplace_back(packs.pack(i).begin(), packs.pack(i).end());
  }
  return out;
}

TEST(Permutations, HoldEveryIndexOnce) {
  for (const uint64_t size : {1, 2, 3, 4, 5, 7, 64, 65, 1000, 4097}) {
    for (const uint64_t seed : {0ULL, 1ULL, ~0ULL}) {
      const Permutation permutation(size, seed, 3);
      std::set<uint64_t> seen;
      for (uint64_t i = 0; i < size; ++i) seen.insert(permutation(i));
      EXPECT_EQ(seen.size(), size);
      EXPECT_EQ(*seen.rbegin(), size - 1);
    }
  }
  EXPECT_THROW(Permutation(0, 1, 1), Error);
}

TEST(Permutations, PutEveryThingEverywhere) {
  // 5 places, 5000 streams: each of the 25 cells expects 1000 (standard deviation 28).
  int cells[5][5] = {};
  for (uint64_t stream = 0; stream < 5000; ++stream) {
    const Permutation permutation(5, 42, stream);
    for (uint64_t i = 0; i < 5; ++i) ++cells[i][permutation(i)];
  }
  for (const auto& row : cells) {
    for (const int count : row) EXPECT_NEAR(count, 1000, 150);
  }
}

TEST(Packing, HoldsEveryExampleOnceWithinTheBudget) {
  for (const size_t count : {1, 2, 17, 500}) {
    for (const int64_t budget : {64, 100, 1000}) {
      const std::vector<int64_t> lengths = some_lengths(count, count, 64);
      const Packs packs(lengths, {.tokens_max = budget}, 0);
      std::vector<uint32_t> seen;
      for (const auto& pack : all(packs)) {
        int64_t tokens = 0;
        for (const uint32_t example : pack) tokens += lengths[example];
        EXPECT_LE(tokens, budget);
        EXPECT_FALSE(pack.empty());
        seen.insert(seen.end(), pack.begin(), pack.end());
      }
      std::sort(seen.begin(), seen.end());
      std::vector<uint32_t> expected(count);
      std::iota(expected.begin(), expected.end(), 0U);
      EXPECT_EQ(seen, expected);
    }
  }
}

TEST(Packing, IsBestFit) {
  // 6+4 and 5+5 fill two packs of ten; first fit in order would need a third.
  const std::vector<int64_t> lengths = {5, 4, 6, 5};
  const Packs packs(lengths, {.tokens_max = 10, .shuffle = false}, 0);
  EXPECT_THAT(all(packs), ElementsAre(ElementsAre(2, 1), ElementsAre(0, 3)));
  EXPECT_EQ(packs.fill(), 1.0);
  // The 3 goes where it leaves least room.
  const Packs tight(std::vector<int64_t>{7, 6, 3}, {.tokens_max = 10, .shuffle = false}, 0);
  EXPECT_THAT(all(tight), ElementsAre(ElementsAre(0, 2), ElementsAre(1)));
  // Within one percent of the least possible number on many short rows.
  const std::vector<int64_t> many = some_lengths(3000, 5, 300);
  const int64_t tokens = std::accumulate(many.begin(), many.end(), int64_t{0});
  EXPECT_LE(Packs(many, {.tokens_max = 1024}, 0).size(),
            static_cast<size_t>(static_cast<double>(tokens) / 1024 * 1.01) + 1);
}

TEST(Packing, IsAFunctionOfSeedAndEpoch) {
  const std::vector<int64_t> lengths = some_lengths(300, 9, 50);
  const PackOptions options{.tokens_max = 128, .seed = 7};
  const auto first = all(Packs(lengths, options, 0));
  EXPECT_EQ(all(Packs(lengths, options, 0)), first);
  EXPECT_NE(all(Packs(lengths, options, 1)), first);
  EXPECT_NE(all(Packs(lengths, {.tokens_max = 128, .seed = 8}, 0)), first);
}

TEST(Packing, CanBeTurnedOff) {
  const std::vector<int64_t> lengths = some_lengths(10, 3, 50);
  const PackOptions options{.examples_max = 4, .packing = false};
  const Packs packs(lengths, options, 0);
  ASSERT_EQ(packs.size(), 3U);
  EXPECT_EQ(packs.pack(0).size(), 4U);
  EXPECT_EQ(packs.pack(2).size(), 2U);
  EXPECT_NE(all(packs), all(Packs(lengths, options, 1)));
  const Packs in_order(lengths, {.examples_max = 4, .packing = false, .shuffle = false}, 5);
  EXPECT_THAT(all(in_order),
              ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7), ElementsAre(8, 9)));
  for (const auto& pack : all(Packs(lengths, {.tokens_max = 1000, .examples_max = 3}, 0))) {
    EXPECT_LE(pack.size(), 3U);
  }
}

TEST(Packing, RefusesWhatCannotBePacked) {
  const auto fault = [](std::vector<int64_t> lengths, PackOptions options) -> std::string {
    try {
      const Packs packs(lengths, options, 0);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(fault({3, 11}, {.tokens_max = 10}),
              HasSubstr("example 1 has 11 tokens; a pack takes 10; try max_length 10"));
  EXPECT_THAT(fault({3, 0}, {.tokens_max = 10}), HasSubstr("example 1 is empty"));
  EXPECT_THAT(fault({3}, {}), HasSubstr("tokens_max is not set"));
  EXPECT_THAT(fault({3}, {.packing = false}), HasSubstr("examples_max is not set"));
  EXPECT_EQ(Packs({}, {.tokens_max = 4}, 0).size(), 0U);
}

TEST(Batches, LabelsAreShiftedInsideASegment) {
  ExampleSet set;
  set.add({{10, 11, 12}, {0, 0, 1}, 0, true}, 0);
  set.add({{20, 21}, {1, 1}, 0, true}, 1);
  const std::vector<uint32_t> pack = {1, 0};
  const PackedBatch batch = make_batch(set, pack);
  EXPECT_THAT(batch.ids, ElementsAre(20, 21, 10, 11, 12));
  EXPECT_THAT(batch.positions, ElementsAre(0, 1, 0, 1, 2));
  EXPECT_THAT(batch.begins, ElementsAre(0, 2, 5));
  EXPECT_THAT(batch.labels, ElementsAre(21, kIgnoredLabel, kIgnoredLabel, 12, kIgnoredLabel));
  EXPECT_EQ(batch.targets, 2);
  EXPECT_EQ(batch.targets, learned_tokens(set.loss(0)) + learned_tokens(set.loss(1)));
}

}  // namespace
}  // namespace ondol::train
