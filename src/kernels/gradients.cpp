// Drivers of the gradient kernels. What is summed over tokens (gradients of weights) is summed in
// blocks of kTokens tokens, then block after block: the bits do not depend on the thread count.
#include <algorithm>
#include <vector>

#include "base/error.h"
#include "kernels/packed.h"

namespace ondol {
namespace {

constexpr int64_t kTokens = 64;
constexpr int64_t kGrainElements = 4096;

// body(t, dweight, dbias) for every token; the last two are the block's own sums or null.
template <class Body>
void norm_rows(const KernelContext& context, const NormGradient& g, int64_t tokens, int64_t width,
               Body body) {
  const int64_t blocks = (tokens + kTokens - 1) / kTokens;
  const int64_t sums = (g.dweight ? width : 0) + (g.dbias ? width : 0);
  std::vector<float> partial(static_cast<size_t>(blocks * sums));
  context.pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t block = begin; block < end; ++block) {
      float* own = partial.data() + block * sums;
      float* dbias = g.dbias ? own + (g.dweight ? width : 0) : nullptr;
      for (int64_t t = block * kTokens; t < std::min(tokens, (block + 1) * kTokens); ++t) {
        body(t, g.dweight ? own : nullptr, dbias);
      }
    }
  });
  for (int64_t block = 0; block < blocks && sums > 0; ++block) {
    const float* own = partial.data() + block * sums;
    if (g.dweight) context.table.add(own, width, g.dweight);
    if (g.dbias) context.table.add(own + (g.dweight ? width : 0), width, g.dbias);
  }
}

constexpr int64_t kQueries = 64;  // of one head at a time

int64_t padded(int64_t count) { return (count + 15) / 16 * 16; }

// The gradients of one key/value head of one sequence, its query heads one after another.
class HeadGradient {
 public:
  HeadGradient(const KernelTable& table, const AttentionShape& shape, const AttentionGradient& task,
               int64_t kv_head, float* scratch)
      : table_(table), shape_(shape), task_(task), kv_head_(kv_head), row_(padded(task.keys)) {
    keys_ = scratch;
    values_ = keys_ + shape.head_width * row_;
    p_ = values_ + shape.head_width * row_;
    dp_ = p_ + kQueries * row_;
    query_ = dp_ + kQueries * row_;
  }

  static int64_t scratch_floats(const AttentionShape& shape, int64_t keys) {
    return 2 * (shape.head_width + kQueries) * padded(keys) + kQueries * shape.head_width;
  }

  void run() {
    transpose(task_.k, keys_);
    transpose(task_.v, values_);
    const int64_t group = shape_.heads / shape_.kv_heads;
    for (int64_t head = kv_head_ * group; head < (kv_head_ + 1) * group; ++head) {
      for (int64_t query = 0; query < task_.queries; query += kQueries) {
        block(head, query, std::min(kQueries, task_.queries - query));
      }
    }
  }

 private:
  int64_t visible(int64_t query) const {
    return task_.causal ? std::min(task_.keys, task_.first_position + query + 1) : task_.keys;
  }

  // [keys, E] of this head -> [E, keys]
  void transpose(const float* rows, float* out) const {
    const float* from = rows + kv_head_ * shape_.head_width;
    for (int64_t key = 0; key < task_.keys; ++key) {
      for (int64_t e = 0; e < shape_.head_width; ++e) {
        out[e * row_ + key] = from[key * task_.kv_stride + e];
      }
    }
  }

  void block(int64_t head, int64_t first, int64_t queries) const {
    const int64_t width = shape_.head_width, keys = visible(first + queries - 1);
    const int64_t q_at = first * task_.q_stride + head * width, kv_at = kv_head_ * width;
    const float *q = task_.q + q_at, *dout = task_.dout + q_at;
    for (int64_t i = 0; i < queries; ++i) {
      for (int64_t e = 0; e < width; ++e) {
        query_[i * width + e] = q[i * task_.q_stride + e] * shape_.scale;
      }
    }
    table_.gemm({query_, width, 1, keys_, row_, p_, row_, queries, keys, width});
    table_.gemm({dout, task_.q_stride, 1, values_, row_, dp_, row_, queries, keys, width});
    for (int64_t i = 0; i < queries; ++i) weights(head, first + i, i, keys);
    // dv += p^T dout, dk += ds^T q, dq += ds k
    table_.gemm({p_, 1, row_, dout, task_.q_stride, task_.dv + kv_at, task_.kv_stride, keys, width,
                 queries, true});
    table_.gemm({dp_, 1, row_, q, task_.q_stride, task_.dk + kv_at, task_.kv_stride, keys, width,
                 queries, true});
    table_.gemm({dp_, row_, 1, task_.k + kv_at, task_.kv_stride, task_.dq + q_at, task_.q_stride,
                 queries, width, keys, true});
  }

  // Scores of one query become weights, and the gradient of the weights that of the scores.
  void weights(int64_t head, int64_t query, int64_t i, int64_t keys) const {
    float *p = p_ + i * row_, *dp = dp_ + i * row_;
    const int64_t seen = visible(query);
    const int64_t bias_at = (head * task_.queries + query) * task_.keys;
    if (task_.bias) table_.add(task_.bias + bias_at, seen, p);
    table_.softmax(p, seen);
    table_.softmax_backward(p, dp, seen, 1.0F, dp);
    if (task_.dbias) table_.add(dp, seen, task_.dbias + bias_at);
    for (int64_t j = 0; j < seen; ++j) dp[j] *= shape_.scale;
    std::fill(p + seen, p + keys, 0.0F);
    std::fill(dp + seen, dp + keys, 0.0F);
  }

