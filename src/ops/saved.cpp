#include "ops/saved.h"

namespace ondol::ops {
namespace {

constexpr int64_t kGrain = 1 << 14;

}  // namespace

Saved::Saved(const Context& context, const Tensor& tensor) : shape_(tensor.shape()) {
  if (context.precision == Precision::kExact) {
    kept_ = tensor;
    return;
  }
  kept_ = Tensor::zeros(DType::kBF16, shape_);
  auto* to = kept_.data<std::byte>();
  const float* from = tensor.data();
  context.pool.parallel_for(tensor.size(), kGrain, [&](int64_t begin, int64_t end, int) {
    const auto count = static_cast<size_t>(end - begin);
    encode_blocks(DType::kBF16, {from + begin, count}, {to + 2 * begin, 2 * count});
  });
}

Tensor Saved::get(const Context& context) const {
  if (kept_.dtype() == DType::kF32) return kept_;
  Tensor out = Tensor::zeros(DType::kF32, shape_);
  const auto* from = kept_.data<std::byte>();
  float* to = out.data();
  context.pool.parallel_for(out.size(), kGrain, [&](int64_t begin, int64_t end, int) {
    dequantize_blocks(DType::kBF16, from + 2 * begin, end - begin, to + begin);
  });
  return out;
}

}  // namespace ondol::ops
