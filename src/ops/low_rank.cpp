#include "ops/low_rank.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/rng.h"
#include "ops/check.h"

namespace ondol::ops {
namespace {

constexpr int64_t kStrip = 256;  // rows of a weight dequantised at a time
constexpr int64_t kGrainRows = 8;

Tensor transposed(const Tensor& matrix, float scale) {
  const int64_t rows = matrix.dim(0), columns = matrix.dim(1);
  Tensor out = Tensor::zeros(DType::kF32, {columns, rows});
  const float* from = matrix.data();
  float* to = out.data();
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = scale * from[r * columns + c];
  }
  return out;
}

// The rows an adapter reads, with zeros where it drops: a copy only then.
Tensor adapter_input(const KernelContext& kernel, const Tensor& x, const LowRankRows& rows) {
  const Tensor own = x.rows(rows.row_begin, rows.row_end);
  if (rows.dropout.rate <= 0) return own;
  Tensor dropped = Tensor::from({own.data(), static_cast<size_t>(own.size())}, own.shape());
  drop(kernel, rows.dropout, rows.row_begin, dropped);
  return dropped;
}

// Eight elements of a row at a time: 16 bits of a Philox block each.
void drop_row(const Dropout& dropout, uint32_t zero_below, float factor, int64_t row, float* values,
              int64_t width) {
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(dropout.seed),
                                       static_cast<uint32_t>(dropout.seed >> 32)};
  for (int64_t begin = 0; begin < width; begin += 8) {
    const std::array<uint32_t, 4> words = philox4x32(
        {static_cast<uint32_t>(begin / 8), static_cast<uint32_t>(row),
         static_cast<uint32_t>(dropout.stream), static_cast<uint32_t>(dropout.stream >> 32)},
        key);
    const int64_t count = std::min<int64_t>(8, width - begin);
    for (int64_t i = 0; i < count; ++i) {
      const uint32_t bits = words[static_cast<size_t>(i / 2)] >> (i % 2 * 16) & 0xFFFF;
      values[begin + i] = bits < zero_below ? 0.0F : values[begin + i] * factor;
    }
  }
}

}  // namespace

void drop(const KernelContext& kernel, const Dropout& dropout, int64_t row_begin, Tensor& inout) {
  constexpr float kSteps = 65536;
  const auto zero_below = static_cast<uint32_t>(std::lround(dropout.rate * kSteps));
  if (zero_below == 0) return;
  const float factor = kSteps / (kSteps - static_cast<float>(zero_below));
  kernel.pool.parallel_for(inout.dim(0), kGrainRows, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      drop_row(dropout, zero_below, factor, row_begin + row, inout.row(row).data(), inout.dim(1));
    }
  });
}

Tensor row_lengths(const KernelContext& kernel, const PackedMatrix& weight, const LowRank& pair) {
  const int64_t outputs = weight.rows(), inputs = weight.columns(), rank = pair.down.dim(1);
  const Tensor a = transposed(pair.down, pair.scale);  // [r, K]
  Tensor lengths = Tensor::zeros(DType::kF32, {outputs});
  Tensor strip = Tensor::zeros(DType::kF32, {std::min(kStrip, outputs), inputs});
  for (int64_t first = 0; first < outputs; first += kStrip) {
    const int64_t count = std::min(kStrip, outputs - first);
    kernel.pool.parallel_for(count, 16, [&](int64_t begin, int64_t end, int) {
      weight.dequantize(first + begin, first + end, 0, inputs, strip.row(begin).data(), inputs);
    });
    gemm(kernel, {pair.up.data() + first, 1, outputs, a.data(), inputs, strip.data(), inputs, count,
                  inputs, rank, true});
    kernel.pool.parallel_for(count, kGrainRows, [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        const float* values = strip.row(row).data();
        lengths.data()[first + row] = std::sqrt(ondol::dot(kernel, values, values, inputs));
      }
    });
  }
  return lengths;
}

void check_low_rank(const Tensor& x, int64_t outputs, const LowRankRows& rows) {
  const LowRank& pair = *rows.adapter;
  if (rows.row_begin < 0 || rows.row_end < rows.row_begin || rows.row_end > x.dim(0)) {
    fail_check("linear", "rows of an adapter",
               std::to_string(rows.row_begin) + " to " + std::to_string(rows.row_end),
               "within the batch of " + std::to_string(x.dim(0)));
  }
  expect_f32("linear", "down matrix of an adapter", pair.down, {x.dim(1), -1});
  expect_f32("linear", "up matrix of an adapter", pair.up, {pair.down.dim(1), outputs});
  if (!pair.magnitude.defined()) return;
  expect_f32("linear", "magnitudes of an adapter", pair.magnitude, {outputs});
  expect_f32("linear", "lengths of an adapter", pair.lengths, {outputs});
}

