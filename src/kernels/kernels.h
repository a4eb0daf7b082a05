// The arithmetic of the engine: plain functions on pointers and spans, for one machine, chosen at
// run time.
//
//   const KernelTable& table = best_kernels();                    // or kernels_for("ref" | "avx2"
//   | "avx512") PackedMatrix w = PackedMatrix::pack(dtype, rows, columns, file_bytes, pool);
//   matmul({pool, table, Precision::kFast}, {x, tokens, columns}, {{{&w, bias, y, rows}}});
//
// Numbers (architecture, contract 2). Every kernel computes an output element in one fixed order of
// float operations that depends only on the weight's type, the precision and the shape of that
// element's inputs: never on batch size, thread count, chunking, and, by the 16-lane rule below,
// not on the instruction set.
//   The 16-lane rule: a sum over k of products of one output element is either sequential in k
//   (acc = fma(w, x, acc), an output element a vector lane) or kept in 16 partial sums, lane = k
//   mod 16, added at the end pairwise (8, 4, 2, 1). exp, erf, tanh are our own polynomials with
//   that same order.
// So ref, avx2 and avx512 give the same bits and tests compare them with ==.
//
// Letters: T tokens, N output rows, K input columns, H query heads, G key/value heads, E head
// width. Everything is row-major f32 unless said. Pointers never alias unless said. Nothing here
// throws for user input: callers (ops) check shapes. PackedMatrix is thread-safe after pack();
// only training changes one (assign).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/thread_pool.h"

namespace ondol {

enum class Precision : uint8_t {
  kExact,  // f32 activations against dequantised weights: for goldens and comparison
  kFast,   // int8 activations (blocks of 32, f32 scale) against quantised weights: the default
};

struct KernelTable;  // kernels/table.h: function pointers of one instruction set

// The best instruction set this machine has, or what ONDOL_ISA names. Throws Error(kUnsupported)
// when ONDOL_ISA names an unknown set or one this machine lacks.
const KernelTable& best_kernels();
const KernelTable& kernels_for(std::string_view isa);
std::string_view kernel_isa(const KernelTable& table);
std::vector<std::string_view> supported_isas();  // best first, "ref" last
// For `ondol info`: the set this processor has and this program does not use, and why; else empty.
std::string unused_isa();
std::vector<std::string> cpu_features();  // for `ondol info`: "avx2", "fma", "avx512_vnni", ...

struct KernelContext {
  ThreadPool& pool;
  const KernelTable& table;
  Precision precision = Precision::kFast;
};

// Memory for the packed matrices of one model, or its pages of keys and values, taken from the
// system in large pieces that it may back with huge pages: fewer address translations while they
// stream by. What is allocated keeps the piece it lies in. For one thread at a time.
class PackArena {
 public:
  // At least `bytes`, aligned to a cache line, uninitialised. Throws Error(kResourceExhausted).
  std::shared_ptr<std::byte> allocate(int64_t bytes);

 private:
  std::shared_ptr<std::byte> piece_;
  int64_t used_ = 0;
  int64_t size_ = 0;
};

// Floats of a matrix anywhere: element (row, column) is data[row * row_stride + column *
// column_stride].
struct MatrixValues {
  const float* data;
  int64_t row_stride;
  int64_t column_stride;
};

// A weight matrix [N, K], rows are outputs, in the layout the kernels read: panels of 16 rows (zero
// padded), so that one vector lane is one output row. Quantised types keep their file codes and
// scales; float types are kept at their own width.
class PackedMatrix {
 public:
  PackedMatrix();
  ~PackedMatrix();
  PackedMatrix(PackedMatrix&&) noexcept;
  PackedMatrix& operator=(PackedMatrix&&) noexcept;

