// Drivers of attention: (task, key/value head, block of queries) are the units of work, each cut
// into segments of keys.
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

int64_t segments_of(int64_t keys) { return (keys + kSegmentKeys - 1) / kSegmentKeys; }

// How a head group and its queries are cut into blocks of at most kAttentionRows rows. Each row's
// result is the same for every cut.
struct Cut {
  int64_t group;    // query heads of one key/value head
  int64_t heads;    // of them, in one block
  int64_t parts;    // blocks a group
  int64_t queries;  // in one block

  Cut(const AttentionShape& shape, int64_t pieces, int threads) {
    group = shape.heads / shape.kv_heads;
    heads = std::min(group, kAttentionRows);
    // A short context of one sequence has few pieces: give threads single heads rather than none.
    if (pieces < 4 * threads) heads = 1;
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

// One row of a unit: where its query is and its output goes.
struct Row {
  const float* q;
  float* out;
  const float* bias;
  int64_t visible;
};

struct Rows {
  int64_t count = 0;
  int64_t segments = 0;  // that the row with the most keys has
  Row row[kAttentionRows];
  VectorCodes scale[kAttentionRows];  // kI8: of the queries' codes
  alignas(64) int8_t codes[kAttentionRows][kHeadWidthMax];
};

void find_rows(const AttentionShape& shape, const Cut& cut, const Unit& unit, Rows& rows) {
  const AttentionTask& task = *unit.task;
  rows.count = rows.segments = 0;
  const int64_t query_end = std::min(task.queries, unit.query_begin + cut.queries);
  const int64_t head_begin = unit.part * cut.heads;
  const int64_t head_end = std::min(cut.group, head_begin + cut.heads);
  for (int64_t query = unit.query_begin; query < query_end; ++query) {
    for (int64_t in_group = head_begin; in_group < head_end; ++in_group) {
      const int64_t head = unit.kv_head * cut.group + in_group;
      const int64_t visible = visible_keys(task, query);
      rows.row[rows.count++] = {
          task.q + query * task.q_stride + head * shape.head_width,
          task.out + query * task.out_stride + head * shape.head_width,
          task.bias ? task.bias + (head * task.queries + query) * task.keys : nullptr, visible};
      rows.segments = std::max(rows.segments, segments_of(visible));
    }
  }
}

// What the segments of one unit leave: [segment][row], values [segment][row][E].
struct Partials {
  MaxSum* softmax;
  float* mixed;
};

class Attention {
 public:
  Attention(const KernelContext& context, const AttentionShape& shape, KvType type,
            std::span<const AttentionTask> tasks)
      : context_(context),
        shape_(shape),
        type_(type),
        cut_(shape, pieces(shape, tasks), threads()) {
    for (const AttentionTask& task : tasks) {
      for (int64_t query = 0; query < task.queries; query += cut_.queries) {
        for (int64_t g = 0; g < shape.kv_heads; ++g) {
          for (int64_t part = 0; part < cut_.parts; ++part) {
            units_.push_back({&task, g, part, query});
            segments_max_ = std::max(segments_max_, segments_of(task.keys));
          }
        }
      }
    }
  }

  void run() {
    const auto units = static_cast<int64_t>(units_.size());
    const bool split = segments_max_ > 1 && units < 4 * threads();
    const int64_t sets = split ? units : threads();
    const auto mixed = allocate_aligned(sets * set_rows() * shape_.head_width * 4);
    std::vector<MaxSum> softmax(static_cast<size_t>(sets * set_rows()));
    const auto set = [&](int64_t i) {
      return Partials{softmax.data() + i * set_rows(),
                      reinterpret_cast<float*>(mixed.get()) + i * set_rows() * shape_.head_width};
    };
    if (split) return run_split(set);
    // Later queries of a causal task see more keys: units are dealt out in turn, not in runs.
    context_.pool.run([&](int thread) {
      Rows rows;
      for (int64_t u = thread; u < units; u += threads()) {
        const Unit& unit = units_[static_cast<size_t>(u)];
        prepare(unit, rows);
        for (int64_t s = 0; s < rows.segments; ++s) segment(unit, rows, s, set(thread));
        for (int64_t r = 0; r < rows.count; ++r) join(rows, r, set(thread));
      }
    });
  }

 private:
  int threads() const { return context_.pool.size(); }
  int64_t set_rows() const { return segments_max_ * kAttentionRows; }

  static int64_t pieces(const AttentionShape& shape, std::span<const AttentionTask> tasks) {
    int64_t count = 0;
    for (const AttentionTask& task : tasks) {
      count += task.queries * shape.kv_heads * segments_of(task.keys);
    }
    return count;
  }

  // Few units over long contexts: segments are dealt out, then the rows are joined.
  template <class Set>
  void run_split(const Set& set) {
    std::vector<Rows> rows(units_.size());
    struct Piece {
      int64_t unit, segment;
    };
    std::vector<Piece> pieces;
    for (size_t u = 0; u < units_.size(); ++u) {
      prepare(units_[u], rows[u]);
      for (int64_t s = 0; s < rows[u].segments; ++s) {
        pieces.push_back({static_cast<int64_t>(u), s});
      }
    }
    context_.pool.parallel_for(
        static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const auto [u, s] = pieces[static_cast<size_t>(i)];
            segment(units_[static_cast<size_t>(u)], rows[static_cast<size_t>(u)], s, set(u));
          }
        });
    for (size_t u = 0; u < rows.size(); ++u) {
      for (int64_t r = 0; r < rows[u].count; ++r) join(rows[u], r, set(static_cast<int64_t>(u)));
    }
  }

