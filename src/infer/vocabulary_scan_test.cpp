#include "infer/vocabulary_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"

namespace ondol::infer {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Few different values, so that there are ties everywhere; some entries that are not allowed.
std::vector<float> coarse_logits(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> out(count);
  for (float& z : out) {
    z = static_cast<float>(static_cast<int>(rng.below(40))) / 4 - 5;
    if (rng.below(10) == 0) z = -kInf;
    if (rng.below(50) == 0) z = NAN;
  }
  out[rng.below(count)] = 6;
  return out;
}

std::vector<Candidate> sorted(const std::vector<float>& logits, float floor) {
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= floor && logits[i] > -kInf) {
      all.push_back({logits[i], static_cast<text::TokenId>(i)});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.logit > b.logit; });
  return all;
}

const size_t kSizes[] = {1, 2, 15, 16, 31, 511, 512, 513, 1024, 1025, 2049, 7000};

TEST(VocabularyScan, BestAreThoseOfASort) {
  for (const size_t size : kSizes) {
    const std::vector<float> logits = coarse_logits(size, size);
    const VocabularyScan scan(logits);
    for (const float floor : {-kInf, -3.0F, 5.5F}) {
      const std::vector<Candidate> all = sorted(logits, floor);
      for (const int64_t k : {1, 2, 7, 40, 300, 5000, 10000}) {
        const VocabularyScan::Best best = scan.best(k, floor);
        const size_t expected = std::min(all.size(), static_cast<size_t>(k));
        ASSERT_EQ(best.candidates.size(), expected) << size << " " << k;
        for (size_t i = 0; i < expected; ++i) {
          ASSERT_EQ(best.candidates[i].id, all[i].id) << size << " " << k << " " << i;
          ASSERT_EQ(best.candidates[i].logit, all[i].logit);
        }
        // It may say that there is more when there is not, never the other way round.
        EXPECT_LE(best.all, all.size() <= static_cast<size_t>(k));
      }
    }
    EXPECT_TRUE(scan.best(10000, -kInf).all);
    EXPECT_EQ(scan.argmax(), sorted(logits, -kInf)[0].id);
    EXPECT_EQ(scan.highest(), 6);
  }
}

TEST(VocabularyScan, NothingToChooseFrom) {
  const std::vector<float> none(700, -kInf), nan(700, NAN);
  for (const auto& logits : {none, nan}) {
    const VocabularyScan scan(logits);
    EXPECT_EQ(scan.highest(), -kInf);
    EXPECT_TRUE(scan.best(5, -kInf).candidates.empty());
  }
}

TEST(VocabularyScan, TheSumIsThatOfTheExponentials) {
  for (const size_t size : kSizes) {
    const std::vector<float> logits = coarse_logits(size, size + 1);
    for (const double temperature : {0.1, 1.0, 30.0}) {
      double expected = 0;
      for (const float z : logits) {
        if (z > -kInf) expected += std::exp((z - 6.0) / temperature);
      }
      EXPECT_NEAR(VocabularyScan(logits).exp_sum(temperature) / expected, 1, 1e-6) << size;
    }
  }
}

// The inverse of the distribution function in order of ids, and never an entry that is not allowed.
TEST(VocabularyScan, AShareFindsItsToken) {
  for (const size_t size : kSizes) {
    const std::vector<float> logits = coarse_logits(size, size + 2);
    const VocabularyScan scan(logits);
    const float floor = -4.9F;
    double total = 0;
    for (const float z : logits) total += z >= floor ? std::exp((z - 6.0) / 2) : 0;
    for (int step = 0; step < 200; ++step) {
      const double share = step / 200.0 + 1e-3;
      const text::TokenId got = scan.at_share(share, 2, floor);
      ASSERT_GE(logits[static_cast<size_t>(got)], floor);
      double before = 0;
      for (text::TokenId id = 0; id < got; ++id) {
        before += logits[id] >= floor ? std::exp((logits[id] - 6.0) / 2) : 0;
      }
      EXPECT_LE(before / total, share + 1e-6) << size;
      EXPECT_GE((before + std::exp((logits[got] - 6.0) / 2)) / total, share - 1e-6) << size;
    }
    for (const double share : {0.0, 1 - 0x1p-53}) {
      EXPECT_GE(logits[static_cast<size_t>(scan.at_share(share, 2, floor))], floor);
      EXPECT_EQ(logits[static_cast<size_t>(scan.at_share(share, 1e-40, 6))], 6);
    }
  }
}

}  // namespace
}  // namespace ondol::infer
