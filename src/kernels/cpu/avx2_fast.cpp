#include "kernels/cpu/leaf_avx2.h"
#include "kernels/cpu/simd_avx2.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/codes.inc"
#include "kernels/cpu/matmul_blocks.inc"
#include "kernels/cpu/matmul_fast.inc"
// clang-format on

namespace ondol::avx2 {

void matmul_fast(const FastMatmul& work) { matmul_fast_all(work); }

}  // namespace ondol::avx2
