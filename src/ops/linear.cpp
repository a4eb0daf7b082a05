#include "ops/linear.h"

#include <algorithm>
#include <array>

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

constexpr size_t kPartsMax = 4;  // query, key, value and one to spare

bool has_bias(const LinearPart& part) { return part.bias != nullptr && part.bias->defined(); }

void check_part(const Tensor& x, const LinearPart& part) {
  expect_equal("linear", "columns of the weight against the input's width", part.weight->columns(),
               x.dim(1));
  if (has_bias(part)) expect_f32("linear", "bias", *part.bias, {part.weight->rows()});
  if (part.accumulate) {
    expect_f32("linear", "output to add to", *part.out, {x.dim(0), part.weight->rows()});
  } else {
    prepare_output(*part.out, {x.dim(0), part.weight->rows()});
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

}  // namespace

void linear(const Context& context, const Tensor& x, std::span<const LinearPart> parts) {
  expect_f32("linear", "input", x, {-1, -1});
  if (parts.size() > kPartsMax) {
    fail_check("linear", "parts of one group", std::to_string(parts.size()),
               "at most " + std::to_string(kPartsMax));
  }
  for (const LinearPart& part : parts) check_part(x, part);
  const ProfileScope scope(context.profile, "linear", [&] { return linear_work(x, parts); });
  if (context.form == Form::kComposed) {
    for (const LinearPart& part : parts) compose(x, part);
    return;
  }
  std::array<MatmulPart, kPartsMax> kernel_parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const LinearPart& part = parts[i];
    kernel_parts[i] = {part.weight, has_bias(part) ? part.bias->data() : nullptr, part.out->data(),
                       part.weight->rows(), part.accumulate};
  }
  matmul(context.kernel(), {x.data(), x.dim(0), x.dim(1)},
         std::span(kernel_parts).first(parts.size()));
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
