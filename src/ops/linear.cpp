#include "ops/linear.h"

#include <algorithm>
#include <array>

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/tape.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

constexpr size_t kPartsMax = 4;  // query, key, value and one to spare

bool has_bias(const LinearPart& part) { return part.bias != nullptr && part.bias->defined(); }

void check_adapters(const Tensor& x, const LinearPart& part) {
  for (const LowRankRows& rows : part.adapters) {
    const LowRank& pair = *rows.adapter;
    if (rows.row_begin < 0 || rows.row_end < rows.row_begin || rows.row_end > x.dim(0)) {
      fail_check("linear", "rows of an adapter",
                 std::to_string(rows.row_begin) + " to " + std::to_string(rows.row_end),
                 "within the batch of " + std::to_string(x.dim(0)));
    }
    expect_f32("linear", "down matrix of an adapter", pair.down, {x.dim(1), -1});
    expect_f32("linear", "up matrix of an adapter", pair.up,
               {pair.down.dim(1), part.weight->rows()});
  }
}

void check_part(const Context& context, const Tensor& x, const LinearPart& part) {
  check_adapters(x, part);
  expect_equal("linear", "columns of the weight against the input's width", part.weight->columns(),
               x.dim(1));
  if (has_bias(part)) expect_f32("linear", "bias", *part.bias, {part.weight->rows()});
  if (part.accumulate) {
    expect_f32("linear", "output to add to", *part.out, {x.dim(0), part.weight->rows()});
  } else {
    prepare_output(context, *part.out, {x.dim(0), part.weight->rows()});
  }
}

void compose(const Tensor& x, const LinearPart& part) {
  const int64_t tokens = x.dim(0), inputs = x.dim(1), outputs = part.weight->rows();
  std::vector<float> weight(static_cast<size_t>(outputs * inputs));
  part.weight->dequantize(0, outputs, 0, inputs, weight.data(), inputs);
  std::vector<float> product(static_cast<size_t>(tokens * outputs));
  reference::matmul_transposed_weight<float>({x.data(), static_cast<size_t>(tokens * inputs)},
                                             weight, tokens, outputs, inputs, product);
  if (has_bias(part)) {
    reference::add_rows<float>({part.bias->data(), static_cast<size_t>(outputs)}, product);
  }
  const std::span<float> out(part.out->data(), product.size());
  if (part.accumulate) {
    reference::add<float>(product, out);
  } else {
    std::ranges::copy(product, out.begin());
  }
}

// out[rows] += (scale * x[rows] * down) * up; returns the inner factor [rows, r].
Tensor add_low_rank(const Context& context, const Tensor& x, const LowRankRows& rows, Tensor& out) {
  const LowRank& pair = *rows.adapter;
  const int64_t count = rows.row_end - rows.row_begin, rank = pair.down.dim(1), inputs = x.dim(1);
  Tensor inner = Tensor::zeros(DType::kF32, {count, rank});
  const KernelContext kernel = context.kernel();
  gemm(kernel, {x.data() + rows.row_begin * inputs, inputs, 1, pair.down.data(), rank, inner.data(),
                rank, count, rank, inputs});
  float* values = inner.data();
  for (int64_t i = 0; i < count * rank; ++i) values[i] *= pair.scale;
  const int64_t outputs = out.dim(1);
  gemm(kernel, {inner.data(), rank, 1, pair.up.data(), outputs,
                out.data() + rows.row_begin * outputs, outputs, count, outputs, rank, true});
  return inner;
}

// Under a tape a residual stream gets new storage: its former state may be needed.
void set_apart(const Context& context, std::span<const LinearPart> parts,
               std::array<Tape::Value, kPartsMax>& before) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].accumulate) continue;
    Tensor& out = *parts[i].out;
    const Tensor old = out;
    before[i] = context.tape->value_of(old);
    prepare_output(context, out, old.shape());
    std::copy_n(old.data(), old.size(), out.data());
  }
}

Tensor transposed(const Tensor& matrix) {
  const int64_t rows = matrix.dim(0), columns = matrix.dim(1);
  Tensor out = Tensor::zeros(DType::kF32, {columns, rows});
  const float* from = matrix.data();
  float* to = out.data();
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
  return out;
}

