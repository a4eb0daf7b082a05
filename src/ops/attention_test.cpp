// Rotary positions, pages and attention: fused form against composed form over page boundaries,
// both layouts, bias, a separate source of keys, and what is said about what does not fit.
#include "ops/attention.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>

#include "base/rng.h"

namespace ondol::ops {
namespace {

Tensor random_tensor(Shape shape, uint64_t seed) {
  Tensor tensor = Tensor::zeros(DType::kF32, std::move(shape));
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = static_cast<float>(rng.normal());
  return tensor;
}

// Pages of one layer with their memory.
struct PageSet {
  PageSet(const AttentionShape& shape, int64_t count) {
    const int64_t part = shape.kv_heads * shape.head_width * kPageTokens;
    for (int64_t i = 0; i < count; ++i) {
      memory.push_back(Tensor::zeros(DType::kF32, {2, part}));
      auto* bytes = reinterpret_cast<std::byte*>(memory.back().data());
      pages.push_back({bytes, bytes + 4 * part});
    }
  }
  std::vector<Tensor> memory;
  std::vector<KvPage> pages;
};

class AttentionOps : public ::testing::Test {
 protected:
  static AttentionShape shape_of(int64_t heads, int64_t kv_heads, int64_t width) {
    return {heads, kv_heads, width, 1 / std::sqrt(static_cast<float>(width))};
  }
  RopeRows rope_rows(int64_t tokens, int64_t width, RopeLayout layout) {
    RopeRows rows;
    rows.layout = layout, rows.rotary_width = width;
    const Tensor angles = random_tensor({tokens, width / 2}, 1);
    rows.cosines = Tensor::zeros(DType::kF32, angles.shape());
    rows.sines = Tensor::zeros(DType::kF32, angles.shape());
    for (int64_t i = 0; i < angles.size(); ++i) {
      rows.cosines.data()[i] = std::cos(angles.data()[i]);
      rows.sines.data()[i] = std::sin(angles.data()[i]);
    }
    return rows;
  }
  static void expect_near(const Tensor& a, const Tensor& b) {
    ASSERT_EQ(a.shape(), b.shape());
    for (int64_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a.data()[i], b.data()[i], 1e-5F) << "element " << i;
    }
  }
  static void expect_message(const std::function<void()>& call, const std::string& message) {
    try {
      call();
      ADD_FAILURE() << "no error; expected " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), message);
    }
  }

  ThreadPool pool{2};
  Context fused{pool, best_kernels(), Precision::kExact};
  Context composed{pool, best_kernels(), Precision::kExact, Form::kComposed};
};

TEST_F(AttentionOps, RopeAndAppendWriteTheSamePages) {
  for (RopeLayout layout : {RopeLayout::kPairs, RopeLayout::kHalves}) {
    for (int64_t rotary : {16, 8}) {
      const AttentionShape shape = shape_of(4, 2, 16);
      const int64_t tokens = 90;
      const RopeRows rope = rope_rows(tokens, rotary, layout);
      const Tensor v = random_tensor({tokens, 32}, 4);
      PageSet a(shape, 3), b(shape, 3);
      Tensor qa = random_tensor({tokens, 64}, 2), ka = random_tensor({tokens, 32}, 3);
      Tensor qb = random_tensor({tokens, 64}, 2), kb = random_tensor({tokens, 32}, 3);
      // Rows 10 to 90 stand at slots 50 to 130: two page boundaries.
      rope_append(fused, shape, rope, qa, ka, v, std::array{AppendTarget{10, 90, 50, a.pages}});
      rope_append(composed, shape, rope, qb, kb, v, std::array{AppendTarget{10, 90, 50, b.pages}});
      expect_near(qa, qb);
      expect_near(ka, kb);
      for (size_t page = 0; page < 3; ++page) expect_near(a.memory[page], b.memory[page]);
    }
  }
}

TEST_F(AttentionOps, FusedEqualsComposedOverPagesMasksAndBias) {
  struct Row {
    int64_t heads, kv_heads, width, queries, keys;
    bool causal, bias;
  };
  const Row rows[] = {{4, 2, 16, 1, 1, true, false},    {4, 2, 16, 5, 130, true, false},
                      {9, 3, 64, 3, 64, true, false},   {4, 4, 32, 70, 70, true, true},
                      {2, 1, 16, 65, 65, false, false}, {6, 3, 24, 7, 100, false, true}};
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.width) + " wide, " + std::to_string(row.keys) + " keys");
    const AttentionShape shape = shape_of(row.heads, row.kv_heads, row.width);
    PageSet pages(shape, (row.keys + kPageTokens - 1) / kPageTokens);
    const int64_t kv = row.kv_heads * row.width;
    Tensor k = random_tensor({row.keys, kv}, 6),
           unused = Tensor::zeros(DType::kF32, {row.keys, row.heads * row.width});
    const Tensor v = random_tensor({row.keys, kv}, 7);
    rope_append(composed, shape, {}, unused, k, v,
                std::array{AppendTarget{0, row.keys, 0, pages.pages}});

    const Tensor q = random_tensor({row.queries + 2, row.heads * row.width}, 8);
    const Tensor bias = random_tensor({row.heads, row.queries, row.keys}, 9);
    const AttentionSource source{1,
                                 row.queries + 1,
                                 pages.pages,
                                 row.keys,
                                 row.causal,
                                 row.keys - row.queries,
                                 row.bias ? &bias : nullptr};
    Tensor a, b;
    attention(fused, shape, q, std::array{source}, a);
    attention(composed, shape, q, std::array{source}, b);
    expect_near(a, b);
  }
}

TEST_F(AttentionOps, SaysWhatDoesNotFit) {
  const AttentionShape shape = shape_of(4, 2, 16);
  PageSet pages(shape, 1);
  Tensor q = random_tensor({65, 64}, 1), k = random_tensor({65, 32}, 2), out;
  const Tensor v = random_tensor({65, 32}, 3), small = random_tensor({64, 32}, 3);
  const auto append = [&](const Tensor& values, AppendTarget target) {
    return [&, target] { rope_append(fused, shape, {}, q, k, values, std::array{target}); };
  };
  expect_message(append(small, {0, 64, 0, pages.pages}),
                 "[rope_append] values; got f32 [64, 32], expected f32 [65, 32]");
  expect_message(append(v, {0, 65, 0, pages.pages}),
                 "[rope_append] tokens that the page table must hold; got 65, expected at most 64");
  expect_message(append(v, {0, 66, 0, pages.pages}),
                 "[rope_append] rows of a sequence; got 0 to 66, expected within the batch of 65");
  expect_message(
      [&] { attention(fused, shape_of(4, 3, 16), q, {}, out); },
      "[attention] query heads against key/value heads; got 4 and 3, expected a multiple");
  const auto attend = [&](AttentionSource source) {
    return [&, source] { attention(fused, shape, q, std::array{source}, out); };
  };
  expect_message(attend({0, 65, pages.pages, 65}),
                 "[attention] tokens that the page table must hold; got 65, expected at most 64");
  expect_message(attend({0, 1, pages.pages, 0}),
                 "[attention] keys to look at; got none, expected at least 1");
  expect_message(attend({0, 1, pages.pages, 3, true, 2, &v}),
                 "[attention] bias; got f32 [65, 32], expected f32 [4, 1, 3]");
  RopeRows rope = rope_rows(65, 32, RopeLayout::kHalves);
  expect_message([&] { rope_append(fused, shape, rope, q, k, v, {}); },
                 "[rope_append] rotary width; got 32, expected even, 2 to the head width 16");
}

}  // namespace
}  // namespace ondol::ops
