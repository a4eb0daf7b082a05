// What one instruction set supplies: plain function pointers on plain structs. A missing entry is
// the reference's. Every function does one thread's share; the drivers (matmul.cpp, rows.cpp,
// attention.cpp) split the work. Leaf files (cpu/) include this header and nothing that could leave
// an inline function compiled with their flags in the program.
#pragma once

#include "kernels/kernels.h"

namespace ondol {

// A packed matrix as the kernels read it (layout: packed.h).
struct PackedView {
  DType dtype;
  int64_t rows;
  int64_t columns;
  int64_t panels;         // of 16 rows
  const uint8_t* codes;   // codes, or the floats themselves
  const uint8_t* scales;  // null for floats
  int64_t codes_stride;   // bytes of one panel
  int64_t scales_stride;
};

inline constexpr int64_t kPanelRows = 16;
inline constexpr int64_t kBlock = 32;  // columns that share one activation scale

// int8 activations of T tokens, block by block (kFast).
//   scale = amax / 127, code = round_to_even(x * (127 / amax)), sum = float(sum of codes).
// A block of zeros (or of nothing above 1e-30) has scale 0 and codes 0; a block that holds an
// infinity or a NaN has scale NaN and codes 0, so that the outputs are NaN, never hidden.
// `starts` are what the integer sums begin with to take a weight type's code offset away: minus
// offset times the sum of the codes, a block (8: Q4_0, 16: Q5_0, 128: Q8_0) or a half block
// (32: Q6_K, two a block).
enum StartKind { kStart8, kStart16, kStart128, kStart32Halves, kStartKinds };
struct Activations {
  int8_t* codes;                 // [T, K]
  float* scale;                  // [T, K / 32]
  float* sum;                    // [T, K / 32]
  float* scaled_sum;             // scale * sum
  int32_t* starts[kStartKinds];  // each [T, K / 32] (halves: [T, K / 32, 2]) or null: not needed
};

struct MatmulOutput {
  float* out;
  int64_t out_stride;
  const float* bias;
  bool accumulate;
};

struct FastMatmul {  // tokens [0, tokens) x panels [panel_begin, panel_end)
  const PackedView* weight;
  Activations x;
  int64_t tokens;
  int64_t panel_begin;
  int64_t panel_end;
  MatmulOutput output;
  std::byte* scratch;  // of this thread, matmul_scratch_bytes()
};

struct ExactMatmul {
  const PackedView* weight;
  const float* x;
  int64_t x_stride;
  int64_t tokens;
  int64_t panel_begin;
  int64_t panel_end;
  MatmulOutput output;
  std::byte* scratch;
};

// bf16 weights times activations rounded to bf16 (kFast), two columns at a time, the second first:
//   acc = fma(w[k + 1], x[k + 1], acc), acc = fma(w[k], x[k], acc)
// what the instruction vdpbf16ps computes. As there, subnormal inputs and results are zero, here
// also where the bias and the former output are added.
struct Bf16Matmul {
  const PackedView* weight;
  const std::byte* x;  // [T] rows as round_bf16 of the same table wrote them
  int64_t x_stride;    // bytes
  int64_t tokens;
  int64_t panel_begin;
  int64_t panel_end;
  MatmulOutput output;
};

// Panels that an entry may keep expanded in its scratch at a time.
inline constexpr int64_t kScratchPanels = 2;

// Rows (query, head) that share one key/value head.
inline constexpr int64_t kAttentionRows = 12;
inline constexpr int64_t kHeadWidthMax = 256;

struct MaxSum {
  float max;
  float sum;  // of exp(x - max)
};

struct VectorCodes {
  float scale;
  int32_t sum;  // of the codes
};

// One segment of keys, [key_begin, key_begin + kSegmentKeys), for rows of one key/value head.
struct AttentionBlock {
  const KvPage* pages;
  KvType type;
  int64_t kv_head;
  int64_t head_bytes;
  int64_t head_width;
  float scale;
  int64_t key_begin;  // a multiple of kSegmentKeys
  int64_t rows;
  const float* q[kAttentionRows];
  // kI8 only: q as quantize_vector of the same table gave it.
  const int8_t* q_codes[kAttentionRows];
  VectorCodes q_scale[kAttentionRows];
  const float* bias[kAttentionRows];  // [keys] from the first of all, or null
  int64_t visible[kAttentionRows];    // keys of the segment this row sees, 0 to kSegmentKeys
  // Out: the largest score and the sum of p = exp(score - max), and the sum of p * value [E].
  MaxSum* softmax[kAttentionRows];
  float* mixed[kAttentionRows];
};

// One row's segments joined: with m the largest max and w_s = exp(max_s - m),
//   out[E] = sum of w_s * mixed_s / sum of w_s * sum_s, in the order of the segments.
// Segment s has softmax[s * kAttentionRows] and mixed + s * kAttentionRows * width.
struct SegmentJoin {
  int64_t segments;
  int64_t width;
  const MaxSum* softmax;
  const float* mixed;
  float* out;
};

// One update of word2vec with negative sampling. With s_k = dot(input, rows[k]) and z_k = -s_k for
// rows[0], the word that was there, and s_k for the others, which were not:
//   loss = sum of log(1 + exp(z_k)),  g_k = rate * sigmoid(z_k), for k above 0 with a minus before
//   e = sum of g_k * rows[k] (k by k, from 0, fma);  rows[k] = fma(g_k, input, rows[k])
//   target += e
// All s_k are taken before anything changes. `target` may be `input`. A row may stand among `rows`
// more than once: it is then changed as often, and e sees the changes.
inline constexpr int64_t kNegativeRowsMax = 32;
inline constexpr int64_t kSigmoidTableSize = 1000;
struct NegativeStep {
  const float* input;  // [width]
  float* target;       // [width]
  float* rows[kNegativeRowsMax];
  int64_t count;  // of rows, at least 1
  int64_t width;  // a multiple of 16
  float rate;
  // Null: the exact sigmoid. Else sigmoid(s) = sigmoids[int((s + 6) * (size / 12))] for |s| < 6,
  // and g = 0 from there on; the outputs below stay exact.
  const float* sigmoids;
  float* margins;  // out, z [kNegativeRowsMax]; beyond count anything
  float* shares;   // out, 1 / (1 + exp(-|z|)): log(1 + exp(z)) = max(z, 0) - log(share)
};

struct KernelTable {
  const char* name = nullptr;
  // One token.
  void (*quantize)(const float* x, int64_t columns, int64_t token,
                   const Activations& out) = nullptr;
  void (*matmul_fast)(const FastMatmul& work) = nullptr;
  void (*matmul_exact)(const ExactMatmul& work) = nullptr;
  // One token, to nearest, ties to even (a NaN stays one), as matmul_bf16 wants it: floats, or
  // pairs of bf16; a zero after an odd count. Writes at most 4 bytes for each of `columns` rounded
  // up to 2.
  void (*round_bf16)(const float* x, int64_t columns, std::byte* out) = nullptr;
  void (*matmul_bf16)(const Bf16Matmul& work) = nullptr;
  // out[column - column_begin][16]; column bounds are multiples of 32 unless the type is a float.
  void (*dequantize_panel)(const PackedView& weight, int64_t panel, int64_t column_begin,
                           int64_t column_end, float* out) = nullptr;
  void (*gemm)(const Gemm& work) = nullptr;
  // One panel of a matrix of f32, bf16 or Q8_0 from floats; `codes` and `scales` (null for floats)
  // are the panel's.
  void (*assign_panel)(const PackedView& weight, const MatrixValues& values, int64_t panel,
                       uint8_t* codes, uint8_t* scales) = nullptr;

