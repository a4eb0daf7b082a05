// The tile kernels over tiles in software, with the lanes of avx2: a leaf of the tests.
#include "kernels/cpu/amx_software.h"
#include "kernels/cpu/leaf_avx2.h"
#include "kernels/cpu/simd_avx2.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/codes.inc"
#include "kernels/cpu/matmul_blocks.inc"
#include "kernels/cpu/matmul_amx.inc"
// clang-format on

namespace ondol::avx2 {

void matmul_fast_software_tiles(const FastMatmul& work) {
  if (work.tokens < kTileTokens) return matmul_fast(work);
  matmul_tiles<SoftwareTiles>(work);
}

}  // namespace ondol::avx2
