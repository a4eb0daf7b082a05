#include "base/rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ondol {
namespace {

// Known answers of the Random123 library (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Rng, SeekGivesTheSameNumbersAgain) {
  Rng rng(7, 3);
  for (int i = 0; i < 5; ++i) rng.next_u32();
  const uint64_t position = rng.position();
  const uint32_t expected = rng.next_u32();
  Rng again(7, 3);
  again.seek(position);
  EXPECT_EQ(again.next_u32(), expected);
}

TEST(Rng, StreamsDiffer) { EXPECT_NE(Rng(1, 0).next_u64(), Rng(1, 1).next_u64()); }

TEST(Rng, MomentsOfUniformAndNormal) {
  Rng rng(1);
  double sum_u = 0, sum_n = 0, sum_n2 = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double u = rng.uniform(), n = rng.normal();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum_u += u;
    sum_n += n;
    sum_n2 += n * n;
  }
  EXPECT_NEAR(sum_u / kDraws, 0.5, 0.005);
  EXPECT_NEAR(sum_n / kDraws, 0.0, 0.02);
  EXPECT_NEAR(sum_n2 / kDraws, 1.0, 0.02);
}

TEST(Rng, BelowStaysBelowAndReachesAll) {
  Rng rng(2);
  std::array<int, 3> seen{};
  for (int i = 0; i < 300; ++i) ++seen[rng.below(3)];
  for (int count : seen) EXPECT_GT(count, 60);
}

}  // namespace
}  // namespace ondol