  void prepare(const Unit& unit, Rows& rows) const {
    find_rows(shape_, cut_, unit, rows);
    if (type_ != KvType::kI8) return;
    for (int64_t r = 0; r < rows.count; ++r) {
      rows.scale[r] =
          context_.table.quantize_vector(rows.row[r].q, shape_.head_width, rows.codes[r]);
    }
  }

  void segment(const Unit& unit, const Rows& rows, int64_t s, const Partials& out) const {
    AttentionBlock b{};
    b.pages = unit.task->pages.data();
    b.type = type_;
    b.kv_head = unit.kv_head;
    b.head_bytes = kv_head_bytes(type_, shape_.head_width);
    b.head_width = shape_.head_width;
    b.scale = shape_.scale;
    b.key_begin = s * kSegmentKeys;
    for (int64_t r = 0; r < rows.count; ++r) {
      const int64_t left = rows.row[r].visible - b.key_begin;
      if (left <= 0) continue;
      const int64_t at = b.rows++;
      b.q[at] = rows.row[r].q;
      b.q_codes[at] = rows.codes[r];
      b.q_scale[at] = rows.scale[r];
      b.bias[at] = rows.row[r].bias;
      b.visible[at] = std::min(left, kSegmentKeys);
      b.softmax[at] = out.softmax + s * kAttentionRows + r;
      b.mixed[at] = out.mixed + (s * kAttentionRows + r) * shape_.head_width;
    }
    context_.table.attention(b);
  }

  void join(const Rows& rows, int64_t r, const Partials& parts) const {
    context_.table.join_segments({segments_of(rows.row[r].visible), shape_.head_width,
                                  parts.softmax + r, parts.mixed + r * shape_.head_width,
                                  rows.row[r].out});
  }

  const KernelContext& context_;
  const AttentionShape& shape_;
  KvType type_;
  Cut cut_;
  std::vector<Unit> units_;
  int64_t segments_max_ = 1;
};

// Where the codes of one head of one page lie, and the scales behind them.
struct HeadI8 {
  uint8_t* codes;
  float* scales;
  HeadI8(std::byte* part, int64_t head, int64_t head_width) {
    const int64_t bytes = kv_head_bytes(KvType::kI8, head_width);
    codes = reinterpret_cast<uint8_t*>(part) + head * bytes;
    scales = reinterpret_cast<float*>(codes + bytes - kPageTokens * 4);
  }
};

