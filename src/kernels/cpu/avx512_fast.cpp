#include "kernels/cpu/leaf_avx512.h"
#include "kernels/cpu/simd_avx512.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/codes.inc"
#include "kernels/cpu/matmul_blocks.inc"
#include "kernels/cpu/matmul_fast.inc"
// clang-format on

namespace ondol::avx512 {

void matmul_fast(const FastMatmul& work) { matmul_fast_all(work); }

}  // namespace ondol::avx512
