// What the leaf files of avx512 give each other.
#pragma once

#include "kernels/table.h"

namespace ondol::avx512 {

void matmul_fast(const FastMatmul& work);
void matmul_exact(const ExactMatmul& work);
void matmul_bf16(const Bf16Matmul& work);
void round_bf16(const float* x, int64_t columns, std::byte* out);
void dequantize_panel(const PackedView& weight, int64_t panel, int64_t column_begin,
                      int64_t column_end, float* out);
void gemm(const Gemm& work);
void assign_panel(const PackedView& weight, const MatrixValues& values, int64_t panel,
                  uint8_t* codes, uint8_t* scales);

}  // namespace ondol::avx512
