#include "ops/transposed_weights.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ondol::ops {
namespace {

constexpr int64_t kStrip = 64;  // columns of the weight dequantised at a time

// Columns [begin, end) of the weight as Q8_0 rows.
void encode_columns(const PackedMatrix& weight, int64_t begin, int64_t end, std::byte* rows) {
  const int64_t outputs = weight.rows(), width = end - begin;
  std::vector<float> strip(static_cast<size_t>(outputs * width)), row(static_cast<size_t>(outputs));
  weight.dequantize(0, outputs, begin, end, strip.data(), width);
  const auto row_bytes = static_cast<size_t>(dtype_bytes(DType::kQ8_0, outputs));
  for (int64_t k = 0; k < width; ++k) {
    for (int64_t n = 0; n < outputs; ++n) row[n] = strip[n * width + k];
    encode_blocks(DType::kQ8_0, row,
                  {rows + static_cast<size_t>(begin + k) * row_bytes, row_bytes});
  }
}

}  // namespace

const PackedMatrix* TransposedWeights::of(const PackedMatrix& weight, ThreadPool& pool) {
  const int64_t outputs = weight.rows(), inputs = weight.columns();
  if (outputs % dtype_info(DType::kQ8_0).block_elements != 0) return nullptr;
  std::unique_ptr<PackedMatrix>& copy = copies_[&weight];
  if (copy) return copy.get();
  if (const auto found = tracked_.find(&weight); found != tracked_.end()) {
    copy = std::make_unique<PackedMatrix>(PackedMatrix::from_floats(
        DType::kQ8_0, inputs, outputs, {found->second, 1, inputs}, pool, &arena_));
    bytes_ += copy->bytes();
    return copy.get();
  }
  const auto row_bytes = static_cast<size_t>(dtype_bytes(DType::kQ8_0, outputs));
  std::vector<std::byte> blocks(static_cast<size_t>(inputs) * row_bytes);
  const int64_t strips = (inputs + kStrip - 1) / kStrip;
  pool.parallel_for(strips, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t strip = begin; strip < end; ++strip) {
      encode_columns(weight, strip * kStrip, std::min(inputs, (strip + 1) * kStrip), blocks.data());
    }
  });
  copy = std::make_unique<PackedMatrix>(
      PackedMatrix::pack(DType::kQ8_0, inputs, outputs, blocks, pool, &arena_));
  bytes_ += copy->bytes();
  return copy.get();
}

void TransposedWeights::renew(ThreadPool& pool) {
  for (const auto& [weight, values] : tracked_) {
    const auto found = copies_.find(weight);
    if (found == copies_.end() || !found->second) continue;
    found->second->assign({values, 1, weight->columns()}, pool);
  }
}

}  // namespace ondol::ops
