// Drivers of the matrix products: they quantise activations once, cut the outputs into panels and
// token blocks, and give every thread whole outputs.
#include <algorithm>

#include "base/error.h"
#include "kernels/packed.h"

namespace ondol {
namespace {

constexpr int64_t kDecodeTokens = 16;  // up to here weights are read once for all tokens together
constexpr int64_t kSelfQuantized = 2;  // up to here each thread quantises for itself: no barrier
constexpr int64_t kTokenBlock = 48;    // the least tokens worth expanding a panel for

// Which activations a weight is multiplied with.
enum class Kind : uint8_t { kInt8, kBf16, kFloat };
Kind kind_of(const KernelContext& context, const PackedMatrix& weight) {
  if (context.precision == Precision::kExact) return Kind::kFloat;
  if (weight.dtype() == DType::kBF16) return Kind::kBf16;
  return is_float(weight.dtype()) ? Kind::kFloat : Kind::kInt8;
}

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

StartKind start_kind(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return kStart8;
    case DType::kQ5_0:
      return kStart16;
    case DType::kQ8_0:
      return kStart128;
    case DType::kQ6_K:
      return kStart32Halves;
    default:
      return kStartKinds;
  }
}

int64_t bf16_row_bytes(int64_t columns) { return 4 * round_up(columns, 2); }

// Activations of all tokens in the forms that the weights want, and where they lie in memory.
struct Converted {
  Activations int8{};
  std::byte* bf16 = nullptr;  // [T, 4 * columns rounded up to 2]
};
class ActivationLayout {
 public:
  void want(Kind kind, DType dtype) {
    int8_ |= kind == Kind::kInt8;
    bf16_ |= kind == Kind::kBf16;
    const StartKind start = kind == Kind::kInt8 ? start_kind(dtype) : kStartKinds;
    if (start != kStartKinds) starts_[start] = true;
  }
  bool any() const { return int8_ || bf16_; }
  bool int8() const { return int8_; }
  bool bf16() const { return bf16_; }

  // Cuts `memory` up; without it only counts. Returns the bytes, a multiple of 64.
  int64_t place(int64_t tokens, int64_t columns, std::byte* memory, Converted& out) const {
    int64_t used = 0;
    const auto take = [&]<class T>(bool wanted, int64_t count, T*& target) {
      if (!wanted) return;
      target = memory ? reinterpret_cast<T*>(memory + used) : nullptr;
      used += round_up(count * static_cast<int64_t>(sizeof(T)), 64);
    };
    const int64_t cells = tokens * (columns / kBlock);
    take(int8_, tokens * columns, out.int8.codes);
    take(int8_, cells, out.int8.scale);
    take(int8_, cells, out.int8.sum);
    take(int8_, cells, out.int8.scaled_sum);
    for (int kind = 0; kind < kStartKinds; ++kind) {
      take(starts_[kind], kind == kStart32Halves ? 2 * cells : cells, out.int8.starts[kind]);
    }
    take(bf16_, tokens * bf16_row_bytes(columns), out.bf16);
    return used;
  }

 private:
  bool int8_ = false, bf16_ = false;
  bool starts_[kStartKinds]{};
};

Activations from_token(const Activations& a, int64_t token, int64_t columns) {
  const int64_t cells = token * (columns / kBlock);
  Activations out = a;
  out.codes += token * columns;
  out.scale += cells;
  out.sum += cells;
  out.scaled_sum += cells;
  for (int kind = 0; kind < kStartKinds; ++kind) {
    if (out.starts[kind]) out.starts[kind] += kind == kStart32Halves ? 2 * cells : cells;
  }
  return out;
}

// Outputs cut into units: `panels_each` panels of one part times one block of tokens, the token
// block running fastest so that a thread expands a panel once.
struct Plan {
  int64_t panels_each = 1;
  int64_t token_blocks = 1;
  int64_t units = 0;
  int64_t grain = 1;
};

int64_t part_groups(const Plan& plan, const MatmulPart& part) {
  const int64_t panels = part.weight->internal_data().view.panels;
  return (panels + plan.panels_each - 1) / plan.panels_each;
}

Plan make_plan(int64_t tokens, std::span<const MatmulPart> parts, int threads) {
  Plan plan;
  if (tokens > kDecodeTokens) plan.panels_each = kScratchPanels;
  int64_t groups = 0;
  for (const MatmulPart& part : parts) groups += part_groups(plan, part);
  if (tokens > kDecodeTokens) {
    const int64_t wanted = (8 * threads + groups - 1) / groups;
    plan.token_blocks = std::clamp<int64_t>(wanted, 1, (tokens + kTokenBlock - 1) / kTokenBlock);
  } else {
    plan.grain = groups >= 32 * threads ? 4 : groups >= 8 * threads ? 2 : 1;
  }
  plan.units = groups * plan.token_blocks;
  return plan;
}

class Matmul {
 public:
  Matmul(const KernelContext& context, const MatmulInput& input, std::span<const MatmulPart> parts)
      : context_(context), input_(input), parts_(parts), columns_(parts[0].weight->columns()) {
    for (const MatmulPart& part : parts) {
      ONDOL_ASSERT(part.weight->columns() == columns_);
      layout_.want(kind_of(context, *part.weight), part.weight->dtype());
    }
    plan_ = make_plan(input.tokens, parts, context.pool.size());
  }

