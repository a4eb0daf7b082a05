// Packing of a file's blocks into the O16 layout (packed.h), and reading single elements back.
#include <cstdlib>
#include <string>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/error.h"
#include "kernels/file_blocks.h"
#include "kernels/packed.h"

namespace ondol {
namespace {

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

uint32_t load_four(const uint8_t* codes) {
  uint32_t four;
  std::memcpy(&four, codes, sizeof four);
  return four;
}
void or_four(uint8_t* target, uint32_t four) {
  four |= load_four(target);
  std::memcpy(target, &four, sizeof four);
}

// The 32 codes of one row of a block, four columns at a time; what packed_code() reads. The block
// was zeros.
void put_codes(uint8_t* block, int bits, int64_t lane, const uint8_t* in) {
  for (int64_t j = 0; j < (bits == 8 ? 8 : 4); ++j) {
    uint8_t* target = block + j * 64 + lane * 4;
    const uint32_t first = load_four(in + 4 * j);
    if (bits == 8) {
      or_four(target, first);
      continue;
    }
    const uint32_t second = load_four(in + 16 + 4 * j);
    or_four(target, (first & 0x0f0f0f0fU) | (second & 0x0f0f0f0fU) << 4);
    if (bits == 4) continue;
    const uint32_t high = (first >> 4 & 0x03030303U) | (second >> 4 & 0x03030303U) << 4;
    or_four(block + 256 + (bits == 6 ? j / 2 * 64 : 0) + lane * 4,
            high << (bits == 5 ? j : j % 2 * 2));
  }
}

void put_u16(uint8_t* target, uint16_t value) { std::memcpy(target, &value, sizeof value); }

struct RowWriter {
  const PackedView& w;
  QuantTraits traits;
  uint8_t* codes;   // of this panel
  uint8_t* scales;  // of this panel
  int64_t lane;

  void write(const uint8_t* source) const {
    const DTypeInfo& info = dtype_info(w.dtype);
    for (int64_t i = 0; i < w.columns / info.block_elements; ++i) {
      const uint8_t* block = source + i * info.block_bytes;
      uint8_t* scale = scales + i * traits.scale_bytes;
      if (info.block_elements == kBlock) {
        legacy(read_block(w.dtype, block), i, scale);
      } else {
        super(read_super_block(w.dtype, block), i, scale);
      }
    }
  }
  void put(int64_t block, const uint8_t* in) const {
    put_codes(codes + block * code_block_bytes(traits.bits), traits.bits, lane, in);
  }
  void legacy(const FileBlock& in, int64_t index, uint8_t* scale) const {
    put(index, in.codes);
    put_u16(scale + 2 * lane, in.d);
    if (in.has_minimum) put_u16(scale + 32 + 2 * lane, in.m);
  }
  void super(const FileSuperBlock& in, int64_t index, uint8_t* scale) const {
    for (int64_t j = 0; j < 8; ++j) put(index * 8 + j, in.codes + 32 * j);
    put_u16(scale + 2 * lane, in.d);
    uint8_t* small = scale + 32;
    if (in.has_minimum) {
      put_u16(scale + 32 + 2 * lane, in.m);
      small += 32;
    }
    for (int j = 0; j < (in.has_minimum ? 8 : 16); ++j) {
      uint8_t* at = small + (in.has_minimum ? 32 : 16) * j + lane;
      at[0] = static_cast<uint8_t>(in.scales[j]);
      if (in.has_minimum) at[16] = static_cast<uint8_t>(in.minimums[j]);
    }
  }
};

void pack_float_row(const PackedView& w, const uint8_t* source, uint8_t* panel, int64_t lane) {
  const int64_t width = dtype_info(w.dtype).block_bytes;
  for (int64_t k = 0; k < w.columns; ++k) {
    const int64_t at = w.dtype == DType::kBF16 ? bf16_index(k, lane) : k * kPanelRows + lane;
    std::memcpy(panel + at * width, source + k * width, static_cast<size_t>(width));
  }
}

void check_input(DType dtype, int64_t rows, int64_t columns, std::span<const std::byte> bytes) {
  const DTypeInfo& info = dtype_info(dtype);
  if (!is_float(dtype) && !is_quantized(dtype)) {
    throw Error(ErrorCode::kUnsupported, "[kernels] a weight matrix of type " +
                                             std::string(info.name) +
                                             " cannot be multiplied; expected a float or a "
                                             "quantised type; try converting the model");
  }
  const bool shape_ok = rows > 0 && columns > 0 && columns % info.block_elements == 0;
  if (!shape_ok || static_cast<int64_t>(bytes.size()) != rows * dtype_bytes(dtype, columns)) {
    throw Error(ErrorCode::kInvalidArgument,
                "[kernels] got " + std::to_string(bytes.size()) + " bytes for a matrix of " +
                    std::to_string(rows) + " x " + std::to_string(columns) + " " +
                    std::string(info.name) + ", expected whole blocks of " +
                    std::to_string(info.block_elements) + " columns (" +
                    std::to_string(info.block_bytes) + " bytes each)");
  }
}

PackedView make_view(DType dtype, int64_t rows, int64_t columns) {
  PackedView w{};
  w.dtype = dtype;
  w.rows = rows;
  w.columns = columns;
  w.panels = (rows + kPanelRows - 1) / kPanelRows;
  if (is_float(dtype)) {
    const int64_t stored = dtype == DType::kBF16 ? round_up(columns, 2) : columns;
    w.codes_stride = stored * kPanelRows * dtype_info(dtype).block_bytes;
  } else {
    const QuantTraits traits = quant_traits(dtype);
    w.codes_stride = columns / kBlock * code_block_bytes(traits.bits);
    w.scales_stride = columns / traits.scale_block * traits.scale_bytes;
  }
  return w;
}

}  // namespace

AlignedArray<std::byte> allocate_aligned(int64_t bytes) {
  const auto size = static_cast<size_t>(round_up(std::max<int64_t>(bytes, 1), 64));
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, size));
  if (!memory) {
    throw Error(ErrorCode::kResourceExhausted, "[kernels] no memory for " + std::to_string(size) +
                                                   " bytes; try a smaller or more quantised model");
  }
  return AlignedArray<std::byte>(memory);
}

