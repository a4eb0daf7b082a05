// Floats made packed weights, in place: what an optimizer step of all weights ends with. A tile of
// 32 columns and 16 rows is gathered first; its loops run over the lanes, without branches.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/error.h"
#include "kernels/packed.h"

namespace ondol {
namespace {

constexpr int64_t kLanes = kPanelRows;
constexpr int64_t kColumns = kBlock;
using Tile = std::array<std::array<float, kLanes>, kColumns>;  // [column][lane]

// Lanes and columns outside the matrix are zeros.
void gather(const MatrixValues& values, int64_t row, int64_t rows, int64_t column, int64_t columns,
            Tile& tile) {
  const float* from = values.data + row * values.row_stride + column * values.column_stride;
  if (rows < kLanes || columns < kColumns) tile = {};
  if (values.row_stride == 1) {
    for (int64_t k = 0; k < columns; ++k) {
      std::copy_n(from + k * values.column_stride, rows, tile[static_cast<size_t>(k)].begin());
    }
    return;
  }
  for (int64_t lane = 0; lane < rows; ++lane) {
    const float* own = from + lane * values.row_stride;
    for (int64_t k = 0; k < columns; ++k) {
      tile[static_cast<size_t>(k)][static_cast<size_t>(lane)] = own[k * values.column_stride];
    }
  }
}

void put_f32(const Tile& tile, int64_t columns, uint8_t* out) {
  std::memcpy(out, tile.data(), static_cast<size_t>(columns) * sizeof tile[0]);
}

void put_bf16(const Tile& tile, int64_t columns, uint8_t* out) {
  for (size_t k = 0; k < static_cast<size_t>(columns); k += 2) {
    std::array<uint32_t, kLanes> words;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      words[lane] = static_cast<uint32_t>(float_to_bf16(tile[k][lane])) |
                    static_cast<uint32_t>(float_to_bf16(tile[k + 1][lane])) << 16;
    }
    std::memcpy(out + k / 2 * sizeof words, words.data(), sizeof words);
  }
}

// One block of every lane: f16 scales to `scales`, unsigned codes to `codes` (packed.h).
void put_q8(const Tile& tile, uint8_t* codes, uint8_t* scales) {
  std::array<float, kLanes> largest{}, taint{};
  for (const auto& column : tile) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float size = std::fabs(column[lane]);
      largest[lane] = size > largest[lane] ? size : largest[lane];
      taint[lane] += column[lane] * 0.0F;  // NaN for what is not finite
    }
  }
  std::array<float, kLanes> d{};
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const bool finite = taint[lane] == 0.0F;
    const uint16_t scale = finite ? float_to_half(largest[lane] / 127.0F) : uint16_t{0x7e00};
    std::memcpy(scales + 2 * lane, &scale, sizeof scale);
    d[lane] = finite ? half_to_float(scale) : 0.0F;
  }
  std::array<float, kLanes> keep{}, divisor{};
  for (size_t lane = 0; lane < kLanes; ++lane) {
    keep[lane] = d[lane] > 0 ? 1.0F : 0.0F;
    divisor[lane] = d[lane] > 0 ? d[lane] : 1.0F;
  }
  // Adding 1.5 * 2^23 rounds to the nearest whole number, ties to even, in the low bits.
  constexpr float kRound = 12582912.0F;
  for (size_t j = 0; j < kColumns / 4; ++j) {
    std::array<uint32_t, kLanes> words{};
    for (size_t i = 0; i < 4; ++i) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        float code = tile[4 * j + i][lane] / divisor[lane];
        code = code > 127.0F ? 127.0F : code;
        code = code < -127.0F ? -127.0F : code;
        const float whole = (keep[lane] > 0 ? code : 0.0F) + kRound;
        words[lane] |= ((std::bit_cast<uint32_t>(whole) + 128U) & 255U) << (8 * i);
      }
    }
    std::memcpy(codes + j * sizeof words, words.data(), sizeof words);
  }
}

void assign_panel(const PackedView& w, const MatrixValues& values, int64_t panel, uint8_t* codes,
                  uint8_t* scales) {
  const int64_t row = panel * kLanes, rows = std::min(kLanes, w.rows - row);
  Tile tile;
  for (int64_t column = 0; column < w.columns; column += kColumns) {
    const int64_t columns = std::min(kColumns, w.columns - column);
    gather(values, row, rows, column, columns, tile);
    switch (w.dtype) {
      case DType::kF32:
        put_f32(tile, columns, codes + column * kLanes * 4);
        break;
      case DType::kBF16:
        put_bf16(tile, columns, codes + column * kLanes * 2);
        break;
      default:
        put_q8(tile, codes + column / kColumns * code_block_bytes(8), scales + column);
    }
  }
}

}  // namespace

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
  pool.parallel_for(w.panels, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t panel = begin; panel < end; ++panel) {
      assign_panel(w, values, panel, codes + panel * w.codes_stride,
                   scales ? scales + panel * w.scales_stride : nullptr);
    }
  });
}

}  // namespace ondol
