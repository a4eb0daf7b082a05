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

bool uses_fast(const KernelContext& context, const PackedMatrix& weight) {
  return context.precision == Precision::kFast && !is_float(weight.dtype());
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

// One allocation that holds `copies` sets of quantised activations.
class ActivationArena {
 public:
  ActivationArena(int64_t tokens, int64_t columns, int64_t copies, const bool* starts)
      : tokens_(tokens), columns_(columns) {
    const int64_t cells = tokens * (columns / kBlock);
    for (int kind = 0; kind < kStartKinds; ++kind) starts_[kind] = starts[kind];
    bytes_ = tokens * columns + 12 * cells;
    for (int kind = 0; kind < kStartKinds; ++kind) bytes_ += starts[kind] ? start_bytes(kind) : 0;
    bytes_ = (bytes_ + 127) / 64 * 64;
    memory_ = allocate_aligned(bytes_ * copies);
  }

  Activations at(int64_t copy) const {
    const int64_t cells = tokens_ * (columns_ / kBlock);
    std::byte* next = memory_.get() + copy * bytes_;
    const auto take = [&](int64_t bytes) { return std::exchange(next, next + bytes); };
    Activations a{};
    a.codes = reinterpret_cast<int8_t*>(take(tokens_ * columns_));
    a.scale = reinterpret_cast<float*>(take(4 * cells));
    a.sum = reinterpret_cast<float*>(take(4 * cells));
    a.scaled_sum = reinterpret_cast<float*>(take(4 * cells));
    for (int kind = 0; kind < kStartKinds; ++kind) {
      if (starts_[kind]) a.starts[kind] = reinterpret_cast<int32_t*>(take(start_bytes(kind)));
    }
    return a;
  }

 private:
  int64_t start_bytes(int kind) const {
    return tokens_ * (columns_ / kBlock) * (kind == kStart32Halves ? 8 : 4);
  }
  int64_t tokens_;
  int64_t columns_;
  bool starts_[kStartKinds]{};
  int64_t bytes_ = 0;
  AlignedArray<std::byte> memory_;
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
      if (uses_fast(context, *part.weight)) {
        any_fast_ = true;
        const StartKind kind = start_kind(part.weight->dtype());
        if (kind != kStartKinds) starts_[kind] = true;
      }
    }
    plan_ = make_plan(input.tokens, parts, context.pool.size());
  }

  void run() {
    const int threads = context_.pool.size();
    const bool own = input_.tokens <= kSelfQuantized;
    const ActivationArena arena(any_fast_ ? input_.tokens : 0, columns_, own ? threads : 1,
                                starts_);
    scratch_bytes_ = scratch_bytes();
    scratch_ = allocate_aligned(scratch_bytes_ * threads);
    if (any_fast_ && !own) {
      const Activations shared = arena.at(0);
      context_.pool.parallel_for(
          input_.tokens, 1, [&](int64_t begin, int64_t end, int) { quantize(begin, end, shared); });
    }
    context_.pool.parallel_for(
        plan_.units, plan_.grain, [&](int64_t begin, int64_t end, int thread) {
          const Activations activations = arena.at(own ? thread : 0);
          if (any_fast_ && own) quantize(0, input_.tokens, activations);
          run_units(begin, end, activations, scratch_.get() + thread * scratch_bytes_);
        });
  }

 private:
  void quantize(int64_t begin, int64_t end, const Activations& out) const {
    for (int64_t t = begin; t < end; ++t) {
      context_.table.quantize(input_.x + t * input_.x_stride, columns_, t, out);
    }
  }

  int64_t scratch_bytes() const {
    bool wants_floats = false;
    for (const MatmulPart& part : parts_) {
      wants_floats |= part.weight->dtype() != DType::kF32 && !uses_fast(context_, *part.weight);
    }
    return kScratchPanels * columns_ * kPanelRows *
           (wants_floats                     ? 4
            : any_fast_ && input_.tokens > 1 ? 1
                                             : 0);
  }

  // A range of units, part by part; without token blocks a whole run of panels is one call.
  void run_units(int64_t begin, int64_t end, const Activations& activations,
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

  void run_part(const MatmulPart& part, int64_t from, int64_t to, const Activations& activations,
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
                int64_t token_end, const Activations& activations, std::byte* scratch) const {
    const PackedView& view = part.weight->internal_data().view;
    const MatmulOutput output{part.out + token_begin * part.out_stride, part.out_stride, part.bias,
                              part.accumulate};
    const int64_t tokens = token_end - token_begin;
    if (uses_fast(context_, *part.weight)) {
      context_.table.matmul_fast({&view, from_token(activations, token_begin, columns_), tokens,
                                  panel_begin, panel_end, output, scratch});
    } else {
      context_.table.matmul_exact({&view, input_.x + token_begin * input_.x_stride, input_.x_stride,
                                   tokens, panel_begin, panel_end, output, scratch});
    }
  }

  const KernelContext& context_;
  const MatmulInput& input_;
  std::span<const MatmulPart> parts_;
  int64_t columns_;
  bool any_fast_ = false;
  bool starts_[kStartKinds]{};
  Plan plan_;
  int64_t scratch_bytes_ = 0;
  AlignedArray<std::byte> scratch_;
};

constexpr int64_t kTransposedColumns = 128;  // a multiple of every block a dequantised panel needs

// out[:, columns] of one thread: panels in order, so that every output adds its rows in order.
void transposed_columns(const KernelContext& context, const float* y, int64_t tokens,
                        int64_t y_stride, const PackedView& w, int64_t begin, int64_t end,
                        float* out, int64_t out_stride) {
  float lanes[kTransposedColumns * kPanelRows];
  float rows[kPanelRows * kTransposedColumns];
  const int64_t width = end - begin;
  for (int64_t t = 0; t < tokens; ++t) std::fill_n(out + t * out_stride + begin, width, 0.0F);
  for (int64_t panel = 0; panel < w.panels; ++panel) {
    context.table.dequantize_panel(w, panel, begin, end, lanes);
    for (int64_t k = 0; k < width; ++k) {
      for (int64_t lane = 0; lane < kPanelRows; ++lane) {
        rows[lane * kTransposedColumns + k] = lanes[k * kPanelRows + lane];
      }
    }
    const int64_t first = panel * kPanelRows;
    context.table.accumulate_rows(y + first, y_stride, tokens, rows, kTransposedColumns,
                                  std::min(kPanelRows, w.rows - first), width, out + begin,
                                  out_stride);
  }
}

}  // namespace

void matmul(const KernelContext& context, const MatmulInput& input,
            std::span<const MatmulPart> parts) {
  if (parts.empty() || input.tokens == 0) return;
  Matmul(context, input, parts).run();
}

void matmul_transposed(const KernelContext& context, const float* y, int64_t tokens,
                       int64_t y_stride, const PackedMatrix& weight, float* out,
                       int64_t out_stride) {
  const PackedView& w = weight.internal_data().view;
  const int64_t chunks = (w.columns + kTransposedColumns - 1) / kTransposedColumns;
  context.pool.parallel_for(chunks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t first = chunk * kTransposedColumns;
      transposed_columns(context, y, tokens, y_stride, w, first,
                         std::min(w.columns, first + kTransposedColumns), out, out_stride);
    }
  });
}

}  // namespace ondol
