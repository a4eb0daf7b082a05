#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "nn/sequence_batch.h"

namespace ondol {
namespace {

constexpr KvShape kShape{.layers = 2, .kv_heads = 3, .head_width = 5};
constexpr size_t kPageBytes = 2 * 2 * 3 * 5 * kPageTokens * sizeof(float);

float* floats(std::byte* part) { return reinterpret_cast<float*>(part); }
bool holds(std::byte* part, int64_t count, float value) {
  return std::all_of(floats(part), floats(part) + count, [&](float x) { return x == value; });
}

TEST(KvPool, GivesPagesUpToItsLimitAndTakesThemBack) {
  KvPool pool(kShape, 3 * kPageBytes + 1);
  EXPECT_EQ(pool.page_bytes(), kPageBytes);
  EXPECT_EQ(pool.pages_free(), 3U);
  const auto a = pool.allocate(), b = pool.allocate(), c = pool.allocate();
  EXPECT_EQ(pool.pages_in_use(), 3U);
  EXPECT_EQ(pool.pages_free(), 0U);
  try {
    pool.allocate();
    FAIL() << "a fourth page";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
    EXPECT_NE(std::string(error.what()).find("got 3 in use, expected fewer than 3"),
              std::string::npos)
        << error.what();
  }
  pool.release(b);
  EXPECT_EQ(pool.pages_free(), 1U);
  EXPECT_EQ(pool.allocate(), b);
  pool.release(a), pool.release(b), pool.release(c);
  EXPECT_EQ(pool.pages_in_use(), 0U);
}

TEST(KvPool, APageLivesAsLongAsSomeoneHoldsIt) {
  KvPool pool(kShape, 2 * kPageBytes);
  const auto page = pool.allocate();
  pool.retain(page);
  EXPECT_EQ(pool.references(page), 2);
  pool.release(page);
  EXPECT_EQ(pool.references(page), 1);
  EXPECT_EQ(pool.pages_in_use(), 1U);
  pool.release(page);
  EXPECT_EQ(pool.references(page), 0);
  EXPECT_EQ(pool.pages_in_use(), 0U);
}

TEST(KvPool, LayersDoNotOverlapAndAreAligned) {
  KvPool pool(kShape, 2 * kPageBytes);
  const int64_t part = kShape.kv_heads * kShape.head_width * kPageTokens;
  const KvPool::PageId ids[] = {pool.allocate(), pool.allocate()};
  float mark = 0;
  for (KvPool::PageId id : ids) {
    for (int64_t layer = 0; layer < kShape.layers; ++layer) {
      const KvPage page = pool.page(id, layer);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(page.keys) % 64, 0U);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(page.values) % 64, 0U);
      std::fill_n(floats(page.keys), part, ++mark);
      std::fill_n(floats(page.values), part, ++mark);
    }
  }
  mark = 0;
  for (KvPool::PageId id : ids) {
    for (int64_t layer = 0; layer < kShape.layers; ++layer) {
      const KvPage page = pool.page(id, layer);
      ++mark;
      EXPECT_TRUE(holds(page.keys, part, mark));
      ++mark;
      EXPECT_TRUE(holds(page.values, part, mark));
    }
  }
}

TEST(KvPool, CopiesAPageOfAllLayers) {
  for (const KvType type : {KvType::kF32, KvType::kI8}) {
    KvShape shape = kShape;
    shape.type = type;
    KvPool pool(shape, 2 * kPageBytes);
    const auto from = pool.allocate();
    const std::span<std::byte> bytes = pool.page_data(from);
    ASSERT_EQ(bytes.size(), pool.page_bytes());
    EXPECT_EQ(bytes.data(), pool.page(from, 0).keys);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
    const auto to = pool.copy(from);
    EXPECT_EQ(pool.references(from), 1);
    EXPECT_EQ(pool.references(to), 1);
    EXPECT_TRUE(std::ranges::equal(pool.page_data(to), pool.page_data(from)));
    EXPECT_NE(pool.page_data(to).data(), pool.page_data(from).data());
  }
}

TEST(KvPool, PagesOfBytesTakeAThirdOfThoseOfFloats) {
  KvPool floats_pool({2, 3, 64, KvType::kF32}, 0), bytes_pool({2, 3, 64, KvType::kI8}, 0);
  EXPECT_EQ(floats_pool.page_bytes(), size_t{2 * 2 * 3 * 64 * kPageTokens * 4});
  EXPECT_EQ(bytes_pool.page_bytes(), size_t{2 * 2 * 3 * (64 * kPageTokens + 4 * kPageTokens)});
}

TEST(KvPool, RefusesAShapeWithoutElements) {
  EXPECT_THROW(KvPool({0, 1, 1}, 1), Error);
  EXPECT_THROW(KvPool({1, 0, 1}, 1), Error);
  EXPECT_THROW(KvPool({1, 1, 0}, 1), Error);
}

}  // namespace
}  // namespace ondol
