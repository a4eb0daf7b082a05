// Sixteen lanes on AVX2 with FMA and F16C, as two registers: the operations that the shared kernels
// (cpu/*.inc) are written in. Included by leaf files only; everything has internal linkage.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/subnormals.h"

#define ONDOL_INLINE [[gnu::always_inline]] inline
#if !defined(__AVXVNNI__)
#define ONDOL_SUMS_IN_16_BITS 1  // no dot product instruction: see products()
#endif
#define ONDOL_UNROLL _Pragma("GCC unroll 16")

namespace ondol {
namespace {

struct F {  // 16 floats
  __m256 a, b;
};
struct I {  // 16 int32, or a line of 64 bytes
  __m256i a, b;
};

constexpr int kFastPanels = 1;
#if defined(ONDOL_SUMS_IN_16_BITS)
constexpr bool kSignedWideCodes = true;  // products() takes the offset of Q8_0 away by itself
constexpr int kFastTokens = 3;           // register tiles: tokens x panels
#else
constexpr int kFastTokens = 4;
constexpr bool kSignedWideCodes = false;
#endif
constexpr int kExactTokens = 6;
constexpr int kExactPanels = 1;
constexpr int kBf16Tokens = 4;
constexpr int kAttentionVectors = 1;

alignas(64) constexpr int32_t kFirst[32] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                            -1, -1, -1, -1, -1, -1, -1, -1};
ONDOL_INLINE __m256i mask_low(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst + 16 - n));
}
ONDOL_INLINE __m256i mask_high(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst + 24 - n));
}

ONDOL_INLINE F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
ONDOL_INLINE F set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
ONDOL_INLINE F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
ONDOL_INLINE F load_n(const float* p, int64_t n) {
  return {_mm256_maskload_ps(p, mask_low(n)), _mm256_maskload_ps(p + 8, mask_high(n))};
}
ONDOL_INLINE void store(float* p, F x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
ONDOL_INLINE void store_n(float* p, F x, int64_t n) {
  _mm256_maskstore_ps(p, mask_low(n), x.a);
  _mm256_maskstore_ps(p + 8, mask_high(n), x.b);
}
ONDOL_INLINE F keep_n(F x, F otherwise, int64_t n) {
  return {_mm256_blendv_ps(otherwise.a, x.a, _mm256_castsi256_ps(mask_low(n))),
          _mm256_blendv_ps(otherwise.b, x.b, _mm256_castsi256_ps(mask_high(n)))};
}
ONDOL_INLINE F add(F x, F y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
ONDOL_INLINE F sub(F x, F y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
ONDOL_INLINE F mul(F x, F y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
ONDOL_INLINE F div(F x, F y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
ONDOL_INLINE F square_root(F x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
ONDOL_INLINE F fma(F x, F y, F z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
ONDOL_INLINE F fnma(F x, F y, F z) {
  return {_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
}
ONDOL_INLINE F larger(F x, F y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
ONDOL_INLINE F smaller(F x, F y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
ONDOL_INLINE F magnitude(F x) {
  const __m256 bit = _mm256_set1_ps(-0.0F);
  return {_mm256_andnot_ps(bit, x.a), _mm256_andnot_ps(bit, x.b)};
}
ONDOL_INLINE F with_sign(F size, F sign) {
  const __m256 bit = _mm256_set1_ps(-0.0F);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, size.a), _mm256_and_ps(bit, sign.a)),
          _mm256_or_ps(_mm256_andnot_ps(bit, size.b), _mm256_and_ps(bit, sign.b))};
}
ONDOL_INLINE F if_less(F x, F y, F then, F otherwise) {
  return {_mm256_blendv_ps(otherwise.a, then.a, _mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ)),
          _mm256_blendv_ps(otherwise.b, then.b, _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ))};
}
ONDOL_INLINE bool all_less(F x, F y) {
  return (_mm256_movemask_ps(_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ)) &
          _mm256_movemask_ps(_mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ))) == 0xff;
}

// The 16-lane rule's end: pairwise 8, 4, 2, 1.
ONDOL_INLINE float first_lane(F x) { return _mm256_cvtss_f32(x.a); }
ONDOL_INLINE float sum_lanes(F x) {
  const __m256 s8 = _mm256_add_ps(x.a, x.b);
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}
ONDOL_INLINE float max_lanes(F x) {
  const __m256 s8 = _mm256_max_ps(x.a, x.b);
  const __m128 s4 = _mm_max_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_max_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_max_ss(s2, _mm_movehdup_ps(s2)));
}

// p * 2^n for whole n in [-254, 254], rounded once: two steps of at most half of n.
ONDOL_INLINE __m256 times_power_of_two(__m256 p, __m256 n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first_power = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i second_power = _mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23);
  return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(first_power)),
                       _mm256_castsi256_ps(second_power));
}
ONDOL_INLINE F times_power_of_two(F p, F n) {
  return {times_power_of_two(p.a, n.a), times_power_of_two(p.b, n.b)};
}