  void (*rms_norm)(const float* x, const float* weight, int64_t width, float epsilon,
                   float* out) = nullptr;
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int64_t width,
                     float epsilon, float* out) = nullptr;
  void (*add)(const float* x, int64_t count, float* inout) = nullptr;
  void (*silu_multiply)(const float* gate, const float* up, int64_t count, float* out) = nullptr;
  void (*gelu)(float* inout, int64_t count) = nullptr;
  void (*gelu_tanh)(float* inout, int64_t count) = nullptr;
  void (*softmax)(float* inout, int64_t width) = nullptr;
  MaxSum (*max_sum)(const float* x, int64_t width) = nullptr;
  float (*dot)(const float* a, const float* b, int64_t count) = nullptr;
  void (*dot_i8_rows)(const int8_t* query, const int8_t* rows, int64_t count, int64_t width,
                      int32_t* out) = nullptr;
  // One head of one token; cos and sin are rotary_width / 2 long.
  void (*rope)(float* x, int64_t rotary_width, RopeLayout layout, const float* cos,
               const float* sin) = nullptr;
  void (*attention)(const AttentionBlock& work) = nullptr;
  void (*join_segments)(const SegmentJoin& work) = nullptr;
  // codes = round(x * 127 / amax) and zeros up to a multiple of 16; see Activations for scale 0 and
  // NaN.
  VectorCodes (*quantize_vector)(const float* x, int64_t width, int8_t* codes) = nullptr;

  // Gradients, one row each but for the elementwise ones. `+=` says what is added to; a null
  // pointer is not wanted.
  void (*rms_norm_backward)(const float* x, const float* weight, const float* dy, int64_t width,
                            float epsilon, float* dx /* += */, float* dweight /* += */) = nullptr;
  void (*layer_norm_backward)(const float* x, const float* weight, const float* dy, int64_t width,
                              float epsilon, float* dx /* += */, float* dweight /* += */,
                              float* dbias /* += */) = nullptr;
  void (*silu_multiply_backward)(const float* gate, const float* up, const float* dy, int64_t count,
                                 float* dgate, float* dup) = nullptr;
  // dx may be dy.
  void (*gelu_backward)(const float* x, const float* dy, int64_t count, float* dx) = nullptr;
  void (*gelu_tanh_backward)(const float* x, const float* dy, int64_t count, float* dx) = nullptr;
  // dx = scale * p * (dp - sum of p * dp); dx may be dp.
  void (*softmax_backward)(const float* p, const float* dp, int64_t width, float scale,
                           float* dx) = nullptr;
  void (*negative_step)(const NegativeStep& work) = nullptr;
  void (*adam)(const AdamFactors& factors, const float* gradient, int64_t count, float* value,
               float* mean, float* square) = nullptr;
};

// Whether both tables' fast products of fixed numbers, every quantised type, have the same bits.
bool same_fast_products(const KernelTable& a, const KernelTable& b);

extern const KernelTable kRefTable;
#if defined(__x86_64__)
extern const KernelTable kAvx2Table;
extern const KernelTable kAvx512Table;
namespace avx2 {
void matmul_fast_vnni(const FastMatmul& work);  // for machines with AVX-VNNI
}
namespace avx512 {
// For machines whose vdpbf16ps is faster than the two fma it stands for.
void round_bf16_pairs(const float* x, int64_t columns, std::byte* out);
void matmul_bf16_dot(const Bf16Matmul& work);
// For machines with AMX int8 whose system permits tiles.
void matmul_fast_amx(const FastMatmul& work);
}  // namespace avx512
#endif

}  // namespace ondol
