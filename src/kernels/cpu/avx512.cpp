#include "kernels/cpu/leaf_avx512.h"
#include "kernels/cpu/simd_avx512.h"
#include "kernels/polynomials.h"
// The shared kernels, over the lanes above: order matters.
// clang-format off
#include "kernels/cpu/math.inc"
#include "kernels/cpu/rows.inc"
#include "kernels/cpu/attention.inc"
#include "kernels/cpu/attention_i8.inc"
#include "kernels/cpu/gradients.inc"
#include "kernels/cpu/word2vec.inc"
// clang-format on

namespace ondol {

const KernelTable kAvx512Table = {
    .name = "avx512",
    .quantize = quantize,
    .matmul_fast = avx512::matmul_fast,
    .matmul_exact = avx512::matmul_exact,
    .round_bf16 = avx512::round_bf16,
    .matmul_bf16 = avx512::matmul_bf16,
    .dequantize_panel = avx512::dequantize_panel,
    .gemm = avx512::gemm,
    .assign_panel = avx512::assign_panel,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .add = add,
    .silu_multiply = silu_multiply,
    .gelu = gelu,
    .gelu_tanh = gelu_tanh,
    .softmax = softmax,
    .max_sum = max_sum,
    .dot = dot,
    .dot_i8_rows = dot_i8_rows,
    .rope = rope,
    .attention = attention,
    .join_segments = join_segments,
    .quantize_vector = quantize_vector,
    .rms_norm_backward = rms_norm_backward,
    .layer_norm_backward = layer_norm_backward,
    .silu_multiply_backward = silu_multiply_backward,
    .gelu_backward = gelu_backward,
    .gelu_tanh_backward = gelu_tanh_backward,
    .softmax_backward = softmax_backward,
    .negative_step = negative_step,
    .adam = adam,
};

}  // namespace ondol
