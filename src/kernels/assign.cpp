// Floats made packed weights, in place.
#include <string>

#include "base/error.h"
#include "kernels/packed.h"

namespace ondol {

PackedMatrix PackedMatrix::from_floats(DType dtype, int64_t rows, int64_t columns,
                                       const MatrixValues& values, ThreadPool& pool,
                                       PackArena* arena) {
  const DTypeInfo& info = dtype_info(dtype);
  if (dtype != DType::kF32 && dtype != DType::kBF16 && dtype != DType::kQ8_0) {
    throw Error(ErrorCode::kUnsupported,
                "[kernels] floats as " + std::string(info.name) + "; expected f32, bf16 or q8_0");
  }
  if (rows < 1 || columns < 1 || columns % info.block_elements != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "[kernels] floats as " + std::string(info.name) + "; got rows of " +
                    std::to_string(columns) + ", expected a multiple of " +
                    std::to_string(info.block_elements) + "; try bf16");
  }
  PackedMatrix matrix = allocate(dtype, rows, columns, arena);
  matrix.assign(values, pool);
  return matrix;
}

void PackedMatrix::assign(const MatrixValues& values, ThreadPool& pool) {
  const PackedView& w = data_->view;
  ONDOL_ASSERT(w.dtype == DType::kF32 || w.dtype == DType::kBF16 || w.dtype == DType::kQ8_0);
  auto* codes = const_cast<uint8_t*>(w.codes);
  auto* scales = const_cast<uint8_t*>(w.scales);
  const auto assign_panel = best_kernels().assign_panel;  // the same bits from all
  pool.parallel_for(w.panels, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t panel = begin; panel < end; ++panel) {
      assign_panel(w, values, panel, codes + panel * w.codes_stride,
                   scales ? scales + panel * w.scales_stride : nullptr);
    }
  });
}

}  // namespace ondol
