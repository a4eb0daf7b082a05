#include <bit>
#include <cfloat>
#include <cmath>

#include "kernels/packed.h"
#include "kernels/polynomials.h"
#include "kernels/ref/ref.h"

namespace ondol::ref {
namespace {

int32_t code_sum(const int8_t* codes, int64_t count) {
  int32_t sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += codes[k];
  return sum;
}

struct Row {  // one row of a packed matrix
  const PackedView& w;
  QuantTraits traits;
  int64_t row;

  const uint8_t* scales(int64_t column) const {
    return w.scales + row / kPanelRows * w.scales_stride +
           column / traits.scale_block * traits.scale_bytes;
  }
  // Exact integer dot product of weight values (code - offset) and activation codes.
  int32_t product(const int8_t* q, int64_t column, int64_t count) const {
    int32_t sum = 0;
    for (int64_t k = 0; k < count; ++k) {
      sum += (packed_code(w, traits.bits, row, column + k) - traits.offset) * q[column + k];
    }
    return sum;
  }
};

// acc + one block of 32 columns, in the order every instruction set keeps.
float add_block(const Row& row, const int8_t* q, int64_t block, float a, float acc) {
  const int64_t column = block * kBlock, lane = row.row % kPanelRows;
  const uint8_t* scales = row.scales(column);
  const float d = load_half(scales, lane);
  const auto sum = static_cast<float>(code_sum(q + column, kBlock));
  if (row.traits.form == QuantForm::kSuperHalves) {
    const auto* small = reinterpret_cast<const int8_t*>(scales + 32 + column % 256 / 16 * 16);
    const int32_t product = small[lane] * row.product(q, column, 16) +
                            small[16 + lane] * row.product(q, column + 16, 16);
    return std::fma(static_cast<float>(product), d * a, acc);
  }
  const int32_t product = row.product(q, column, kBlock);
  if (row.traits.form == QuantForm::kSuperMinimum) {
    const uint8_t* small = scales + 64 + column % 256 / 32 * 32;
    const float minimum = -(static_cast<float>(small[16 + lane]) * sum);  // exact: below 2^24
    acc = std::fma(static_cast<float>(product * small[lane]), d * a, acc);
    return std::fma(minimum, load_half(scales + 32, lane) * a, acc);
  }
  acc = std::fma(static_cast<float>(product), d * a, acc);
  if (row.traits.form == QuantForm::kOffset) return acc;
  return std::fma(load_half(scales + 32, lane), a * sum, acc);
}

void store(const MatmulOutput& output, int64_t token, int64_t row, float value) {
  float& target = output.out[token * output.out_stride + row];
  if (output.bias) value += output.bias[row];
  target = output.accumulate ? target + value : value;
}

// Zero, of the same sign, for a subnormal number.
float normal(float x) { return std::fabs(x) < FLT_MIN ? std::copysign(0.0F, x) : x; }

int64_t last_row(const PackedView& w, int64_t panel_end) {
  return panel_end * kPanelRows < w.rows ? panel_end * kPanelRows : w.rows;
}

}  // namespace

void quantize(const float* x, int64_t columns, int64_t token, const Activations& out) {
  const int64_t blocks = columns / kBlock;
  for (int64_t block = 0; block < blocks; ++block) {
    const float* from = x + block * kBlock;
    int8_t* codes = out.codes + token * columns + block * kBlock;
    const float scale = quantize_vector(from, kBlock, codes).scale;
    const int32_t low = code_sum(codes, 16), high = code_sum(codes + 16, 16);
    const int64_t at = token * blocks + block;
    out.scale[at] = scale;
    out.sum[at] = static_cast<float>(low + high);
    out.scaled_sum[at] = out.scale[at] * out.sum[at];
    if (out.starts[kStart8]) out.starts[kStart8][at] = -8 * (low + high);
    if (out.starts[kStart16]) out.starts[kStart16][at] = -16 * (low + high);
    if (out.starts[kStart128]) out.starts[kStart128][at] = -128 * (low + high);
    if (out.starts[kStart32Halves]) {
      out.starts[kStart32Halves][2 * at] = -32 * low;
      out.starts[kStart32Halves][2 * at + 1] = -32 * high;
    }
  }
}

void matmul_fast(const FastMatmul& work) {
  const PackedView& w = *work.weight;
  const int64_t blocks = w.columns / kBlock;
  for (int64_t r = work.panel_begin * kPanelRows; r < last_row(w, work.panel_end); ++r) {
    const Row row{w, quant_traits(w.dtype), r};
    for (int64_t t = 0; t < work.tokens; ++t) {
      float acc = 0;
      for (int64_t block = 0; block < blocks; ++block) {
        acc = add_block(row, work.x.codes + t * w.columns, block, work.x.scale[t * blocks + block],
                        acc);
      }
      store(work.output, t, r, acc);
    }
  }
}

void matmul_exact(const ExactMatmul& work) {
  const PackedView& w = *work.weight;
  for (int64_t r = work.panel_begin * kPanelRows; r < last_row(w, work.panel_end); ++r) {
    for (int64_t t = 0; t < work.tokens; ++t) {
      float acc = 0;
      for (int64_t k = 0; k < w.columns; ++k) {
        acc = std::fma(packed_value(w, r, k), work.x[t * work.x_stride + k], acc);
      }
      store(work.output, t, r, acc);
    }
  }
}

void round_bf16(const float* x, int64_t columns, std::byte* out) {
  auto* floats = reinterpret_cast<float*>(out);
  for (int64_t k = 0; k < columns; ++k) floats[k] = bf16_to_float(float_to_bf16(x[k]));
  if (columns % 2 != 0) floats[columns] = 0;
}

void matmul_bf16(const Bf16Matmul& work) {
  const PackedView& w = *work.weight;
  const auto weight = [&](int64_t r, int64_t k) {
    return k < w.columns ? normal(packed_value(w, r, k)) : 0.0F;
  };
  for (int64_t r = work.panel_begin * kPanelRows; r < last_row(w, work.panel_end); ++r) {
    for (int64_t t = 0; t < work.tokens; ++t) {
      const auto* x = reinterpret_cast<const float*>(work.x + t * work.x_stride);
      float acc = 0;
      for (int64_t k = 0; k < w.columns; k += 2) {
        acc = normal(std::fma(weight(r, k + 1), normal(x[k + 1]), acc));
        acc = normal(std::fma(weight(r, k), normal(x[k]), acc));
      }
      float& target = work.output.out[t * work.output.out_stride + r];
      if (work.output.bias) acc = normal(acc + normal(work.output.bias[r]));
      target = work.output.accumulate ? normal(normal(target) + acc) : acc;
    }
  }
}

void dequantize_panel(const PackedView& weight, int64_t panel, int64_t column_begin,
                      int64_t column_end, float* out) {
  for (int64_t k = column_begin; k < column_end; ++k) {
    for (int64_t lane = 0; lane < kPanelRows; ++lane) {
      out[(k - column_begin) * kPanelRows + lane] =
          packed_value(weight, panel * kPanelRows + lane, k);
    }
  }
}

}  // namespace ondol::ref
