#include "kernels/ref/ref.h"

namespace ondol {

const KernelTable kRefTable = {
    .name = "ref",
    .quantize = ref::quantize,
    .matmul_fast = ref::matmul_fast,
    .matmul_exact = ref::matmul_exact,
    .round_bf16 = ref::round_bf16,
    .matmul_bf16 = ref::matmul_bf16,
    .dequantize_panel = ref::dequantize_panel,
    .gemm = ref::gemm,
    .assign_panel = ref::assign_panel,
    .rms_norm = ref::rms_norm,
    .layer_norm = ref::layer_norm,
    .add = ref::add,
    .silu_multiply = ref::silu_multiply,
    .gelu = ref::gelu,
    .gelu_tanh = ref::gelu_tanh,
    .softmax = ref::softmax,
    .max_sum = ref::max_sum,
    .dot = ref::dot,
    .dot_i8_rows = ref::dot_i8_rows,
    .rope = ref::rope,
    .attention = ref::attention,
    .join_segments = ref::join_segments,
    .quantize_vector = ref::quantize_vector,
    .rms_norm_backward = ref::rms_norm_backward,
    .layer_norm_backward = ref::layer_norm_backward,
    .silu_multiply_backward = ref::silu_multiply_backward,
    .gelu_backward = ref::gelu_backward,
    .gelu_tanh_backward = ref::gelu_tanh_backward,
    .softmax_backward = ref::softmax_backward,
    .negative_step = ref::negative_step,
    .adam = ref::adam,
};

}  // namespace ondol