struct TokenSlot {
  const KvPage& page;
  int64_t slot;
};

void append_i8(const KernelTable& table, const AttentionShape& shape, const float* k,
               const float* v, const TokenSlot& to) {
  int8_t codes[kHeadWidthMax];
  const int64_t width = shape.head_width, padded = (width + 15) / 16 * 16;
  for (int64_t g = 0; g < shape.kv_heads; ++g) {
    const HeadI8 keys(to.page.keys, g, width), values(to.page.values, g, width);
    keys.scales[to.slot] = table.quantize_vector(k + g * width, width, codes).scale;
    for (int64_t e = 0; e < padded; ++e) {
      keys.codes[(e / 4 * kPageTokens + to.slot) * 4 + e % 4] =
          static_cast<uint8_t>(codes[e] + 128);
    }
    values.scales[to.slot] = table.quantize_vector(v + g * width, width, codes).scale;
    for (int64_t e = 0; e < padded; ++e) {
      values.codes[(to.slot / 4 * padded + e) * 4 + to.slot % 4] = static_cast<uint8_t>(codes[e]);
    }
  }
}

void append_f32(const AttentionShape& shape, const float* k, const float* v, const TokenSlot& to) {
  auto* keys = reinterpret_cast<float*>(to.page.keys);
  auto* values = reinterpret_cast<float*>(to.page.values);
  const int64_t width = shape.head_width;
  for (int64_t i = 0; i < shape.kv_heads * width; ++i) keys[i * kPageTokens + to.slot] = k[i];
  for (int64_t g = 0; g < shape.kv_heads; ++g) {
    std::memcpy(values + (g * kPageTokens + to.slot) * width, v + g * width,
                static_cast<size_t>(width) * sizeof(float));
  }
}

void append_token(const KernelTable& table, const AttentionShape& shape, KvType type,
                  const KvAppendTask& task, int64_t t) {
  const int64_t slot = task.first_slot + t;
  const TokenSlot to{task.pages[static_cast<size_t>(slot / kPageTokens)], slot % kPageTokens};
  const float *k = task.k + t * task.k_stride, *v = task.v + t * task.v_stride;
  if (type == KvType::kF32) {
    append_f32(shape, k, v, to);
  } else {
    append_i8(table, shape, k, v, to);
  }
}

}  // namespace

int64_t kv_head_bytes(KvType type, int64_t head_width) {
  if (type == KvType::kF32) return head_width * kPageTokens * 4;
  return (head_width + 15) / 16 * 16 * kPageTokens + kPageTokens * 4;
}

void kv_append(const KernelContext& context, const AttentionShape& shape, KvType type,
               std::span<const KvAppendTask> tasks) {
  int64_t tokens = 0;
  for (const KvAppendTask& task : tasks) tokens += task.tokens;
  const int64_t grain = std::max<int64_t>(1, 2048 / (shape.kv_heads * shape.head_width));
  context.pool.parallel_for(tokens, grain, [&](int64_t begin, int64_t end, int) {
    int64_t first = 0;  // of the task, among all tokens
    for (const KvAppendTask& task : tasks) {
      const int64_t from = std::max(begin, first) - first;
      const int64_t to = std::min(end, first + task.tokens) - first;
      for (int64_t t = from; t < to; ++t) append_token(context.table, shape, type, task, t);
      first += task.tokens;
    }
  });
}

void attention(const KernelContext& context, const AttentionShape& shape, KvType type,
               std::span<const AttentionTask> tasks) {
  ONDOL_ASSERT(shape.heads % shape.kv_heads == 0 && shape.head_width <= kHeadWidthMax);
  Attention(context, shape, type, tasks).run();
}

}  // namespace ondol
