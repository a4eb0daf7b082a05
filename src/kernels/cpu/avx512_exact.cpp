#include "kernels/cpu/leaf_avx512.h"
#include "kernels/cpu/simd_avx512.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/codes.inc"
#include "kernels/cpu/dequantize.inc"
#include "kernels/cpu/matmul_exact.inc"
#include "kernels/cpu/matmul_bf16.inc"
#include "kernels/cpu/gemm.inc"
#include "kernels/cpu/assign.inc"
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

void gemm(const Gemm& work) { gemm_all(work); }

void assign_panel(const PackedView& weight, const MatrixValues& values, int64_t panel,
                  uint8_t* codes, uint8_t* scales) {
  assign_panel_all(weight, values, panel, codes, scales);
}

}  // namespace ondol::avx512
