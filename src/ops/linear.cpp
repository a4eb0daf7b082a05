#include "ops/linear.h"

#include <algorithm>
#include <array>

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/saved.h"
#include "ops/tape.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

constexpr size_t kPartsMax = 4;  // query, key, value and one to spare

bool has_bias(const LinearPart& part) { return part.bias != nullptr && part.bias->defined(); }

bool has_magnitude(const LowRankRows& rows) { return rows.adapter->magnitude.defined(); }

void check_adapters(const Tensor& x, const LinearPart& part) {
  for (const LowRankRows& rows : part.adapters) {
    check_low_rank(x, part.weight->rows(), rows);
    if (!has_magnitude(rows)) continue;
    for (const LowRankRows& other : part.adapters) {
      const bool apart = other.row_end <= rows.row_begin || rows.row_end <= other.row_begin;
      if (&other != &rows && !apart) {
        fail_check("linear", "adapters on the rows of one with magnitudes", "another", "none");
      }
    }
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

// One product of some rows, to where `out` points.
struct Product {
  const PackedMatrix* weight;
  const float* bias;  // null: none
  float* out;
  bool accumulate;
};

void compose(const Product& part, const float* x, int64_t tokens) {
  const int64_t inputs = part.weight->columns(), outputs = part.weight->rows();
  std::vector<float> weight(static_cast<size_t>(outputs * inputs));
  part.weight->dequantize(0, outputs, 0, inputs, weight.data(), inputs);
  std::vector<float> product(static_cast<size_t>(tokens * outputs));
  reference::matmul_transposed_weight<float>({x, static_cast<size_t>(tokens * inputs)}, weight,
                                             tokens, outputs, inputs, product);
  if (part.bias) {
    reference::add_rows<float>({part.bias, static_cast<size_t>(outputs)}, product);
  }
  const std::span<float> out(part.out, product.size());
  if (part.accumulate) {
    reference::add<float>(product, out);
  } else {
    std::ranges::copy(product, out.begin());
  }
}

void multiply(const Context& context, const float* x, int64_t tokens, int64_t inputs,
              std::span<const Product> parts) {
  if (context.form == Form::kComposed) {
    for (const Product& part : parts) compose(part, x, tokens);
    return;
  }
  std::array<MatmulPart, kPartsMax> kernel_parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Product& part = parts[i];
    kernel_parts[i] = {part.weight, part.bias, part.out, part.weight->rows(), part.accumulate};
  }
  matmul(context.kernel(), {x, tokens, inputs}, std::span(kernel_parts).first(parts.size()));
}

// The sums of rows with magnitudes, before these scale them.
struct ScaledSum {
  const LowRankRows* rows;
  Tensor sum;  // [count, N]
};
using ScaledSums = std::array<std::vector<ScaledSum>, kPartsMax>;

// Makes the sums, empty, and says where rows with magnitudes begin and end.
std::vector<int64_t> begin_sums(std::span<const LinearPart> parts, ScaledSums& sums) {
  std::vector<int64_t> cuts;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const LowRankRows& rows : parts[i].adapters) {
      if (!has_magnitude(rows) || rows.row_begin == rows.row_end) continue;
      cuts.push_back(rows.row_begin);
      cuts.push_back(rows.row_end);
      const int64_t count = rows.row_end - rows.row_begin;
      sums[i].push_back({&rows, Tensor::zeros(DType::kF32, {count, parts[i].weight->rows()})});
    }
  }
  return cuts;
}