struct SavedLowRank {
  LowRankRows rows;
  LowRank pair;
  Tensor inner;  // scale * x * down
  Tape::Value down, up;
};

// One part's way back. Zero values: not wanted.
struct SavedPart {
  const PackedMatrix* weight;
  Tape::Value out, before, weight_value, bias;
  std::vector<SavedLowRank> adapters;

  bool needs_input() const {
    return weight_value || std::ranges::any_of(adapters, [](const auto& a) { return a.down != 0; });
  }
};

struct SavedInput {
  Shape shape;
  Tape::Value value;
  Tape::Recipe recipe;  // null: no gradient of a weight is wanted
};

// What the steps of one group share.
struct Way {
  const Context& context;
  const SavedInput& input;
  Tensor x;   // as needed
  Tensor dx;  // the gradient of x to add to, or undefined

  int64_t inputs() const { return input.shape[1]; }
};

void low_rank_backward(Way& way, const SavedLowRank& low, const Tensor& dout) {
  Tape& tape = *way.context.tape;
  const KernelContext kernel = way.context.kernel();
  const int64_t count = low.rows.row_end - low.rows.row_begin, rank = low.pair.down.dim(1);
  const int64_t inputs = way.inputs(), outputs = low.pair.up.dim(1);
  const float* dy = dout.data() + low.rows.row_begin * outputs;
  if (low.up) {
    Tensor& dup = tape.sum(low.up, low.pair.up.shape());
    gemm(kernel,
         {low.inner.data(), 1, rank, dy, outputs, dup.data(), outputs, rank, outputs, count, true});
  }
  Tensor dinner = Tensor::zeros(DType::kF32, {count, rank});
  const Tensor up = transposed(low.pair.up);
  gemm(kernel, {dy, outputs, 1, up.data(), rank, dinner.data(), rank, count, rank, outputs});
  for (int64_t i = 0; i < dinner.size(); ++i) dinner.data()[i] *= low.pair.scale;
  const int64_t x_at = low.rows.row_begin * inputs;
  if (low.down) {
    Tensor& ddown = tape.sum(low.down, low.pair.down.shape());
    gemm(kernel, {way.x.data() + x_at, 1, inputs, dinner.data(), rank, ddown.data(), rank, inputs,
                  rank, count, true});
  }
  if (way.dx.defined()) {
    const Tensor down = transposed(low.pair.down);
    gemm(kernel, {dinner.data(), rank, 1, down.data(), inputs, way.dx.data() + x_at, inputs, count,
                  inputs, rank, true});
  }
}

void part_backward(Way& way, const SavedPart& part) {
  Tape& tape = *way.context.tape;
  Tensor dout = tape.take(part.out);
  if (!dout.defined()) return;
  const KernelContext kernel = way.context.kernel();
  const int64_t tokens = dout.dim(0), outputs = dout.dim(1), inputs = way.inputs();
  if (way.dx.defined()) tape.input_gradient(kernel, dout, *part.weight, way.dx);
  for (const SavedLowRank& low : part.adapters) low_rank_backward(way, low, dout);
  if (part.weight_value) {
    Tensor& dw = tape.sum(part.weight_value, {outputs, inputs});
    gemm(kernel, {dout.data(), 1, outputs, way.x.data(), inputs, dw.data(), inputs, outputs, inputs,
                  tokens, true});
  }
  if (part.bias) {
    Tensor& db = tape.sum(part.bias, {outputs});
    for (int64_t t = 0; t < tokens; ++t) {
      ondol::add(kernel, dout.data() + t * outputs, outputs, db.data());
    }
  }
  if (part.before) tape.add(part.before, std::move(dout));
}

SavedPart saved_part(Tape& tape, const LinearPart& part, Tape::Value before,
                     std::vector<Tensor> inner) {
  SavedPart saved{part.weight,
                  0,
                  before,
                  tape.value_of(*part.weight),
                  has_bias(part) ? tape.value_of(*part.bias) : 0,
                  {}};
  for (size_t i = 0; i < part.adapters.size(); ++i) {
    const LowRank& pair = *part.adapters[i].adapter;
    saved.adapters.push_back({part.adapters[i], pair, std::move(inner[i]), tape.value_of(pair.down),
                              tape.value_of(pair.up)});
  }
  return saved;
}