  const KernelTable& table_;
  const AttentionShape& shape_;
  const AttentionGradient& task_;
  int64_t kv_head_;
  int64_t row_;
  float *keys_, *values_, *p_, *dp_, *query_;
};

void cross_entropy_row(const KernelContext& context, const CrossEntropy& work, int64_t row) {
  float* logits = work.logits + row * work.width;
  const int64_t target = work.targets[row];
  work.correct[row] = logits[target] == *std::max_element(logits, logits + work.width) ? 1 : 0;
  const auto total = static_cast<double>(log_sum_exp(context, logits, work.width));
  const auto share = static_cast<double>(work.smoothing);
  work.loss[row] = (1 - share) * (total - static_cast<double>(logits[target]));
  if (work.smoothing > 0) {
    double mean = 0;
    for (int64_t i = 0; i < work.width; ++i) mean += static_cast<double>(logits[i]);
    work.loss[row] += share * (total - mean / static_cast<double>(work.width));
  }
  context.table.softmax(logits, work.width);
  const float even = work.smoothing / static_cast<float>(work.width);
  for (int64_t i = 0; i < work.width; ++i) logits[i] = (logits[i] - even) * work.scale;
  logits[target] -= (1 - work.smoothing) * work.scale;
}

}  // namespace

void cross_entropy(const KernelContext& context, const CrossEntropy& work) {
  context.pool.parallel_for(work.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) cross_entropy_row(context, work, row);
  });
}

void gemm(const KernelContext& context, const Gemm& work) {
  constexpr int64_t kRows = 96, kColumns = 128;  // of one unit: several register tiles
  const int64_t down = (work.m + kRows - 1) / kRows, across = (work.n + kColumns - 1) / kColumns;
  context.pool.parallel_for(down * across, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t m = unit % down * kRows, n = unit / down * kColumns;
      Gemm part = work;
      part.x += m * work.x_row;
      part.w += n;
      part.out += m * work.out_row + n;
      part.m = std::min(kRows, work.m - m);
      part.n = std::min(kColumns, work.n - n);
      context.table.gemm(part);
    }
  });
}

void rms_norm_backward(const KernelContext& context, const NormGradient& g, int64_t tokens,
                       int64_t width, float epsilon) {
  norm_rows(context, g, tokens, width, [&](int64_t t, float* dweight, float*) {
    const int64_t at = t * width;
    context.table.rms_norm_backward(g.x + at, g.weight, g.dy + at, width, epsilon,
                                    g.dx ? g.dx + at : nullptr, dweight);
  });
}

void layer_norm_backward(const KernelContext& context, const NormGradient& g, int64_t tokens,
                         int64_t width, float epsilon) {
  norm_rows(context, g, tokens, width, [&](int64_t t, float* dweight, float* dbias) {
    const int64_t at = t * width;
    context.table.layer_norm_backward(g.x + at, g.weight, g.dy + at, width, epsilon,
                                      g.dx ? g.dx + at : nullptr, dweight, dbias);
  });
}

void silu_multiply_backward(const KernelContext& context, const float* gate, const float* up,
                            const float* dy, int64_t count, float* dgate, float* dup) {
  context.pool.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.silu_multiply_backward(gate + begin, up + begin, dy + begin, end - begin,
                                         dgate + begin, dup + begin);
  });
}

void gelu_backward(const KernelContext& context, const float* x, const float* dy, int64_t count,
                   float* dx) {
  context.pool.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.gelu_backward(x + begin, dy + begin, end - begin, dx + begin);
  });
}

void gelu_tanh_backward(const KernelContext& context, const float* x, const float* dy,
                        int64_t count, float* dx) {
  context.pool.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.gelu_tanh_backward(x + begin, dy + begin, end - begin, dx + begin);
  });
}

void adam(const KernelContext& context, const AdamFactors& factors, const float* gradient,
          int64_t count, float* value, float* mean, float* square) {
  context.pool.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.adam(factors, gradient + begin, end - begin, value + begin, mean + begin,
                       square + begin);
  });
}

void attention_backward(const KernelContext& context, const AttentionShape& shape,
                        std::span<const AttentionGradient> tasks) {
  ONDOL_ASSERT(shape.heads % shape.kv_heads == 0 && shape.head_width <= kHeadWidthMax);
  int64_t keys_max = 0;
  for (const AttentionGradient& task : tasks) keys_max = std::max(keys_max, task.keys);
  const auto bytes =
      static_cast<size_t>(HeadGradient::scratch_floats(shape, keys_max)) * sizeof(float);
  ThreadPool& pool = context.pool;
  for (int t = 0; t < pool.size(); ++t) pool.scratch(t, bytes);
  const auto units = static_cast<int64_t>(tasks.size()) * shape.kv_heads;
  pool.run([&](int thread) {
    auto* scratch = reinterpret_cast<float*>(pool.scratch(thread, bytes));
    for (int64_t unit = thread; unit < units; unit += pool.size()) {
      const AttentionGradient& task = tasks[static_cast<size_t>(unit / shape.kv_heads)];
      if (task.queries == 0) continue;
      HeadGradient(context.table, shape, task, unit % shape.kv_heads, scratch).run();
    }
  });
}

}  // namespace ondol
