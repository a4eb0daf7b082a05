#include "kernels/cpu/leaf_avx512.h"
#include "kernels/cpu/simd_avx512.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/codes.inc"
#include "kernels/cpu/dequantize.inc"
#include "kernels/cpu/matmul_exact.inc"
#include "kernels/cpu/matmul_bf16.inc"
// clang-format on

namespace ondol::avx512 {

void matmul_exact(const ExactMatmul& work) { matmul_exact_all(work); }

void matmul_bf16(const Bf16Matmul& work) { matmul_bf16_all(work); }

void round_bf16(const float* x, int64_t columns, std::byte* out) {
  round_bf16_row(x, columns, out);
}

void dequantize_panel(const PackedView& weight, int64_t panel, int64_t column_begin,
                      int64_t column_end, float* out) {
  ondol::dequantize_panel(weight, panel, column_begin, column_end, out);
}

void accumulate_rows(const float* y, int64_t y_stride, int64_t tokens, const float* w,
                     int64_t w_stride, int64_t rows, int64_t width, float* out,
                     int64_t out_stride) {
  ondol::accumulate_rows(y, y_stride, tokens, w, w_stride, rows, width, out, out_stride);
}

}  // namespace ondol::avx512
