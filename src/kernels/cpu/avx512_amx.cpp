// Tile registers of AMX for many tokens, AVX-512 for the floats and for few tokens.
#include "kernels/cpu/amx_config.h"
#include "kernels/cpu/leaf_avx512.h"
#include "kernels/cpu/simd_avx512.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/codes.inc"
#include "kernels/cpu/matmul_blocks.inc"
#include "kernels/cpu/matmul_amx.inc"
// clang-format on

namespace ondol {
namespace {

// Up to here weights are read once for all tokens (matmul.cpp) and memory, not arithmetic, limits.
constexpr int64_t kWithoutTiles = 16;
static_assert(kWithoutTiles + 1 >= kTileTokens);

// The instructions themselves and not the compiler's intrinsics: those of GCC 12 do not say that
// loads read memory, and want tile numbers as literals. Tiles are configured while one lives, so
// that the system saves their state only meanwhile.
class AmxTiles {
 public:
  explicit AmxTiles(const TileConfig& config) { __asm__ volatile("ldtilecfg %0" ::"m"(config)); }
  ~AmxTiles() { __asm__ volatile("tilerelease" ::: "memory"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  template <int kTile>
  ONDOL_INLINE void zero() {
    __asm__ volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  template <int kTile>
  ONDOL_INLINE void load(const void* from, int64_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile)
                     : "memory");
  }
  template <int kTile>
  ONDOL_INLINE void store(void* to, int64_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile)
                     : "memory");
  }
  template <int kSum, int kA, int kB>
  ONDOL_INLINE void dot() {
    __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
  }
};

}  // namespace

namespace avx512 {

void matmul_fast_amx(const FastMatmul& work) {
  if (work.tokens <= kWithoutTiles) return matmul_fast(work);
  matmul_tiles<AmxTiles>(work);
}

}  // namespace avx512
}  // namespace ondol
