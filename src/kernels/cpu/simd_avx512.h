// Sixteen lanes on AVX-512: the operations that the shared kernels (cpu/*.inc) are written in.
// Included by leaf files only; everything has internal linkage.
#pragma once

// GCC 12 sees its own intrinsics' undefined operands as uninitialised (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/subnormals.h"

#define ONDOL_INLINE [[gnu::always_inline]] inline
#define ONDOL_UNROLL _Pragma("GCC unroll 16")

namespace ondol {
namespace {

using F = __m512;   // 16 floats
using I = __m512i;  // 16 int32, or a line of 64 bytes

constexpr int kFastTokens = 6;  // register tiles: tokens x panels
constexpr int kFastPanels = 2;
constexpr bool kSignedWideCodes = false;
constexpr int kExactTokens = 12;
constexpr int kExactPanels = 2;
constexpr int kBf16Tokens = 12;
constexpr int kAttentionVectors = 4;

ONDOL_INLINE __mmask16 first(int64_t n) { return static_cast<__mmask16>((1U << n) - 1U); }

ONDOL_INLINE F zero() { return _mm512_setzero_ps(); }
ONDOL_INLINE F set1(float x) { return _mm512_set1_ps(x); }
ONDOL_INLINE F load(const float* p) { return _mm512_loadu_ps(p); }
ONDOL_INLINE F load_n(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
ONDOL_INLINE void store(float* p, F x) { _mm512_storeu_ps(p, x); }
ONDOL_INLINE void store_n(float* p, F x, int64_t n) { _mm512_mask_storeu_ps(p, first(n), x); }
ONDOL_INLINE F keep_n(F x, F otherwise, int64_t n) {
  return _mm512_mask_mov_ps(otherwise, first(n), x);
}
ONDOL_INLINE F add(F a, F b) { return _mm512_add_ps(a, b); }
ONDOL_INLINE F sub(F a, F b) { return _mm512_sub_ps(a, b); }
ONDOL_INLINE F mul(F a, F b) { return _mm512_mul_ps(a, b); }
ONDOL_INLINE F div(F a, F b) { return _mm512_div_ps(a, b); }
ONDOL_INLINE F square_root(F a) { return _mm512_sqrt_ps(a); }
ONDOL_INLINE F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
ONDOL_INLINE F fnma(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }
ONDOL_INLINE F larger(F a, F b) { return _mm512_max_ps(a, b); }
ONDOL_INLINE F smaller(F a, F b) { return _mm512_min_ps(a, b); }
ONDOL_INLINE F magnitude(F a) { return _mm512_abs_ps(a); }
ONDOL_INLINE F with_sign(F size, F sign) {
  const F bit = set1(-0.0F);
  return _mm512_or_ps(_mm512_andnot_ps(bit, size), _mm512_and_ps(bit, sign));
}
ONDOL_INLINE F if_less(F a, F b, F then, F otherwise) {
  return _mm512_mask_mov_ps(otherwise, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), then);
}
ONDOL_INLINE bool all_less(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) == 0xffff; }

// The 16-lane rule's end: pairwise 8, 4, 2, 1.
ONDOL_INLINE __m256 upper(F x) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
}
ONDOL_INLINE float first_lane(F x) { return _mm512_cvtss_f32(x); }
ONDOL_INLINE float sum_lanes(F x) {
  const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(x), upper(x));
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}
ONDOL_INLINE float max_lanes(F x) {
  const __m256 s8 = _mm256_max_ps(_mm512_castps512_ps256(x), upper(x));
  const __m128 s4 = _mm_max_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_max_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_max_ss(s2, _mm_movehdup_ps(s2)));
}

// p * 2^n for whole n, rounded once.
ONDOL_INLINE F times_power_of_two(F p, F n) { return _mm512_scalef_ps(p, n); }

