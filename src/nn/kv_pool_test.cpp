#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "nn/sequence_batch.h"

namespace ondol {
namespace {

constexpr KvShape kShape{.layers = 2, .kv_heads = 3, .head_width = 5};
constexpr size_t kPageBytes = 2 * 2 * 3 * 5 * kPageTokens * sizeof(float);

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
      std::fill_n(page.keys, part, ++mark);
      std::fill_n(page.values, part, ++mark);
    }
  }
  mark = 0;
  for (KvPool::PageId id : ids) {
    for (int64_t layer = 0; layer < kShape.layers; ++layer) {
      const KvPage page = pool.page(id, layer);
      ++mark;
      EXPECT_TRUE(std::all_of(page.keys, page.keys + part, [&](float x) { return x == mark; }));
      ++mark;
      EXPECT_TRUE(std::all_of(page.values, page.values + part, [&](float x) { return x == mark; }));
    }
  }
}

TEST(KvPool, CopiesTheLeadingTokensOfEveryLayer) {
  KvPool pool(kShape, 2 * kPageBytes);
  const int64_t lanes = kShape.kv_heads * kShape.head_width, tokens = 7;
  const auto from = pool.allocate();
  for (int64_t layer = 0; layer < kShape.layers; ++layer) {
    const KvPage page = pool.page(from, layer);
    for (int64_t i = 0; i < lanes * kPageTokens; ++i) {
      page.keys[i] = static_cast<float>(layer * 100'000 + i + 1);
      page.values[i] = -page.keys[i];
    }
  }
  const auto to = pool.copy(from, tokens);
  EXPECT_EQ(pool.references(from), 1);
  EXPECT_EQ(pool.references(to), 1);
  for (int64_t layer = 0; layer < kShape.layers; ++layer) {
    const KvPage old_page = pool.page(from, layer), page = pool.page(to, layer);
    for (int64_t i = 0; i < lanes * kPageTokens; ++i) {
      const bool key_copied = i % kPageTokens < tokens;  // keys [G, E, kPageTokens]
      const bool value_copied = i / kShape.head_width % kPageTokens < tokens;
      EXPECT_EQ(page.keys[i], key_copied ? old_page.keys[i] : 0.0F);
      EXPECT_EQ(page.values[i], value_copied ? old_page.values[i] : 0.0F);
    }
  }
}

TEST(KvPool, RefusesAShapeWithoutElements) {
  EXPECT_THROW(KvPool({0, 1, 1}, 1), Error);
  EXPECT_THROW(KvPool({1, 0, 1}, 1), Error);
  EXPECT_THROW(KvPool({1, 1, 0}, 1), Error);
}

}  // namespace
}  // namespace ondol