Tensor add_low_rank(const Context& context, const Tensor& x, const LowRankRows& rows, Tensor& out) {
  const LowRank& pair = *rows.adapter;
  const int64_t count = rows.row_end - rows.row_begin, rank = pair.down.dim(1), inputs = x.dim(1);
  Tensor inner = Tensor::zeros(DType::kF32, {count, rank});
  const KernelContext kernel = context.kernel();
  const Tensor own = adapter_input(kernel, x, rows);
  gemm(kernel,
       {own.data(), inputs, 1, pair.down.data(), rank, inner.data(), rank, count, rank, inputs});
  float* values = inner.data();
  for (int64_t i = 0; i < count * rank; ++i) values[i] *= pair.scale;
  const int64_t outputs = out.dim(1);
  gemm(kernel, {inner.data(), rank, 1, pair.up.data(), outputs, out.data(), outputs, count, outputs,
                rank, true});
  return inner;
}

void low_rank_backward(const Context& context, const SavedLowRank& low, const Tensor& x,
                       const Tensor& dout, Tensor& dx) {
  Tape& tape = *context.tape;
  const KernelContext kernel = context.kernel();
  const LowRankRows& rows = low.rows;
  const int64_t count = rows.row_end - rows.row_begin, rank = low.pair.down.dim(1);
  const int64_t inputs = low.pair.down.dim(0), outputs = low.pair.up.dim(1);
  const float* dy = dout.data() + rows.row_begin * outputs;
  if (low.up) {
    Tensor& dup = tape.sum(low.up, low.pair.up.shape());
    gemm(kernel,
         {low.inner.data(), 1, rank, dy, outputs, dup.data(), outputs, rank, outputs, count, true});
  }
  Tensor dinner = Tensor::zeros(DType::kF32, {count, rank});
  const Tensor up = transposed(low.pair.up, 1);
  gemm(kernel, {dy, outputs, 1, up.data(), rank, dinner.data(), rank, count, rank, outputs});
  for (int64_t i = 0; i < dinner.size(); ++i) dinner.data()[i] *= low.pair.scale;
  if (low.down) {
    const Tensor own = adapter_input(kernel, x, rows);
    Tensor& ddown = tape.sum(low.down, low.pair.down.shape());
    gemm(kernel, {own.data(), 1, inputs, dinner.data(), rank, ddown.data(), rank, inputs, rank,
                  count, true});
  }
  if (!dx.defined()) return;
  const Tensor down = transposed(low.pair.down, 1);
  float* to = dx.data() + rows.row_begin * inputs;
  if (rows.dropout.rate <= 0) {
    gemm(kernel,
         {dinner.data(), rank, 1, down.data(), inputs, to, inputs, count, inputs, rank, true});
    return;
  }
  Tensor part = Tensor::zeros(DType::kF32, {count, inputs});
  gemm(kernel,
       {dinner.data(), rank, 1, down.data(), inputs, part.data(), inputs, count, inputs, rank});
  drop(kernel, rows.dropout, rows.row_begin, part);
  ondol::add(kernel, part.data(), part.size(), to);
}

void scale_rows(const KernelContext& kernel, const LowRank& pair, const Tensor& sum,
                const float* bias, bool accumulate, float* out) {
  const int64_t outputs = sum.dim(1);
  const float *magnitude = pair.magnitude.data(), *lengths = pair.lengths.data();
  kernel.pool.parallel_for(sum.dim(0), kGrainRows, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      const float* from = sum.row(t).data();
      float* to = out + t * outputs;
      for (int64_t n = 0; n < outputs; ++n) {
        float value = magnitude[n] / lengths[n] * from[n];
        if (bias != nullptr) value += bias[n];
        to[n] = accumulate ? to[n] + value : value;
      }
    }
  });
}

void scale_gradient(const KernelContext& kernel, const LowRankRows& rows, Tensor& dout) {
  const LowRank& pair = *rows.adapter;
  const Tensor own = dout.rows(rows.row_begin, rows.row_end);
  scale_rows(kernel, pair, own, nullptr, false, dout.row(rows.row_begin).data());
}

void magnitude_backward(const KernelContext& kernel, const LowRankRows& rows, const Tensor& sum,
                        const Tensor& dout, Tensor& dmagnitude) {
  const int64_t outputs = sum.dim(1);
  const float* lengths = rows.adapter->lengths.data();
  const float *dy = dout.data() + rows.row_begin * outputs, *values = sum.data();
  kernel.pool.parallel_for(outputs, 64, [&](int64_t begin, int64_t end, int) {
    std::vector<float> total(static_cast<size_t>(end - begin));
    for (int64_t t = 0; t < sum.dim(0); ++t) {
      for (int64_t n = begin; n < end; ++n) {
        total[static_cast<size_t>(n - begin)] += dy[t * outputs + n] * values[t * outputs + n];
      }
    }
    for (int64_t n = begin; n < end; ++n) {
      dmagnitude.data()[n] += total[static_cast<size_t>(n - begin)] / lengths[n];
    }
  });
}

}  // namespace ondol::ops