ONDOL_INLINE F load_half(const void* p) {
  const auto* halves = static_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
}
// The first or the second of every lane's pair of bf16.
ONDOL_INLINE __m256 load_bf16(const __m256i* p, int64_t second) {
  const __m256i pair = _mm256_loadu_si256(p);
  return _mm256_castsi256_ps(second ? _mm256_and_si256(pair, _mm256_set1_epi32(-65536))
                                    : _mm256_slli_epi32(pair, 16));
}
ONDOL_INLINE F load_bf16(const void* p, int64_t second) {
  const auto* v = static_cast<const __m256i*>(p);
  return {load_bf16(v, second), load_bf16(v + 1, second)};
}
ONDOL_INLINE F load_u8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
          _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes)))};
}
ONDOL_INLINE F load_i8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)))};
}

ONDOL_INLINE I zero_int() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
ONDOL_INLINE I set1_int(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
ONDOL_INLINE F to_float(I x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
ONDOL_INLINE I load_line(const uint8_t* p) {
  const auto* v = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(v), _mm256_loadu_si256(v + 1)};
}
ONDOL_INLINE void store_line(uint8_t* p, I x) {
  auto* v = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(v, x.a);
  _mm256_storeu_si256(v + 1, x.b);
}
ONDOL_INLINE I low_nibbles(I x) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_and_si256(x.a, mask), _mm256_and_si256(x.b, mask)};
}
ONDOL_INLINE I high_nibbles(I x) {
  return low_nibbles({_mm256_srli_epi16(x.a, 4), _mm256_srli_epi16(x.b, 4)});
}
ONDOL_INLINE I shift_right(I x, int bits) {
  return {_mm256_srli_epi16(x.a, bits), _mm256_srli_epi16(x.b, bits)};
}
ONDOL_INLINE I shift_left_4(I x) { return {_mm256_slli_epi16(x.a, 4), _mm256_slli_epi16(x.b, 4)}; }
ONDOL_INLINE I and_bytes(I x, int mask) {
  const __m256i all = _mm256_set1_epi8(static_cast<char>(mask));
  return {_mm256_and_si256(x.a, all), _mm256_and_si256(x.b, all)};
}
ONDOL_INLINE I sub_bytes(I x, int n) {
  const __m256i all = _mm256_set1_epi8(static_cast<char>(n));
  return {_mm256_sub_epi8(x.a, all), _mm256_sub_epi8(x.b, all)};
}
// The low nibble of every byte of x, the rest of `high`.
ONDOL_INLINE I low_nibbles_or(I x, I high) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_or_si256(_mm256_and_si256(x.a, mask), _mm256_andnot_si256(mask, high.a)),
          _mm256_or_si256(_mm256_and_si256(x.b, mask), _mm256_andnot_si256(mask, high.b))};
}
ONDOL_INLINE void prefetch(const uint8_t* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
}
// Byte i of every lane, as int32.
template <int kByte>
ONDOL_INLINE I lane_byte(I x) {
  const __m256i mask = _mm256_set1_epi32(255);
  return {_mm256_and_si256(_mm256_srli_epi32(x.a, 8 * kByte), mask),
          _mm256_and_si256(_mm256_srli_epi32(x.b, 8 * kByte), mask)};
}
ONDOL_INLINE I sub_int(I x, I y) {
  return {_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)};
}

