// Drivers of the kernels that work on rows: they split rows (or elements) over the pool.
#include <algorithm>
#include <cmath>

#include "kernels/table.h"

namespace ondol {
namespace {

// Enough work for a thread to be worth waking: about two microseconds.
constexpr int64_t kGrainElements = 4096;

int64_t row_grain(int64_t width) {
  return std::max<int64_t>(1, kGrainElements / std::max<int64_t>(width, 1));
}

// Natural logarithm of a positive finite float, correctly rounded but for rare ties: the series of
// atanh in double, without the C library, whose bits differ between machines.
float log_f32(float x) {
  int exponent = 0;
  double m = std::frexp(static_cast<double>(x), &exponent);  // [0.5, 1)
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), ss = s * s;
  double series = 0;
  for (int term = 21; term >= 1; term -= 2) series = series * ss + 1.0 / term;
  return static_cast<float>(2 * s * series + exponent * 0.69314718055994531);
}

}  // namespace

void rms_norm(const KernelContext& context, const float* x, const float* weight, int64_t tokens,
              int64_t width, float epsilon, float* out) {
  context.pool.parallel_for(tokens, row_grain(width), [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      context.table.rms_norm(x + t * width, weight, width, epsilon, out + t * width);
    }
  });
}

void layer_norm(const KernelContext& context, const float* x, const float* weight,
                const float* bias, int64_t tokens, int64_t width, float epsilon, float* out) {
  context.pool.parallel_for(tokens, row_grain(width), [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      context.table.layer_norm(x + t * width, weight, bias, width, epsilon, out + t * width);
    }
  });
}

void add(const KernelContext& context, const float* x, int64_t count, float* inout) {
  context.pool.parallel_for(count, 2 * kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.add(x + begin, end - begin, inout + begin);
  });
}

void silu_multiply(const KernelContext& context, const float* gate, const float* up, int64_t count,
                   float* out) {
  context.pool.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.silu_multiply(gate + begin, up + begin, end - begin, out + begin);
  });
}

void gelu(const KernelContext& context, float* inout, int64_t count) {
  context.pool.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.gelu(inout + begin, end - begin);
  });
}

void gelu_tanh(const KernelContext& context, float* inout, int64_t count) {
  context.pool.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end, int) {
    context.table.gelu_tanh(inout + begin, end - begin);
  });
}

void softmax_rows(const KernelContext& context, float* inout, int64_t rows, int64_t width) {
  context.pool.parallel_for(rows, row_grain(width), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) context.table.softmax(inout + row * width, width);
  });
}

float log_sum_exp(const KernelContext& context, const float* x, int64_t width) {
  const MaxSum row = context.table.max_sum(x, width);
  return row.max + log_f32(row.sum);
}

float dot(const KernelContext& context, const float* a, const float* b, int64_t count) {
  return context.table.dot(a, b, count);
}

void dot_i8_rows(const KernelContext& context, const int8_t* query, const int8_t* rows,
                 int64_t count, int64_t width, int32_t* out) {
  context.pool.parallel_for(count, 4 * row_grain(width), [&](int64_t begin, int64_t end, int) {
    context.table.dot_i8_rows(query, rows + begin * width, end - begin, width, out + begin);
  });
}

void rope(const KernelContext& context, float* x, int64_t tokens, int64_t x_stride, int64_t heads,
          int64_t head_width, int64_t rotary_width, RopeLayout layout,
          std::span<const int32_t> positions, const float* cos_table, const float* sin_table) {
  const int64_t half = rotary_width / 2;
  const int64_t grain = row_grain(heads * head_width);
  context.pool.parallel_for(tokens, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t row = positions[static_cast<size_t>(t)] * half;
      for (int64_t head = 0; head < heads; ++head) {
        context.table.rope(x + t * x_stride + head * head_width, rotary_width, layout,
                           cos_table + row, sin_table + row);
      }
    }
  });
}

}  // namespace ondol
