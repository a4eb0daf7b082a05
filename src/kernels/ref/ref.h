// The reference: scalar code to be read as the definition of every kernel's bits.
#pragma once

#include <array>

#include "kernels/table.h"

namespace ondol::ref {

// The larger; b when either is a NaN (what the vector instructions do).
inline float larger(float a, float b) { return a > b ? a : b; }
inline float smaller(float a, float b) { return a < b ? a : b; }

float exp(float x);
float erf(float x);
float tanh(float x);

// The 16-lane rule: element i goes to partial i mod 16, the partials are added pairwise.
class LaneSum {
 public:
  void add(int64_t i, float x) { lanes_[static_cast<size_t>(i % 16)] += x; }
  void add_product(int64_t i, float a, float b);
  float total();

 private:
  std::array<float, 16> lanes_{};
};

void quantize(const float* x, int64_t columns, int64_t token, const Activations& out);
void matmul_fast(const FastMatmul& work);
void matmul_exact(const ExactMatmul& work);
void round_bf16(const float* x, int64_t columns, std::byte* out);
void matmul_bf16(const Bf16Matmul& work);
void dequantize_panel(const PackedView& weight, int64_t panel, int64_t column_begin,
                      int64_t column_end, float* out);
void gemm(const Gemm& work);
void assign_panel(const PackedView& weight, const MatrixValues& values, int64_t panel,
                  uint8_t* codes, uint8_t* scales);
void rms_norm(const float* x, const float* weight, int64_t width, float epsilon, float* out);
void layer_norm(const float* x, const float* weight, const float* bias, int64_t width,
                float epsilon, float* out);
void add(const float* x, int64_t count, float* inout);
void silu_multiply(const float* gate, const float* up, int64_t count, float* out);
void gelu(float* inout, int64_t count);
void gelu_tanh(float* inout, int64_t count);
void softmax(float* inout, int64_t width);
MaxSum max_sum(const float* x, int64_t width);
float dot(const float* a, const float* b, int64_t count);
void dot_i8_rows(const int8_t* query, const int8_t* rows, int64_t count, int64_t width,
                 int32_t* out);
void rope(float* x, int64_t rotary_width, RopeLayout layout, const float* cos, const float* sin);
void attention(const AttentionBlock& work);
void join_segments(const SegmentJoin& work);
VectorCodes quantize_vector(const float* x, int64_t width, int8_t* codes);

void rms_norm_backward(const float* x, const float* weight, const float* dy, int64_t width,
                       float epsilon, float* dx, float* dweight);
void layer_norm_backward(const float* x, const float* weight, const float* dy, int64_t width,
                         float epsilon, float* dx, float* dweight, float* dbias);
void silu_multiply_backward(const float* gate, const float* up, const float* dy, int64_t count,
                            float* dgate, float* dup);
void gelu_backward(const float* x, const float* dy, int64_t count, float* dx);
void gelu_tanh_backward(const float* x, const float* dy, int64_t count, float* dx);
void softmax_backward(const float* p, const float* dp, int64_t width, float scale, float* dx);
void negative_step(const NegativeStep& work);
void adam(const AdamFactors& factors, const float* gradient, int64_t count, float* value,
          float* mean, float* square);

}  // namespace ondol::ref