std::shared_ptr<std::byte> PackArena::allocate(int64_t bytes) {
  constexpr int64_t kHugePage = int64_t{1} << 21;
  constexpr int64_t kPiece = 16 * kHugePage;
  bytes = round_up(bytes, 64);
  if (used_ + bytes > size_) {
    // The first matrix of an arena has a piece to itself when it is small: it may stay alone.
    const bool large = size_ > 0 || bytes >= kHugePage;
    const int64_t size = round_up(large ? std::max(bytes, kPiece) : bytes, large ? kHugePage : 64);
    auto* memory = static_cast<std::byte*>(
        std::aligned_alloc(static_cast<size_t>(large ? kHugePage : 64), static_cast<size_t>(size)));
    if (!memory) {
      throw Error(ErrorCode::kResourceExhausted, "[kernels] no memory for " + std::to_string(size) +
                                                     " bytes; try a smaller or more quantised "
                                                     "model");
    }
#if defined(__linux__)
    if (large) madvise(memory, static_cast<size_t>(size), MADV_HUGEPAGE);  // a wish, no need
#endif
    piece_ = std::shared_ptr<std::byte>(memory, AlignedFree());
    size_ = size;
    used_ = 0;
  }
  const int64_t begin = std::exchange(used_, used_ + bytes);
  return {piece_, piece_.get() + begin};
}

QuantTraits quant_traits(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return {QuantForm::kOffset, 4, 8, 32, 32};
    case DType::kQ5_0:
      return {QuantForm::kOffset, 5, 16, 32, 32};
    case DType::kQ8_0:
      return {QuantForm::kOffset, 8, 128, 32, 32};
    case DType::kQ4_1:
      return {QuantForm::kMinimum, 4, 0, 32, 64};
    case DType::kQ5_1:
      return {QuantForm::kMinimum, 5, 0, 32, 64};
    case DType::kQ4_K:
      return {QuantForm::kSuperMinimum, 4, 0, 256, 64 + 8 * 32};
    case DType::kQ5_K:
      return {QuantForm::kSuperMinimum, 5, 0, 256, 64 + 8 * 32};
    case DType::kQ6_K:
      return {QuantForm::kSuperHalves, 6, 32, 256, 32 + 16 * 16};
    default:
      throw Error(ErrorCode::kInternal, "[kernels] not a quantised type");
  }
}

PackedMatrix::PackedMatrix() = default;
PackedMatrix::~PackedMatrix() = default;
PackedMatrix::PackedMatrix(PackedMatrix&&) noexcept = default;
PackedMatrix& PackedMatrix::operator=(PackedMatrix&&) noexcept = default;

PackedMatrix PackedMatrix::allocate(DType dtype, int64_t rows, int64_t columns, PackArena* arena) {
  PackedMatrix matrix;
  matrix.data_ = std::make_unique<Data>();
  PackedView& w = matrix.data_->view;
  w = make_view(dtype, rows, columns);
  const int64_t codes_bytes = round_up(w.panels * w.codes_stride, 64);
  matrix.data_->bytes = codes_bytes + w.panels * w.scales_stride;
  PackArena own;
  matrix.data_->storage = (arena ? *arena : own).allocate(matrix.data_->bytes);
  const auto* codes = reinterpret_cast<const uint8_t*>(matrix.data_->storage.get());
  w.codes = codes;
  w.scales = is_float(dtype) ? nullptr : codes + codes_bytes;
  return matrix;
}

