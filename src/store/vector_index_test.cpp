#include "store/vector_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::store {
namespace {

std::vector<float> random_unit(Rng& rng, size_t width) {
  std::vector<float> v(width);
  double norm = 0;
  for (float& x : v) {
    x = static_cast<float>(rng.normal());
    norm += static_cast<double>(x) * x;
  }
  for (float& x : v) x = static_cast<float>(x / std::sqrt(norm));
  return v;
}

double exact_dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

TEST(VectorIndex, FindsWhatAFullScanInFloatsFinds) {
  for (const size_t width : {1, 7, 64, 384}) {
    Rng rng(7, width);
    ExactVectorIndex index("e", static_cast<int64_t>(width));
    std::vector<std::vector<float>> all;
    for (int64_t id = 0; id < 500; ++id) {
      all.push_back(random_unit(rng, width));
      index.add(id * 3, all.back());
    }
    for (int q = 0; q < 20; ++q) {
      const std::vector<float> query = random_unit(rng, width);
      std::vector<Neighbor> expected;
      for (size_t i = 0; i < all.size(); ++i) {
        expected.push_back({static_cast<int64_t>(i) * 3, exact_dot(query, all[i])});
      }
      std::sort(expected.begin(), expected.end(), [](const Neighbor& a, const Neighbor& b) {
        return a.score != b.score ? a.score > b.score : a.id < b.id;
      });
      expected.resize(10);
      const std::vector<Neighbor> found = index.search(query, 10);
      if (width == 1) {  // thousands of equal scores: only the scores are determined
        ASSERT_EQ(found.size(), 10u);
        EXPECT_EQ(found[0].score, expected[0].score);
      } else {
        EXPECT_EQ(found, expected) << width;
      }
    }
  }
}

TEST(VectorIndex, EdgesAndTies) {
  ExactVectorIndex index("e", 2);
  const std::vector<float> x = {1, 0};
  EXPECT_TRUE(index.search(x, 5).empty());
  index.add(9, x);
  index.add(3, x);
  index.add(5, std::vector<float>{0, 0});
  EXPECT_THAT(index.search(x, 5),
              ::testing::ElementsAre(Neighbor{3, 1.0}, Neighbor{9, 1.0}, Neighbor{5, 0.0}));
  EXPECT_EQ(index.search(x, 1).size(), 1u);
  EXPECT_TRUE(index.search(x, 0).empty());
  EXPECT_EQ(index.search(x, std::numeric_limits<size_t>::max()).size(), 3u);
}

TEST(VectorIndex, RefusesWhatDoesNotBelong) {
  ExactVectorIndex index("minilm", 2);
  try {
    index.add(1, std::vector<float>{1, 2, 3});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("3 dimensions, expected 2 of embedder minilm"));
  }
  const std::vector<float> bad = {1.0f, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(index.add(1, bad), Error);
  EXPECT_THROW(index.search(bad, 1), Error);
  EXPECT_EQ(index.size(), 0u);
  EXPECT_THROW(ExactVectorIndex("e", 0), Error);
}

}  // namespace
}  // namespace ondol::store
