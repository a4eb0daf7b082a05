#include <algorithm>
#include <array>

#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

struct Shape {
  int64_t heads, kv_heads, width;
};

AttentionShape attention_shape(const Shape& s) {
  return {s.heads, s.kv_heads, s.width, 1.0F / std::sqrt(static_cast<float>(s.width))};
}

// One sequence's keys and values in pages, with whatever lies behind the last key being NaN.
struct Cache {
  std::vector<AlignedArray<std::byte>> memory;
  std::vector<KvPage> pages;

  Cache(const Shape& s, KvType type, int64_t keys, const KernelContext& context,
        const std::vector<float>& k, const std::vector<float>& v) {
    const int64_t part = s.kv_heads * kv_head_bytes(type, s.width);
    for (int64_t first = 0; first < keys; first += kPageTokens) {
      memory.push_back(allocate_aligned(2 * part));
      std::memset(memory.back().get(), 0xff, static_cast<size_t>(2 * part));
      pages.push_back({memory.back().get(), memory.back().get() + part});
    }
    // In two pieces, the second from a slot inside a page.
    const int64_t row = s.kv_heads * s.width, cut = keys / 3;
    const AttentionShape shape = attention_shape(s);
    const KvAppendTask first{k.data(), v.data(), cut, row, row, pages, 0};
    const KvAppendTask second{
        k.data() + cut * row, v.data() + cut * row, keys - cut, row, row, pages, cut};
    kv_append(context, shape, type, std::array{first, second});
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
};

// All queries in chunks of `chunk`; a causal chunk sees only the keys that were there by then.
std::vector<float> run(const Problem& p, KvType type, const KernelContext& context, int64_t chunk) {
  const Cache cache(p.shape, type, p.keys, context, p.k, p.v);
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
    attention(context, attention_shape(p.shape), type, {&task, 1});
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
constexpr int64_t kKeys[] = {1, 2, 63, 64, 65, 200, 600};
constexpr KvType kTypes[] = {KvType::kF32, KvType::kI8};

TEST(Attention, ReferenceIsNearThePlainFormula) {
  ThreadPool pool(1);
  for (const Shape& shape : kShapes) {
    for (const int64_t keys : {1, 5, 65, 300}) {
      if (keys == 300 && shape.heads * shape.width > 200) continue;
      for (const bool causal : {true, false}) {
        for (const bool biased : {true, false}) {
          const Problem p(shape, keys, causal, biased);
          const auto want = plain(p);
          for (const KvType type : kTypes) {
            // int8: the worst of a few thousand outputs of about 1 in magnitude.
            const double near = type == KvType::kF32 ? 5e-6 : 0.05;
            const auto got = run(p, type, {pool, kernels_for("ref")}, keys);
            for (size_t i = 0; i < got.size(); ++i) {
              ASSERT_NEAR(got[i], want[i], near) << "width " << shape.width << " keys " << keys
                                                 << " causal " << causal << " bias " << biased;
            }
          }
        }
      }
    }
  }
}

void expect_same_bits(const Problem& p, KvType type, std::span<const int64_t> chunks) {
  ThreadPool one(1), two(2), three(3);
  const auto want = run(p, type, {two, kernels_for("ref")}, p.keys);
  for (const KernelTable* table : vector_tables()) {
    for (const int64_t chunk : chunks) {
      for (ThreadPool* pool : {&one, &two, &three}) {
        ASSERT_TRUE(same_bits(run(p, type, {*pool, *table}, chunk), want))
            << kernel_isa(*table) << " heads " << p.shape.heads << " width " << p.shape.width
            << " keys " << p.keys << " causal " << p.causal << " chunk " << chunk << " type "
            << static_cast<int>(type);
      }
    }
  }
}

TEST(Attention, SameBitsForEveryIsaChunkAndThreadCount) {
  for (const Shape& shape : kShapes) {
    for (const int64_t keys : kKeys) {
      if (keys >= 200 && shape.heads == 26) continue;  // the slowest, and nothing new
      if (keys == 600 && shape.heads * shape.width > 200) continue;
      for (const bool causal : {true, false}) {
        const Problem p(shape, keys, causal, keys < 100);
        const std::vector<int64_t> few{1, 7, keys}, many{1, 2, 7, 64, keys};
        for (const KvType type : kTypes) expect_same_bits(p, type, keys > 200 ? few : many);
      }
    }
  }
}

TEST(Attention, OneInfiniteKeyOrValueIsNotHidden) {
  ThreadPool pool(2);
  const Shape shape{3, 1, 16};
  for (const float bad : {INFINITY, NAN}) {
    for (const bool in_value : {false, true}) {
      Problem p(shape, 70, false, false);
      (in_value ? p.v : p.k)[5] = bad;
      for (const std::string_view isa : supported_isas()) {
        const auto out = run(p, KvType::kI8, {pool, kernels_for(isa)}, 70);
        EXPECT_TRUE(std::isnan(out[0])) << isa << " in value " << in_value;
      }
    }
  }
}

TEST(Attention, SeveralTasksAreEachAsAlone) {
  ThreadPool pool(3);
  const Shape shape{6, 2, 32};
  for (const std::string_view isa : supported_isas()) {
    const KvType type = isa == "ref" ? KvType::kF32 : KvType::kI8;
    const KernelContext context{pool, kernels_for(isa)};
    const Problem a(shape, 70, true, false), b(shape, 9, false, false);
    const Cache cache_a(shape, type, 70, context, a.k, a.v),
        cache_b(shape, type, 9, context, b.k, b.v);
    std::vector<float> out_a(a.q.size()), out_b(b.q.size());
    const int64_t row = 6 * 32;
    const AttentionTask tasks[] = {
        {a.q.data(), 70, row, out_a.data(), row, cache_a.pages, 70, true, 0, nullptr},
        {b.q.data(), 9, row, out_b.data(), row, cache_b.pages, 9, false, 0, nullptr}};
    attention(context, attention_shape(shape), type, tasks);
    EXPECT_TRUE(same_bits(out_a, run(a, type, context, 70))) << isa;
    EXPECT_TRUE(same_bits(out_b, run(b, type, context, 9))) << isa;
  }
}

}  // namespace
}  // namespace ondol::testing