  // `file_bytes` holds N rows of K elements in the GGUF block layout (or little-endian floats);
  // K is a multiple of the type's block. Reads the bytes once; does not keep them. Without an arena
  // the matrix has memory of its own.
  static PackedMatrix pack(DType dtype, int64_t rows, int64_t columns,
                           std::span<const std::byte> file_bytes, ThreadPool& pool,
                           PackArena* arena = nullptr);
  // Floats rounded to a matrix of f32, bf16 or Q8_0, as pack() of encode_blocks() has them. Throws
  // Error(kUnsupported) for other types, Error(kInvalidArgument) for a row that is no whole blocks.
  static PackedMatrix from_floats(DType dtype, int64_t rows, int64_t columns,
                                  const MatrixValues& values, ThreadPool& pool,
                                  PackArena* arena = nullptr);
  // Puts other values in place of those of such a matrix (training). Nobody may read it meanwhile.
  void assign(const MatrixValues& values, ThreadPool& pool);

  DType dtype() const;
  int64_t rows() const;
  int64_t columns() const;
  size_t bytes() const;  // memory held

  // out[(r - row_begin) * out_stride + (c - column_begin)]: bit-equal to dequantising the file's
  // blocks.
  void dequantize(int64_t row_begin, int64_t row_end, int64_t column_begin, int64_t column_end,
                  float* out, int64_t out_stride) const;

  // Panels [begin, end) of 16 rows as a matrix of their own that shares the memory of `whole`,
  // which must outlive it.
  static PackedMatrix panels_of(const PackedMatrix& whole, int64_t begin, int64_t end);
  // All of it again, on the same memory.
  static PackedMatrix view_of(const PackedMatrix& whole);

  struct Data;
  const Data& internal_data() const { return *data_; }

 private:
  static PackedMatrix allocate(DType dtype, int64_t rows, int64_t columns, PackArena* arena);