  void run() {
    ThreadPool& pool = context_.pool;
    const int threads = pool.size();
    const bool own = input_.tokens <= kSelfQuantized;
    Converted shared;
    const int64_t bytes = layout_.place(input_.tokens, columns_, nullptr, shared);
    const int64_t before_scratch = own ? bytes : 0;
    for (int thread = 0; thread < threads; ++thread) {
      pool.scratch(thread, static_cast<size_t>(before_scratch + scratch_bytes()));
    }
    if (layout_.any() && !own) {
      layout_.place(input_.tokens, columns_, pool.scratch(threads, static_cast<size_t>(bytes)),
                    shared);
      pool.parallel_for(input_.tokens, 1,
                        [&](int64_t begin, int64_t end, int) { convert(begin, end, shared); });
    }
    pool.parallel_for(plan_.units, plan_.grain, [&](int64_t begin, int64_t end, int thread) {
      std::byte* memory = pool.scratch(thread, 0);
      Converted activations = shared;
      if (own) {
        layout_.place(input_.tokens, columns_, memory, activations);
        convert(0, input_.tokens, activations);
      }
      run_units(begin, end, activations, memory + before_scratch);
    });
  }

 private:
  void convert(int64_t begin, int64_t end, const Converted& out) const {
    for (int64_t t = begin; t < end; ++t) {
      const float* x = input_.x + t * input_.x_stride;
      if (layout_.int8()) context_.table.quantize(x, columns_, t, out.int8);
      if (layout_.bf16()) context_.table.round_bf16(x, columns_, out.bf16 + t * bf16_stride());
    }
  }
  int64_t bf16_stride() const { return bf16_row_bytes(columns_); }

  int64_t scratch_bytes() const {
    int64_t width = 0;  // of an expanded element
    for (const MatmulPart& part : parts_) {
      const Kind kind = kind_of(context_, *part.weight);
      if (kind == Kind::kFloat && part.weight->dtype() != DType::kF32) width = 4;
      if (kind == Kind::kInt8 && input_.tokens > 1) width = std::max<int64_t>(width, 1);
    }
    return kScratchPanels * columns_ * kPanelRows * width;
  }

  // A range of units, part by part; without token blocks a whole run of panels is one call.
  void run_units(int64_t begin, int64_t end, const Converted& activations,
                 std::byte* scratch) const {
    int64_t first = 0;
    for (const MatmulPart& part : parts_) {
      const int64_t count = part_groups(plan_, part) * plan_.token_blocks;
      const int64_t from = std::max(begin, first) - first;
      const int64_t to = std::min(end, first + count) - first;
      if (from < to) run_part(part, from, to, activations, scratch);
      first += count;
    }
  }

  void run_part(const MatmulPart& part, int64_t from, int64_t to, const Converted& activations,
                std::byte* scratch) const {
    const int64_t blocks = plan_.token_blocks;
    for (int64_t unit = from; unit < to;) {
      const int64_t group = unit / blocks;
      const int64_t block = unit % blocks;
      // Whole groups in one call, else the run of token blocks of this group.
      const bool whole = blocks == 1;
      const int64_t group_end = whole ? to : group + 1;
      const int64_t block_end = whole ? 1 : std::min(blocks, to - group * blocks);
      const int64_t panels = part.weight->internal_data().view.panels;
      one_call(part, group * plan_.panels_each, std::min(panels, group_end * plan_.panels_each),
               input_.tokens * block / blocks, input_.tokens * block_end / blocks, activations,
               scratch);
      unit = whole ? to : group * blocks + block_end;
    }
  }

