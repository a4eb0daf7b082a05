#include <algorithm>

#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

struct Shape {
  int64_t heads, kv_heads, width;
};

// One sequence's keys and values in pages, with whatever lies behind the last key being NaN.
struct Cache {
  std::vector<std::vector<float>> memory;
  std::vector<KvPage> pages;

  Cache(const Shape& s, int64_t keys, const KernelContext& context, const std::vector<float>& k,
        const std::vector<float>& v) {
    const auto page_floats = static_cast<size_t>(s.kv_heads * s.width * kPageTokens);
    for (int64_t first = 0; first < keys; first += kPageTokens) {
      memory.emplace_back(page_floats, NAN);
      memory.emplace_back(page_floats, NAN);
      pages.push_back({memory[memory.size() - 2].data(), memory.back().data()});
    }
    // In two pieces, the second from a slot inside a page.
    const int64_t row = s.kv_heads * s.width, cut = keys / 3;
    kv_append(context, k.data(), v.data(), cut, row, row, s.kv_heads, s.width, pages, 0);
    kv_append(context, k.data() + cut * row, v.data() + cut * row, keys - cut, row, row, s.kv_heads,
              s.width, pages, cut);
  }
};

struct Problem {
  Shape shape;
  int64_t keys;
  bool causal;
  bool biased;
  std::vector<float> q, k, v, bias;

  Problem(const Shape& s, int64_t key_count, bool is_causal, bool has_bias)
      : shape(s), keys(key_count), causal(is_causal), biased(has_bias) {
    q = random_floats(static_cast<size_t>(keys * s.heads * s.width), 1);
    k = random_floats(static_cast<size_t>(keys * s.kv_heads * s.width), 2);
    v = random_floats(static_cast<size_t>(keys * s.kv_heads * s.width), 3);
    if (biased) bias = random_floats(static_cast<size_t>(s.heads * keys * keys), 4);
    if (biased) bias[0] = -INFINITY;
  }
  AttentionShape attention_shape() const {
    return {shape.heads, shape.kv_heads, shape.width,
            1.0F / std::sqrt(static_cast<float>(shape.width))};
  }
};

// All queries in chunks of `chunk`; a causal chunk sees only the keys that were there by then.
std::vector<float> run(const Problem& p, const KernelContext& context, int64_t chunk) {
  const Cache cache(p.shape, p.keys, context, p.k, p.v);
  const int64_t row = p.shape.heads * p.shape.width;
  std::vector<float> out(p.q.size(), 9.0F);
  std::vector<float> bias;
  for (int64_t first = 0; first < p.keys; first += chunk) {
    AttentionTask task{};
    task.queries = std::min(chunk, p.keys - first);
    task.q = p.q.data() + first * row;
    task.q_stride = row;
    task.out = out.data() + first * row;
    task.out_stride = row;
    task.pages = cache.pages;
    task.keys = p.causal ? first + task.queries : p.keys;
    task.causal = p.causal;
    task.first_position = first;
    if (p.biased) {  // [H, queries, keys] of this chunk
      bias.clear();
      for (int64_t h = 0; h < p.shape.heads; ++h) {
        for (int64_t i = 0; i < task.queries; ++i) {
          const float* from = p.bias.data() + (h * p.keys + first + i) * p.keys;
          bias.insert(bias.end(), from, from + task.keys);
        }
      }
      task.bias = bias.data();
    }
    attention(context, p.attention_shape(), {&task, 1});
  }
  return out;
}