// The products of all rows. Those with magnitudes stand alone in `sums` (no bias, added to
// nothing), so the batch is cut where such rows begin and end; a row's bits do not depend on it.
void multiply_rows(const Context& context, const Tensor& x, std::span<const LinearPart> parts,
                   ScaledSums& sums) {
  const int64_t inputs = x.dim(1);
  std::array<Product, kPartsMax> products;
  const auto multiply_between = [&](int64_t begin, int64_t end) {
    for (size_t i = 0; i < parts.size(); ++i) {
      const LinearPart& part = parts[i];
      const int64_t outputs = part.weight->rows();
      products[i] = {part.weight, has_bias(part) ? part.bias->data() : nullptr,
                     part.out->data() + begin * outputs, part.accumulate};
      for (ScaledSum& scaled : sums[i]) {
        const int64_t first = scaled.rows->row_begin;
        if (begin < first || begin >= scaled.rows->row_end) continue;
        products[i] = {part.weight, nullptr, scaled.sum.data() + (begin - first) * outputs, false};
      }
    }
    multiply(context, x.data() + begin * inputs, end - begin, inputs,
             std::span(products).first(parts.size()));
  };
  std::vector<int64_t> cuts = begin_sums(parts, sums);
  if (cuts.empty()) return multiply_between(0, x.dim(0));
  cuts.insert(cuts.end(), {0, x.dim(0)});
  std::ranges::sort(cuts);
  const auto rest = std::ranges::unique(cuts);
  cuts.erase(rest.begin(), rest.end());
  for (size_t c = 0; c + 1 < cuts.size(); ++c) multiply_between(cuts[c], cuts[c + 1]);
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

// The way back of rows with magnitudes. `lengths` and `magnitude` of the pair as they were.
struct SavedMagnitude {
  LowRankRows rows;
  LowRank pair;
  Saved sum;
  Tape::Value value;  // of the magnitudes
};

// One part's way back. Zero values: not wanted.
struct SavedPart {
  const PackedMatrix* weight;
  Tape::Value out, before, weight_value, bias;
  std::vector<SavedLowRank> adapters;
  std::vector<SavedMagnitude> magnitudes;

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

// The gradient of the sums of weight and adapters: that of the output, scaled where rows have
// magnitudes.
Tensor sum_gradient(const Way& way, const SavedPart& part, const Tensor& dout) {
  if (part.magnitudes.empty()) return dout;
  const KernelContext kernel = way.context.kernel();
  Tensor scaled = Tensor::from({dout.data(), static_cast<size_t>(dout.size())}, dout.shape());
  for (const SavedMagnitude& saved : part.magnitudes) {
    LowRankRows rows = saved.rows;
    rows.adapter = &saved.pair;
    if (saved.value) {
      Tensor& dmagnitude = way.context.tape->sum(saved.value, saved.pair.magnitude.shape());
      magnitude_backward(kernel, rows, saved.sum.get(way.context), dout, dmagnitude);
    }
    scale_gradient(kernel, rows, scaled);
  }
  return scaled;
}

void part_backward(Way& way, const SavedPart& part) {
  Tape& tape = *way.context.tape;
  Tensor dout = tape.take(part.out);
  if (!dout.defined()) return;
  const KernelContext kernel = way.context.kernel();
  const int64_t tokens = dout.dim(0), outputs = dout.dim(1), inputs = way.inputs();
  const Tensor dsum = sum_gradient(way, part, dout);
  if (way.dx.defined()) tape.input_gradient(kernel, dsum, *part.weight, way.dx);
  for (const SavedLowRank& low : part.adapters) {
    low_rank_backward(way.context, low, way.x, dsum, way.dx);
  }
  if (part.weight_value) {
    Tensor& dw = tape.sum(part.weight_value, {outputs, inputs});
    gemm(kernel, {dsum.data(), 1, outputs, way.x.data(), inputs, dw.data(), inputs, outputs, inputs,
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

SavedPart saved_part(const Context& context, const LinearPart& part, Tape::Value before,
                     std::vector<Tensor> inner, const std::vector<ScaledSum>& sums) {
  Tape& tape = *context.tape;
  SavedPart saved{part.weight,
                  0,
                  before,
                  tape.value_of(*part.weight),
                  has_bias(part) ? tape.value_of(*part.bias) : 0,
                  {},
                  {}};
  for (size_t i = 0; i < part.adapters.size(); ++i) {
    const LowRank& pair = *part.adapters[i].adapter;
    saved.adapters.push_back({part.adapters[i], pair, std::move(inner[i]), tape.value_of(pair.down),
                              tape.value_of(pair.up)});
  }
  for (const ScaledSum& scaled : sums) {
    const LowRank& pair = *scaled.rows->adapter;
    saved.magnitudes.push_back(
        {*scaled.rows, pair, Saved(context, scaled.sum), tape.value_of(pair.magnitude)});
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
    const bool adapted =
        std::ranges::any_of(part.adapters,
                            [](const SavedLowRank& low) { return low.down || low.up; }) ||
        std::ranges::any_of(part.magnitudes, [](const SavedMagnitude& m) { return m.value != 0; });
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

// What the adapters of a part add, and its rows with magnitudes; the inner factors of the adapters.
std::vector<Tensor> add_adapters(const Context& context, const Tensor& x, const LinearPart& part,
                                 std::vector<ScaledSum>& sums) {
  std::vector<Tensor> inner;
  for (const LowRankRows& rows : part.adapters) {
    const auto scaled = std::ranges::find(sums, &rows, &ScaledSum::rows);
    Tensor to = scaled == sums.end() ? part.out->rows(rows.row_begin, rows.row_end) : scaled->sum;
    inner.push_back(add_low_rank(context, x, rows, to));
    if (scaled == sums.end()) continue;
    scale_rows(context.kernel(), *rows.adapter, to, has_bias(part) ? part.bias->data() : nullptr,
               part.accumulate, part.out->row(rows.row_begin).data());
  }
  return inner;
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
  ScaledSums sums;
  multiply_rows(context, x, parts, sums);
  std::vector<SavedPart> saved;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::vector<Tensor> inner = add_adapters(context, x, parts[i], sums[i]);
    if (context.tape) {
      saved.push_back(saved_part(context, parts[i], before[i], std::move(inner), sums[i]));
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
