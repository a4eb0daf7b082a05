// clang-format off
#include "kernels/ref/ref.h"
#include "kernels/cpu/assign.inc"
// clang-format on

namespace ondol::ref {

void assign_panel(const PackedView& w, const MatrixValues& values, int64_t panel, uint8_t* codes,
                  uint8_t* scales) {
  assign_panel_all(w, values, panel, codes, scales);
}

}  // namespace ondol::ref