std::vector<double> plain(const Problem& p) {
  const Shape& s = p.shape;
  std::vector<double> out(p.q.size());
  for (int64_t i = 0; i < p.keys; ++i) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const int64_t g = h / (s.heads / s.kv_heads), seen = p.causal ? i + 1 : p.keys;
      std::vector<double> weights;
      double sum = 0;
      for (int64_t j = 0; j < seen; ++j) {
        double score = 0;
        for (int64_t e = 0; e < s.width; ++e) {
          score += static_cast<double>(p.q[(i * s.heads + h) * s.width + e]) *
                   p.k[(j * s.kv_heads + g) * s.width + e];
        }
        score /= std::sqrt(static_cast<double>(s.width));
        if (p.biased) score += p.bias[(h * p.keys + i) * p.keys + j];
        weights.push_back(std::exp(score));
        sum += weights.back();
      }
      for (int64_t e = 0; e < s.width && sum > 0; ++e) {
        double mixed = 0;
        for (int64_t j = 0; j < seen; ++j) {
          mixed += weights[j] * p.v[(j * s.kv_heads + g) * s.width + e];
        }
        out[(i * s.heads + h) * s.width + e] = mixed / sum;
      }
    }
  }
  return out;
}

const Shape kShapes[] = {{2, 2, 8}, {3, 1, 16}, {9, 3, 64}, {4, 2, 20}, {2, 1, 96}, {26, 2, 32}};
constexpr int64_t kKeys[] = {1, 2, 63, 64, 65, 200};

TEST(Attention, ReferenceIsNearThePlainFormula) {
  ThreadPool pool(1);
  for (const Shape& shape : kShapes) {
    for (const int64_t keys : {1, 5, 65}) {
      for (const bool causal : {true, false}) {
        for (const bool biased : {true, false}) {
          const Problem p(shape, keys, causal, biased);
          const auto got = run(p, {pool, kernels_for("ref")}, keys);
          const auto want = plain(p);
          for (size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], want[i], 3e-6) << "width " << shape.width << " keys " << keys
                                               << " causal " << causal << " bias " << biased;
          }
        }
      }
    }
  }
}

TEST(Attention, SameBitsForEveryIsaChunkAndThreadCount) {
  ThreadPool one(1), two(2), three(3);
  for (const Shape& shape : kShapes) {
    for (const int64_t keys : kKeys) {
      for (const bool causal : {true, false}) {
        if (keys == 200 && shape.heads == 26) continue;  // the slowest, and nothing new
        const Problem p(shape, keys, causal, keys < 100);
        const auto want = run(p, {two, kernels_for("ref")}, keys);
        for (const KernelTable* table : vector_tables()) {
          for (const int64_t chunk : {int64_t{1}, int64_t{2}, int64_t{7}, int64_t{64}, keys}) {
            for (ThreadPool* pool : {&one, &two, &three}) {
              ASSERT_TRUE(same_bits(run(p, {*pool, *table}, chunk), want))
                  << kernel_isa(*table) << " heads " << shape.heads << " width " << shape.width
                  << " keys " << keys << " causal " << causal << " chunk " << chunk;
            }
          }
        }
      }
    }
  }
}

TEST(Attention, SeveralTasksAreEachAsAlone) {
  ThreadPool pool(3);
  const Shape shape{6, 2, 32};
  for (const std::string_view isa : supported_isas()) {
    const KernelContext context{pool, kernels_for(isa)};
    const Problem a(shape, 70, true, false), b(shape, 9, false, false);
    const Cache cache_a(shape, 70, context, a.k, a.v), cache_b(shape, 9, context, b.k, b.v);
    std::vector<float> out_a(a.q.size()), out_b(b.q.size());
    const int64_t row = 6 * 32;
    const AttentionTask tasks[] = {
        {a.q.data(), 70, row, out_a.data(), row, cache_a.pages, 70, true, 0, nullptr},
        {b.q.data(), 9, row, out_b.data(), row, cache_b.pages, 9, false, 0, nullptr}};
    attention(context, a.attention_shape(), tasks);
    EXPECT_TRUE(same_bits(out_a, run(a, context, 70))) << isa;
    EXPECT_TRUE(same_bits(out_b, run(b, context, 9))) << isa;
  }
}

}  // namespace
}  // namespace ondol::testing