void record(const Context& context, const Tensor& x, std::span<const LinearPart> parts,
            std::vector<SavedPart> saved) {
  Tape& tape = *context.tape;
  SavedInput input{x.shape(), tape.value_of(x), nullptr};
  bool any = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    SavedPart& part = saved[i];
    const bool adapted = std::ranges::any_of(
        part.adapters, [](const SavedLowRank& low) { return low.down || low.up; });
    if (!input.value && !part.before && !part.weight_value && !part.bias && !adapted) continue;
    part.out = tape.define(*parts[i].out);
    any = true;
    if (part.needs_input() && !input.recipe) input.recipe = tape.recipe_of(x);
  }
  if (!any) return;
  tape.record([context, input = std::move(input), saved = std::move(saved)] {
    Way way{context, input, input.recipe ? input.recipe() : Tensor(), {}};
    if (input.value) way.dx = context.tape->sum(input.value, input.shape);
    for (const SavedPart& part : saved) part_backward(way, part);
  });
}

}  // namespace

void linear(const Context& context, const Tensor& x, std::span<const LinearPart> parts) {
  expect_f32("linear", "input", x, {-1, -1});
  if (parts.size() > kPartsMax) {
    fail_check("linear", "parts of one group", std::to_string(parts.size()),
               "at most " + std::to_string(kPartsMax));
  }
  for (const LinearPart& part : parts) check_part(context, x, part);
  const ProfileScope scope(context.profile, "linear", [&] { return linear_work(x, parts); });
  std::array<Tape::Value, kPartsMax> before{};
  if (context.tape) set_apart(context, parts, before);
  if (context.form == Form::kComposed) {
    for (const LinearPart& part : parts) compose(x, part);
  } else {
    std::array<MatmulPart, kPartsMax> kernel_parts;
    for (size_t i = 0; i < parts.size(); ++i) {
      const LinearPart& part = parts[i];
      kernel_parts[i] = {part.weight, has_bias(part) ? part.bias->data() : nullptr,
                         part.out->data(), part.weight->rows(), part.accumulate};
    }
    matmul(context.kernel(), {x.data(), x.dim(0), x.dim(1)},
           std::span(kernel_parts).first(parts.size()));
  }
  std::vector<SavedPart> saved;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::vector<Tensor> inner;
    for (const LowRankRows& rows : parts[i].adapters) {
      inner.push_back(add_low_rank(context, x, rows, *parts[i].out));
    }
    if (context.tape) {
      saved.push_back(saved_part(*context.tape, parts[i], before[i], std::move(inner)));
    }
  }
  if (context.tape) record(context, x, parts, std::move(saved));
}

void linear_rows(const Context& context, const Tensor& x, const PackedMatrix& weight,
                 std::span<const int32_t> rows, std::span<float> out) {
  expect_f32("linear_rows", "input", x, {1, weight.columns()});
  expect_equal("linear_rows", "entries of the output", static_cast<int64_t>(out.size()),
               weight.rows());
  if (!std::is_sorted(rows.begin(), rows.end()) ||
      (!rows.empty() && (rows.front() < 0 || rows.back() >= weight.rows()))) {
    fail_check("linear_rows", "rows",
               std::to_string(rows.front()) + " to " + std::to_string(rows.back()),
               "ascending ones below " + std::to_string(weight.rows()));
  }
  if (context.form == Form::kFused) {
    return matmul_rows(context.kernel(), x.data(), weight, rows, out.data());
  }
  std::vector<float> row(static_cast<size_t>(weight.columns()));
  for (const int32_t r : rows) {
    weight.dequantize(r, r + 1, 0, weight.columns(), row.data(), weight.columns());
    reference::matmul_transposed_weight<float>({x.data(), row.size()}, row, 1, 1, weight.columns(),
                                               out.subspan(static_cast<size_t>(r), 1));
  }
}

}  // namespace ondol::ops