  std::unique_ptr<Data> data_;
};

// Dequantises `elements` consecutive file elements (a multiple of the block). Bit-exact with the
// gguf package.
void dequantize_blocks(DType dtype, const std::byte* blocks, int64_t elements, float* out);

// The opposite: floats to f32, f16 and bf16 (ties to even), or to Q8_0 blocks, whose scale is the
// largest magnitude of 32 values over 127 as a half and whose codes are the nearest ones, ties to
// even. Infinities and NaNs make a block of NaN. Sizes must fit; other types are
// Error(kUnsupported).
void encode_blocks(DType dtype, std::span<const float> values, std::span<std::byte> blocks);

// out[T, N] = x[T, K] * w^T + bias. Several parts read the same x: it is quantised once.
struct MatmulPart {
  const PackedMatrix* weight;
  const float* bias;  // [N] or null
  float* out;         // [T, N], row stride out_stride
  int64_t out_stride;
  bool accumulate = false;  // out += instead of out = (a residual stream)
};
struct MatmulInput {
  const float* x;  // [T, K], row stride x_stride
  int64_t tokens;
  int64_t x_stride;
};
void matmul(const KernelContext& context, const MatmulInput& input,
            std::span<const MatmulPart> parts);

// out[T, K] = y[T, N] * w (or +=), always against dequantised weights in f32 (gradients;
// contract 5).
void matmul_transposed(const KernelContext& context, const float* y, int64_t tokens,
                       int64_t y_stride, const PackedMatrix& weight, float* out, int64_t out_stride,
                       bool accumulate = false);

// out[M, N] = x[M, K] * w[K, N] in f32, every output in the order of k; with `accumulate` it is
// added to out. Element (m, k) of x is x[m * x_row + k * x_column], so x may be a transposed
// matrix; rows of w and out are contiguous.
struct Gemm {
  const float* x;
  int64_t x_row;
  int64_t x_column;
  const float* w;
  int64_t w_row;
  float* out;
  int64_t out_row;
  int64_t m, n, k;
  bool accumulate = false;
};
void gemm(const KernelContext& context, const Gemm& work);

// Rows `ids[t]` of an embedding table: out[T, K].
void gather_rows(const KernelContext& context, const PackedMatrix& table,
                 std::span<const int32_t> ids, float* out);

// ---- rows of [T, D]; each row is independent ----
void rms_norm(const KernelContext& context, const float* x, const float* weight, int64_t tokens,
              int64_t width, float epsilon, float* out);  // out may be x
void layer_norm(const KernelContext& context, const float* x, const float* weight,
                const float* bias, int64_t tokens, int64_t width, float epsilon, float* out);
void add(const KernelContext& context, const float* x, int64_t count, float* inout);
// out[T, D] = silu(gate) * up; gate may be out. Exact-erf GELU and its tanh form likewise, in
// place.
void silu_multiply(const KernelContext& context, const float* gate, const float* up, int64_t count,
                   float* out);
void gelu(const KernelContext& context, float* inout, int64_t count);
void gelu_tanh(const KernelContext& context, float* inout, int64_t count);
void softmax_rows(const KernelContext& context, float* inout, int64_t rows, int64_t width);
// log(sum(exp(x))) of one row, in f32 with the 16-lane rule.
float log_sum_exp(const KernelContext& context, const float* x, int64_t width);
float dot(const KernelContext& context, const float* a, const float* b, int64_t count);
// int8 dot products of one query with `count` rows of a matrix [count, width] (exact vector
// search).
void dot_i8_rows(const KernelContext& context, const int8_t* query, const int8_t* rows,
                 int64_t count, int64_t width, int32_t* out);

// Rotary position embedding in place on x[T, heads, E] (row stride x_stride): token t uses row
// positions[t] of the tables [positions, rotary_width / 2]. kPairs rotates (2i, 2i+1), kHalves (i,
// i + rotary_width/2).
enum class RopeLayout : uint8_t { kPairs, kHalves };
void rope(const KernelContext& context, float* x, int64_t tokens, int64_t x_stride, int64_t heads,
          int64_t head_width, int64_t rotary_width, RopeLayout layout,
          std::span<const int32_t> positions, const float* cos_table, const float* sin_table);

// ---- attention over pages of keys and values ----
inline constexpr int64_t kPageTokens = 64;

// How keys and values are kept (docs/decisions/0015 has the arithmetic).
enum class KvType : uint8_t {
  kF32,  // as computed
  kI8,   // codes of 8 bits and one f32 scale a token and head: a quarter of the memory
};

// One page holds kPageTokens tokens of one layer, head after head (kv_head_bytes each), aligned to
// 64 bytes. Slots that no token was written to must hold finite numbers.
//   kF32: keys [G][E][64] (a lane is a key), values [G][64][E].
//   kI8, E rounded up to a multiple of 16: keys [G] x (u8 code + 128 [E / 4][64][4], f32 scale
//   [64]), values [G] x (i8 code [64 / 4][E][4], f32 scale [64]): lines of 16 lanes with 4
//   neighbours along the sum, as packed weights have them.
struct KvPage {
  std::byte* keys;
  std::byte* values;
};
int64_t kv_head_bytes(KvType type, int64_t head_width);

struct AttentionShape {
  int64_t heads;
  int64_t kv_heads;
  int64_t head_width;  // up to 256
  float scale;         // usually 1 / sqrt(E)
};

// Tokens of one sequence on their way into its pages, as slots first_slot .. first_slot + tokens
// - 1.
struct KvAppendTask {
  const float* k;  // [tokens, G, E], row stride k_stride
  const float* v;  // [tokens, G, E], row stride v_stride
  int64_t tokens;
  int64_t k_stride;
  int64_t v_stride;
  std::span<const KvPage> pages;
  int64_t first_slot;
};
void kv_append(const KernelContext& context, const AttentionShape& shape, KvType type,
               std::span<const KvAppendTask> tasks);

struct AttentionTask {  // one sequence
  const float* q;       // [queries, H, E], row stride q_stride
  int64_t queries;
  int64_t q_stride;
  float* out;  // [queries, H, E], row stride out_stride
  int64_t out_stride;
  std::span<const KvPage> pages;
  int64_t keys;        // valid keys in the pages
  bool causal = true;  // query i sees keys [0, first_position + i]
  int64_t first_position = 0;
  const float* bias = nullptr;  // [H, queries, keys], added before softmax; null: none
};
// Keys are taken in segments of kSegmentKeys, each with its own softmax, joined in order: a long
// context can be cut between threads and no result depends on the cut.
inline constexpr int64_t kSegmentKeys = 256;
void attention(const KernelContext& context, const AttentionShape& shape, KvType type,
               std::span<const AttentionTask> tasks);

// ---- gradients (f32; the same bits for every thread count) ----
// dx[T, D] += ..., dweight[D] += ..., dbias[D] += ... of the norms above; null: not wanted.
struct NormGradient {
  const float* x;
  const float* weight;
  const float* dy;
  float* dx;
  float* dweight;
  float* dbias;
};
void rms_norm_backward(const KernelContext& context, const NormGradient& g, int64_t tokens,
                       int64_t width, float epsilon);
void layer_norm_backward(const KernelContext& context, const NormGradient& g, int64_t tokens,
                         int64_t width, float epsilon);
void silu_multiply_backward(const KernelContext& context, const float* gate, const float* up,
                            const float* dy, int64_t count, float* dgate, float* dup);
// dx = dy * gelu'(x); dx may be dy.
void gelu_backward(const KernelContext& context, const float* x, const float* dy, int64_t count,
                   float* dx);
void gelu_tanh_backward(const KernelContext& context, const float* x, const float* dy,
                        int64_t count, float* dx);

// Rows of logits [rows, width] become the gradient of scale times their cross entropy with
// `targets`; loss[row] is the cross entropy itself (of which `smoothing` counts evenly over all
// classes), correct[row] whether the target has the largest logit.
struct CrossEntropy {
  float* logits;
  int64_t rows;
  int64_t width;
  const int32_t* targets;
  float scale;
  float smoothing;
  double* loss;
  uint8_t* correct;
};
void cross_entropy(const KernelContext& context, const CrossEntropy& work);

// One sequence of attention, with keys and values as rows: dq, dk and dv are added to. Rows are
// [heads of q or of k, E], with their strides. Recomputes the weights, 64 queries at a time: memory
// does not grow with queries times keys (Dao, "FlashAttention-2", 2023).
struct AttentionGradient {
  const float* q;
  const float* k;
  const float* v;
  const float* dout;
  float* dq;
  float* dk;
  float* dv;
  int64_t q_stride;   // of q, dq and dout
  int64_t kv_stride;  // of k, v, dk and dv
  int64_t queries;
  int64_t keys;
  bool causal = true;
  int64_t first_position = 0;   // causal: query i sees keys [0, first_position + i]
  const float* bias = nullptr;  // [H, queries, keys]
  float* dbias = nullptr;       // += or null
};
void attention_backward(const KernelContext& context, const AttentionShape& shape,
                        std::span<const AttentionGradient> tasks);

// One step of Adam with decoupled weight decay (Kingma and Ba, 2015; Loshchilov and Hutter, 2019):
//   mean += take1 * (g - mean),  square = square * keep2 + take2 * g * g,
//   value = value * shrink - step * mean / (sqrt(square) * widen + epsilon)
struct AdamFactors {
  float take1, keep2, take2;
  float shrink;  // 1 - learning rate * decay
  float step;    // learning rate over the correction of the mean's start at zero
  float widen;   // the inverse root of that of the square
  float epsilon;
};
void adam(const KernelContext& context, const AdamFactors& factors, const float* gradient,
          int64_t count, float* value, float* mean, float* square);

// Chosen rows of a product with one input row x[K]: out[r] for r in `rows` (ascending) as matmul()
// gives it, bit for bit. The other rows of their panels are written too, nothing else of out[N].
void matmul_rows(const KernelContext& context, const float* x, const PackedMatrix& weight,
                 std::span<const int32_t> rows, float* out);

}  // namespace ondol