using Four = __m256i;
ONDOL_INLINE Four broadcast4(const int8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  return _mm256_set1_epi32(four);
}
#if defined(ONDOL_SUMS_IN_16_BITS)
// Products of unsigned weights and signed activations, four a lane. maddubs leaves two sums of two
// products a lane in 16 bits; kCodeMax tells how many lines of them 16 bits hold (2 * 127 * 15 * 8,
// 2 * 127 * 31 * 4 and 2 * 127 * 63 * 2 are below 32,768).
template <int kCodeMax>
constexpr int kLinesTogether = kCodeMax <= 15   ? 8
                               : kCodeMax <= 31 ? 4
                               : kCodeMax <= 63 ? 2
                                                : 1;
template <int kCodeMax>
ONDOL_INLINE __m256i products(__m256i weights, Four x) {
  if constexpr (kCodeMax <= 127) return _mm256_maddubs_epi16(weights, x);
  // Codes up to 255, meaning code - 128: the sign moves to the activation (2 * 128 * 127 fits).
  const __m256i value = _mm256_xor_si256(weights, _mm256_set1_epi8(-128));
  return _mm256_maddubs_epi16(_mm256_abs_epi8(value), _mm256_sign_epi8(x, value));
}
struct Sums {  // 32 sums of 16 bits
  __m256i a, b;
};
template <int kCodeMax>
ONDOL_INLINE Sums first_products(I w, Four x) {
  return {products<kCodeMax>(w.a, x), products<kCodeMax>(w.b, x)};
}
template <int kCodeMax>
ONDOL_INLINE Sums more_products(Sums sums, I w, Four x) {
  return {_mm256_add_epi16(sums.a, products<kCodeMax>(w.a, x)),
          _mm256_add_epi16(sums.b, products<kCodeMax>(w.b, x))};
}
ONDOL_INLINE I widen(I acc, Sums sums) {
  const __m256i ones = _mm256_set1_epi16(1);
  return {_mm256_add_epi32(acc.a, _mm256_madd_epi16(sums.a, ones)),
          _mm256_add_epi32(acc.b, _mm256_madd_epi16(sums.b, ones))};
}
#else
// Products of unsigned weights and signed activations, four a lane, added exactly.
ONDOL_INLINE I dot4(I acc, I weights, Four x) {
  return {_mm256_dpbusd_avx_epi32(acc.a, weights.a, x),
          _mm256_dpbusd_avx_epi32(acc.b, weights.b, x)};
}
#endif

ONDOL_INLINE int32_t reduce_max(__m256i x) {
  const __m128i s4 = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  const __m128i s2 = _mm_max_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(s2, _mm_shuffle_epi32(s2, 0xb1)));
}
ONDOL_INLINE int32_t sum_int(I x) {
  const __m256i s8 = _mm256_add_epi32(x.a, x.b);
  const __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s8), _mm256_extracti128_si256(s8, 1));
  const __m128i s2 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s2, _mm_shuffle_epi32(s2, 0xb1)));
}
ONDOL_INLINE int32_t max_magnitude_bits(F low, F high) {
  const F x = magnitude(low), y = magnitude(high);
  const __m256i a = _mm256_max_epi32(_mm256_castps_si256(x.a), _mm256_castps_si256(x.b));
  const __m256i b = _mm256_max_epi32(_mm256_castps_si256(y.a), _mm256_castps_si256(y.b));
  return reduce_max(_mm256_max_epi32(a, b));
}
ONDOL_INLINE int32_t max_magnitude_bits(const F (&x)[4]) {
  const int32_t low = max_magnitude_bits(x[0], x[1]), high = max_magnitude_bits(x[2], x[3]);
  return low > high ? low : high;
}
ONDOL_INLINE int32_t store_codes(int8_t* target, F x, F inverse) {
  const F scaled = mul(x, inverse);
  const I codes = {_mm256_cvtps_epi32(scaled.a), _mm256_cvtps_epi32(scaled.b)};
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(codes.a, codes.b), 0xd8);
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), bytes);
  return sum_int(codes);
}