ONDOL_INLINE F load_half(const void* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
}
// The first or the second of every lane's pair of bf16.
ONDOL_INLINE F load_bf16(const void* p, int64_t second) {
  const I pair = _mm512_loadu_si512(p);
  return _mm512_castsi512_ps(second ? _mm512_and_si512(pair, _mm512_set1_epi32(-65536))
                                    : _mm512_slli_epi32(pair, 16));
}
#if defined(ONDOL_BF16_DOT)
// A pair of bf16 in every lane, and products of pairs: the second's first, then the first's.
ONDOL_INLINE I set1_pair(const void* p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return _mm512_set1_epi32(pair);
}
ONDOL_INLINE F dot2(F acc, I w, I x) {
  return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
}
#endif
ONDOL_INLINE F load_u8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}
ONDOL_INLINE F load_i8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

ONDOL_INLINE I zero_int() { return _mm512_setzero_si512(); }
ONDOL_INLINE I set1_int(int32_t x) { return _mm512_set1_epi32(x); }
ONDOL_INLINE F to_float(I x) { return _mm512_cvtepi32_ps(x); }
ONDOL_INLINE I load_line(const uint8_t* p) { return _mm512_loadu_si512(p); }
ONDOL_INLINE void store_line(uint8_t* p, I x) { _mm512_storeu_si512(p, x); }
ONDOL_INLINE I low_nibbles(I x) { return _mm512_and_si512(x, _mm512_set1_epi8(15)); }
ONDOL_INLINE I high_nibbles(I x) {
  return _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi8(15));
}
ONDOL_INLINE I shift_right(I x, int bits) {
  return _mm512_srli_epi16(x, static_cast<unsigned>(bits));
}
ONDOL_INLINE I shift_left_4(I x) { return _mm512_slli_epi16(x, 4); }
ONDOL_INLINE I and_bytes(I x, int mask) {
  return _mm512_and_si512(x, _mm512_set1_epi8(static_cast<char>(mask)));
}
ONDOL_INLINE I sub_bytes(I x, int n) {
  return _mm512_sub_epi8(x, _mm512_set1_epi8(static_cast<char>(n)));
}
// The low nibble of every byte of x, the rest of `high`.
ONDOL_INLINE I low_nibbles_or(I x, I high) {
  return _mm512_ternarylogic_epi32(_mm512_set1_epi8(15), x, high, 0xca);
}
ONDOL_INLINE void prefetch(const uint8_t* p) { _mm_prefetch(p, _MM_HINT_T1); }
// Byte i of every lane, as int32.
template <int kByte>
ONDOL_INLINE I lane_byte(I x) {
  return _mm512_and_si512(_mm512_srli_epi32(x, 8 * kByte), _mm512_set1_epi32(255));
}
ONDOL_INLINE I sub_int(I a, I b) { return _mm512_sub_epi32(a, b); }

// Products of unsigned weights and signed activations, four a lane, added exactly: the running sums
// are the accumulator itself. In assembly because GCC 12 copies the accumulator of the intrinsic
// twice for every product in a loop that carries many of them.
using Four = __m512i;
ONDOL_INLINE Four broadcast4(const int8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  return _mm512_set1_epi32(four);
}
ONDOL_INLINE I dot4(I acc, I weights, Four x) {
  asm("vpdpbusd %1, %2, %0" : "+v"(acc) : "v"(x), "v"(weights));
  return acc;
}

ONDOL_INLINE int32_t max_magnitude_bits(F low, F high) {
  const I a = _mm512_castps_si512(magnitude(low)), b = _mm512_castps_si512(magnitude(high));
  return _mm512_reduce_max_epi32(_mm512_max_epi32(a, b));
}
ONDOL_INLINE int32_t max_magnitude_bits(const F (&x)[4]) {
  const auto bits = [&](int i) { return _mm512_castps_si512(magnitude(x[i])); };
  return _mm512_reduce_max_epi32(
      _mm512_max_epi32(_mm512_max_epi32(bits(0), bits(1)), _mm512_max_epi32(bits(2), bits(3))));
}
ONDOL_INLINE int32_t store_codes(int8_t* target, F x, F inverse) {
  const I codes = _mm512_cvtps_epi32(mul(x, inverse));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm512_cvtepi32_epi8(codes));
  return _mm512_reduce_add_epi32(codes);
}