PackedMatrix PackedMatrix::pack(DType dtype, int64_t rows, int64_t columns,
                                std::span<const std::byte> file_bytes, ThreadPool& pool,
                                PackArena* arena) {
  check_input(dtype, rows, columns, file_bytes);
  PackedMatrix matrix = allocate(dtype, rows, columns, arena);
  const PackedView& w = matrix.data_->view;
  auto* codes = const_cast<uint8_t*>(w.codes);
  auto* scales = codes + round_up(w.panels * w.codes_stride, 64);

  const auto* source = reinterpret_cast<const uint8_t*>(file_bytes.data());
  const int64_t row_bytes = dtype_bytes(dtype, columns);
  pool.parallel_for(w.panels, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t panel = begin; panel < end; ++panel) {
      uint8_t* panel_codes = codes + panel * w.codes_stride;
      uint8_t* panel_scales = scales + panel * w.scales_stride;
      std::memset(panel_codes, 0, static_cast<size_t>(w.codes_stride));
      std::memset(panel_scales, 0, static_cast<size_t>(w.scales_stride));
      for (int64_t lane = 0; lane < std::min(kPanelRows, rows - panel * kPanelRows); ++lane) {
        const uint8_t* row = source + (panel * kPanelRows + lane) * row_bytes;
        if (is_float(dtype)) {
          pack_float_row(w, row, panel_codes, lane);
        } else {
          RowWriter{w, quant_traits(dtype), panel_codes, panel_scales, lane}.write(row);
        }
      }
    }
  });
  return matrix;
}

DType PackedMatrix::dtype() const { return data_->view.dtype; }
int64_t PackedMatrix::rows() const { return data_->view.rows; }
int64_t PackedMatrix::columns() const { return data_->view.columns; }
size_t PackedMatrix::bytes() const { return static_cast<size_t>(data_->bytes); }

float packed_value(const PackedView& w, int64_t row, int64_t column) {
  const int64_t panel = row / kPanelRows, lane = row % kPanelRows;
  if (is_float(w.dtype)) {
    const uint8_t* values = w.codes + panel * w.codes_stride;
    const int64_t at = column * kPanelRows + lane;
    if (w.dtype == DType::kF16) return load_half(values, at);
    if (w.dtype == DType::kBF16) {
      return bf16_to_float(load_u16(values + 2 * bf16_index(column, lane)));
    }
    float value;
    std::memcpy(&value, values + 4 * at, sizeof value);
    return value;
  }
  const QuantTraits traits = quant_traits(w.dtype);
  const uint8_t* scales =
      w.scales + panel * w.scales_stride + column / traits.scale_block * traits.scale_bytes;
  const int code = packed_code(w, traits.bits, row, column);
  const float d = load_half(scales, lane);
  const int64_t in_super = column % 256;
  switch (traits.form) {
    case QuantForm::kOffset:
      return d * static_cast<float>(code - traits.offset);
    case QuantForm::kMinimum:
      return d * static_cast<float>(code) + load_half(scales + 32, lane);
    case QuantForm::kSuperMinimum: {
      const uint8_t* small = scales + 64 + in_super / 32 * 32;
      const float scale = d * static_cast<float>(small[lane]);
      const float minimum = load_half(scales + 32, lane) * static_cast<float>(small[16 + lane]);
      return scale * static_cast<float>(code) - minimum;
    }
    case QuantForm::kSuperHalves:
      break;
  }
  const auto small = static_cast<int8_t>(scales[32 + in_super / 16 * 16 + lane]);
  return d * static_cast<float>(small) * static_cast<float>(code - traits.offset);
}

void PackedMatrix::dequantize(int64_t row_begin, int64_t row_end, int64_t column_begin,
                              int64_t column_end, float* out, int64_t out_stride) const {
  for (int64_t row = row_begin; row < row_end; ++row) {
    float* target = out + (row - row_begin) * out_stride;
    for (int64_t column = column_begin; column < column_end; ++column) {
      target[column - column_begin] = packed_value(data_->view, row, column);
    }
  }
}

void gather_rows(const KernelContext& context, const PackedMatrix& table,
                 std::span<const int32_t> ids, float* out) {
  const int64_t width = table.columns();
  context.pool.parallel_for(
      static_cast<int64_t>(ids.size()), 8, [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) {
          table.dequantize(ids[t], ids[t] + 1, 0, width, out + t * width, width);
        }
      });
}

}  // namespace ondol