// 16 floats rounded to bf16, ties to even, as floats.
ONDOL_INLINE __m256 rounded(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i even = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(even, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256 all = _mm256_blendv_ps(_mm256_castsi256_ps(up), _mm256_castsi256_ps(quiet),
                                      _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  return _mm256_and_ps(all, _mm256_castsi256_ps(_mm256_set1_epi32(-65536)));
}
ONDOL_INLINE void store_rounded(float* target, F x) { store(target, {rounded(x.a), rounded(x.b)}); }

// Attention weights of 15 bits times int8 values, four neighbours a lane, exactly, in products of
// 16 bits. store_weights writes 64 rounded codes as groups of four: first and third, second and
// fourth.
struct Mixed {
  I sum;
};
ONDOL_INLINE Mixed no_mix() { return {zero_int()}; }
ONDOL_INLINE void store_weights(uint8_t* target, __m256 scaled) {
  const __m256i codes = _mm256_cvtps_epi32(scaled);
  const __m256i third = _mm256_slli_epi32(_mm256_shuffle_epi32(codes, 0xee), 16);
  const __m256i groups = _mm256_permute4x64_epi64(_mm256_or_si256(codes, third), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm256_castsi256_si128(groups));
}
ONDOL_INLINE void store_weights(uint8_t* target, const F (&scaled)[4]) {
  ONDOL_UNROLL
  for (int i = 0; i < 4; ++i) {
    store_weights(target + 32 * i, scaled[i].a);
    store_weights(target + 32 * i + 16, scaled[i].b);
  }
}
ONDOL_INLINE __m256i mix_line(__m256i sum, __m256i values, Four outer, Four inner) {
  const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(values, 8), 8);
  const __m256i odd = _mm256_srai_epi16(values, 8);
  return _mm256_add_epi32(
      sum, _mm256_add_epi32(_mm256_madd_epi16(even, outer), _mm256_madd_epi16(odd, inner)));
}
ONDOL_INLINE void mix_line(Mixed& sums, I values, const uint8_t* weights) {
  const auto* bytes = reinterpret_cast<const int8_t*>(weights);
  const Four outer = broadcast4(bytes), inner = broadcast4(bytes + 4);
  sums.sum.a = mix_line(sums.sum.a, values.a, outer, inner);
  sums.sum.b = mix_line(sums.sum.b, values.b, outer, inner);
}
ONDOL_INLINE I mixed_sum(Mixed sums) { return sums.sum; }

// Rotates 4 neighbouring pairs; cos and sin have one value a pair.
constexpr int64_t kRopePairs = 4;
ONDOL_INLINE void rotate_pairs(float* x, const float* cos, const float* sin) {
  const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
  const __m256 c = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(cos)), twice);
  const __m256 s = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(sin)), twice);
  const __m256 v = _mm256_loadu_ps(x);
  _mm256_storeu_ps(x, _mm256_fmaddsub_ps(v, c, _mm256_mul_ps(_mm256_permute_ps(v, 0xb1), s)));
}

// Exact int8 dot product, 16 bits wide.
constexpr int64_t kDotBytes = 32;
constexpr int32_t kDotOffset = 0;
ONDOL_INLINE __m256i dot_bytes(__m256i acc, const int8_t* query, const int8_t* row) {
  const __m256i q = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(query)));
  const __m256i r = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row)));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(q, r));
}
ONDOL_INLINE I dot_bytes(I acc, const int8_t* query, const int8_t* row) {
  return {dot_bytes(acc.a, query, row), dot_bytes(acc.b, query + 16, row + 16)};
}

}  // namespace
}  // namespace ondol
