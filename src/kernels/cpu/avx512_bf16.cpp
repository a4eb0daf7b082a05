#define ONDOL_BF16_DOT 1
#include "kernels/cpu/leaf_avx512.h"
#include "kernels/cpu/simd_avx512.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/matmul_bf16.inc"
// clang-format on

namespace ondol::avx512 {

void round_bf16_pairs(const float* x, int64_t columns, std::byte* out) {
  round_bf16_row(x, columns, out);
}

void matmul_bf16_dot(const Bf16Matmul& work) { matmul_bf16_all(work); }

}  // namespace ondol::avx512
