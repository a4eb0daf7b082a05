// Some rows of a product only: the panels that hold them, a run of neighbours at a time, through
// the same kernels as the whole product.
#include <algorithm>

#include "kernels/packed.h"

namespace ondol {

PackedMatrix PackedMatrix::panels_of(const PackedMatrix& whole, int64_t begin, int64_t end) {
  const PackedView& all = whole.internal_data().view;
  PackedMatrix part;
  part.data_ = std::make_unique<Data>();
  PackedView& view = part.data_->view;
  view = all;
  view.rows = std::min(all.rows, end * kPanelRows) - begin * kPanelRows;
  view.panels = end - begin;
  view.codes += begin * all.codes_stride;
  if (view.scales != nullptr) view.scales += begin * all.scales_stride;
  return part;
}

PackedMatrix PackedMatrix::view_of(const PackedMatrix& whole) {
  PackedMatrix view;
  const Data& data = whole.internal_data();
  view.data_ = std::make_unique<Data>(Data{data.view, data.storage, data.bytes});
  return view;
}

void matmul_rows(const KernelContext& context, const float* x, const PackedMatrix& weight,
                 std::span<const int32_t> rows, float* out) {
  constexpr size_t kRunsEach = 64;
  std::vector<PackedMatrix> runs;
  std::vector<MatmulPart> parts;
  const auto flush = [&] {
    for (size_t i = 0; i < runs.size(); ++i) parts[i].weight = &runs[i];
    matmul(context, {x, 1, weight.columns()}, parts);
    runs.clear();
    parts.clear();
  };
  for (size_t i = 0; i < rows.size();) {
    const int64_t begin = rows[i] / kPanelRows;
    int64_t end = begin + 1;
    while (i < rows.size() && rows[i] / kPanelRows <= end) end = rows[i++] / kPanelRows + 1;
    runs.push_back(PackedMatrix::panels_of(weight, begin, end));
    parts.push_back({nullptr, nullptr, out + begin * kPanelRows, weight.rows(), false});
    if (runs.size() == kRunsEach || i == rows.size()) flush();
  }
}

}  // namespace ondol
