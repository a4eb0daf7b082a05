// Drivers of attention: (task, key/value head, block of queries) are the units of work.
#include <algorithm>
#include <vector>

#include "base/error.h"
#include "kernels/packed.h"

namespace ondol {
namespace {

int64_t visible_keys(const AttentionTask& task, int64_t query) {
  if (!task.causal) return task.keys;
  return std::min(task.keys, task.first_position + query + 1);
}

// How a head group and its queries are cut into blocks of at most kAttentionRows rows. Each row's
// result is the same for every cut.
struct Cut {
  int64_t group;    // query heads of one key/value head
  int64_t heads;    // of them, in one block
  int64_t parts;    // blocks a group
  int64_t queries;  // in one block

  Cut(const AttentionShape& shape, int64_t queries_all, int threads) {
    group = shape.heads / shape.kv_heads;
    heads = std::min(group, kAttentionRows);
    // A decode step of one sequence has few units: give threads single heads rather than none.
    if (queries_all * shape.kv_heads < 4 * threads) heads = 1;
    parts = (group + heads - 1) / heads;
    queries = std::max<int64_t>(1, kAttentionRows / heads);
  }
};

struct Unit {
  const AttentionTask* task;
  int64_t kv_head;
  int64_t part;
  int64_t query_begin;
};

AttentionBlock make_block(const AttentionShape& shape, const Cut& cut, const Unit& unit) {
  const AttentionTask& task = *unit.task;
  AttentionBlock b{};
  b.pages = task.pages.data();
  b.kv_head = unit.kv_head;
  b.kv_heads = shape.kv_heads;
  b.head_width = shape.head_width;
  b.scale = shape.scale;
  const int64_t query_end = std::min(task.queries, unit.query_begin + cut.queries);
  const int64_t head_begin = unit.part * cut.heads;
  const int64_t head_end = std::min(cut.group, head_begin + cut.heads);
  for (int64_t query = unit.query_begin; query < query_end; ++query) {
    for (int64_t in_group = head_begin; in_group < head_end; ++in_group) {
      const int64_t head = unit.kv_head * cut.group + in_group;
      const int64_t row = b.rows++;
      b.q[row] = task.q + query * task.q_stride + head * shape.head_width;
      b.out[row] = task.out + query * task.out_stride + head * shape.head_width;
      b.bias[row] = task.bias ? task.bias + (head * task.queries + query) * task.keys : nullptr;
      b.visible[row] = visible_keys(task, query);
    }
  }
  return b;
}

}  // namespace

void kv_append(const KernelContext& context, const float* k, const float* v, int64_t tokens,
               int64_t k_stride, int64_t v_stride, int64_t kv_heads, int64_t head_width,
               std::span<const KvPage> pages, int64_t first_slot) {
  const int64_t grain = std::max<int64_t>(1, 2048 / (kv_heads * head_width));
  context.pool.parallel_for(tokens, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t slot = first_slot + t;
      const KvPage& page = pages[static_cast<size_t>(slot / kPageTokens)];
      const int64_t lane = slot % kPageTokens;
      for (int64_t i = 0; i < kv_heads * head_width; ++i) {
        page.keys[i * kPageTokens + lane] = k[t * k_stride + i];
      }
      for (int64_t g = 0; g < kv_heads; ++g) {
        std::memcpy(page.values + (g * kPageTokens + lane) * head_width,
                    v + t * v_stride + g * head_width,
                    static_cast<size_t>(head_width) * sizeof(float));
      }
    }
  });
}

void attention(const KernelContext& context, const AttentionShape& shape,
               std::span<const AttentionTask> tasks) {
  ONDOL_ASSERT(shape.heads % shape.kv_heads == 0 && shape.head_width <= 256);
  int64_t queries = 0, keys = 1;
  for (const AttentionTask& task : tasks) {
    queries += task.queries;
    keys = std::max(keys, task.keys);
  }
  const Cut cut(shape, queries, context.pool.size());
  std::vector<Unit> units;
  for (const AttentionTask& task : tasks) {
    for (int64_t query = 0; query < task.queries; query += cut.queries) {
      for (int64_t g = 0; g < shape.kv_heads; ++g) {
        for (int64_t part = 0; part < cut.parts; ++part) units.push_back({&task, g, part, query});
      }
    }
  }
  const int64_t stride = (keys + kPageTokens - 1) / kPageTokens * kPageTokens;
  const int threads = context.pool.size();
  const auto scores = allocate_aligned(threads * kAttentionRows * stride * 4);
  // Later queries of a causal task see more keys: units are dealt out in turn, not in runs.
  const auto unit_count = static_cast<int64_t>(units.size());
  context.pool.run([&](int thread) {
    for (int64_t u = thread; u < unit_count; u += threads) {
      AttentionBlock block = make_block(shape, cut, units[static_cast<size_t>(u)]);
      block.scores = reinterpret_cast<float*>(scores.get()) + thread * kAttentionRows * stride;
      block.score_stride = stride;
      context.table.attention(block);
    }
  });
}

}  // namespace ondol