  void one_call(const MatmulPart& part, int64_t panel_begin, int64_t panel_end, int64_t token_begin,
                int64_t token_end, const Converted& activations, std::byte* scratch) const {
    const PackedView& view = part.weight->internal_data().view;
    const MatmulOutput output{part.out + token_begin * part.out_stride, part.out_stride, part.bias,
                              part.accumulate};
    const int64_t tokens = token_end - token_begin;
    switch (kind_of(context_, *part.weight)) {
      case Kind::kInt8:
        return context_.table.matmul_fast({&view,
                                           from_token(activations.int8, token_begin, columns_),
                                           tokens, panel_begin, panel_end, output, scratch});
      case Kind::kBf16:
        return context_.table.matmul_bf16({&view, activations.bf16 + token_begin * bf16_stride(),
                                           bf16_stride(), tokens, panel_begin, panel_end, output});
      case Kind::kFloat:
        break;
    }
    context_.table.matmul_exact({&view, input_.x + token_begin * input_.x_stride, input_.x_stride,
                                 tokens, panel_begin, panel_end, output, scratch});
  }

  const KernelContext& context_;
  const MatmulInput& input_;
  std::span<const MatmulPart> parts_;
  int64_t columns_;
  ActivationLayout layout_;
  Plan plan_;
};

// A strip of a dequantised weight, [rows][columns]: deep enough that outputs are seldom loaded and
// stored again, small enough for the first cache.
constexpr int64_t kStripColumns = 32;  // a multiple of every block a dequantised panel needs
constexpr int64_t kStripPanels = 16;

// Panels [begin, end) of 16 rows, columns from `column` on, as rows.
void dequantize_strip(const KernelTable& table, const PackedView& w, int64_t begin, int64_t end,
                      int64_t column, int64_t width, float* rows) {
  float lanes[kStripColumns * kPanelRows];
  for (int64_t panel = begin; panel < end; ++panel) {
    table.dequantize_panel(w, panel, column, column + width, lanes);
    float* to = rows + (panel - begin) * kPanelRows * kStripColumns;
    for (int64_t lane = 0; lane < kPanelRows; ++lane) {
      for (int64_t k = 0; k < width; ++k) {
        to[lane * kStripColumns + k] = lanes[k * kPanelRows + lane];
      }
    }
  }
}

struct Transposed {
  const float* y;
  int64_t tokens;
  int64_t y_stride;
  float* out;
  int64_t out_stride;
  bool accumulate;
};

// out[:, column ..] of one thread: strips in order, so that every output adds its rows in order.
void transposed_columns(const KernelContext& context, const Transposed& t, const PackedView& w,
                        int64_t column, float* rows) {
  const int64_t width = std::min(kStripColumns, w.columns - column);
  for (int64_t panel = 0; panel < w.panels; panel += kStripPanels) {
    const int64_t end = std::min(w.panels, panel + kStripPanels), first = panel * kPanelRows;
    dequantize_strip(context.table, w, panel, end, column, width, rows);
    context.table.gemm(
        {t.y + first, t.y_stride, 1, rows, kStripColumns, t.out + column, t.out_stride, t.tokens,
         width, std::min((end - panel) * kPanelRows, w.rows - first), t.accumulate || panel > 0});
  }
}

}  // namespace

void matmul(const KernelContext& context, const MatmulInput& input,
            std::span<const MatmulPart> parts) {
  if (parts.empty() || input.tokens == 0) return;
  Matmul(context, input, parts).run();
}

void matmul_transposed(const KernelContext& context, const float* y, int64_t tokens,
                       int64_t y_stride, const PackedMatrix& weight, float* out, int64_t out_stride,
                       bool accumulate) {
  const PackedView& w = weight.internal_data().view;
  const Transposed work{y, tokens, y_stride, out, out_stride, accumulate};
  constexpr size_t kBytes = kStripPanels * kPanelRows * kStripColumns * sizeof(float);
  ThreadPool& pool = context.pool;
  for (int t = 0; t < pool.size(); ++t) pool.scratch(t, kBytes);
  const int64_t strips = (w.columns + kStripColumns - 1) / kStripColumns;
  pool.parallel_for(strips, 1, [&](int64_t begin, int64_t end, int thread) {
    auto* rows = reinterpret_cast<float*>(pool.scratch(thread, kBytes));
    for (int64_t strip = begin; strip < end; ++strip) {
      transposed_columns(context, work, w, strip * kStripColumns, rows);
    }
  });
}

}  // namespace ondol