// 16 floats rounded to bf16, ties to even: as such, or as floats.
ONDOL_INLINE I rounded_bits(F x) {
  const I bits = _mm512_castps_si512(x);
  const I even = _mm512_and_si512(_mm512_srli_epi32(bits, 16), set1_int(1));
  const I rounded = _mm512_add_epi32(bits, _mm512_add_epi32(even, set1_int(0x7fff)));
  const I quiet = _mm512_or_si512(bits, set1_int(0x400000));
  return _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), quiet);
}
ONDOL_INLINE void store_rounded(uint16_t* target, F x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(target),
                      _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded_bits(x), 16)));
}
ONDOL_INLINE void store_rounded(float* target, F x) {
  store(target, _mm512_castsi512_ps(_mm512_and_si512(rounded_bits(x), set1_int(-65536))));
}

// Attention weights of 15 bits times int8 values, four neighbours a lane, exactly: a low and a high
// byte of the weights, each with its own sums. store_weights writes 64 rounded codes as groups of
// four: 4 low bytes, 4 high bytes.
struct Mixed {
  I low, high;
};
ONDOL_INLINE Mixed no_mix() { return {zero_int(), zero_int()}; }
ONDOL_INLINE void store_weights(uint8_t* target, const F (&scaled)[4]) {
  const I bytes = _mm512_broadcast_i32x4(
      _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, -1, -1, -1, -1, -1, -1, -1, -1));
  const I evens = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
  const auto groups = [&](int i) {
    return _mm512_shuffle_epi8(_mm512_cvtps_epi32(scaled[i]), bytes);
  };
  store_line(target, _mm512_permutex2var_epi64(groups(0), evens, groups(1)));
  store_line(target + 64, _mm512_permutex2var_epi64(groups(2), evens, groups(3)));
}
ONDOL_INLINE void mix_line(Mixed& sums, I values, const uint8_t* weights) {
  const auto* bytes = reinterpret_cast<const int8_t*>(weights);
  asm("vpdpbusd %1, %2, %0" : "+v"(sums.low) : "v"(values), "v"(broadcast4(bytes)));
  asm("vpdpbusd %1, %2, %0" : "+v"(sums.high) : "v"(values), "v"(broadcast4(bytes + 4)));
}
ONDOL_INLINE I mixed_sum(Mixed sums) {
  return _mm512_add_epi32(sums.low, _mm512_slli_epi32(sums.high, 8));
}

// Rotates 8 neighbouring pairs; cos and sin have one value a pair.
constexpr int64_t kRopePairs = 8;
ONDOL_INLINE void rotate_pairs(float* x, const float* cos, const float* sin) {
  const I twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  const F c = _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(cos)));
  const F s = _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(sin)));
  const F v = load(x);
  store(x, _mm512_fmaddsub_ps(v, c, mul(_mm512_permute_ps(v, 0xb1), s)));
}

// Exact int8 dot product: rows as unsigned (plus 128), 128 * sum(query) taken off by the caller.
constexpr int64_t kDotBytes = 64;
constexpr int32_t kDotOffset = 128;
ONDOL_INLINE I dot_bytes(I acc, const int8_t* query, const int8_t* row) {
  const I shifted = _mm512_xor_si512(_mm512_loadu_si512(row), _mm512_set1_epi8(-128));
  return _mm512_dpbusd_epi32(acc, shifted, _mm512_loadu_si512(query));
}
ONDOL_INLINE int32_t sum_int(I x) { return _mm512_reduce_add_epi32(x); }

}  // namespace
}  // namespace ondol
