#include "ops/pool.h"

#include <cmath>
#include <vector>

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/tape.h"

namespace ondol::ops {
namespace {

using reference::dot;

struct Rows {
  int64_t begin, end;
};

// The rows of a sequence that its vector is the mean of.
Rows pooled(std::span<const int64_t> begins, size_t s, Pooling pooling) {
  const Rows all{begins[s], begins[s + 1]};
  if (pooling == Pooling::kCls) return {all.begin, all.begin + 1};
  if (pooling == Pooling::kLast) return {all.end - 1, all.end};
  return all;
}

void check_begins(const Tensor& states, std::span<const int64_t> begins) {
  bool ascending = begins.size() >= 2 && begins.front() == 0 && begins.back() == states.dim(0);
  for (size_t s = 1; s < begins.size(); ++s) ascending = ascending && begins[s - 1] < begins[s];
  if (!ascending) {
    fail_check("pool", "begins of " + std::to_string(begins.size()) + " entries",
               "no ascending ones from 0",
               "sequences of at least one token up to " + std::to_string(states.dim(0)));
  }
}

}  // namespace

void pool(const Context& context, const Tensor& states, std::span<const int64_t> begins,
          Pooling pooling, Tensor& out) {
  expect_f32("pool", "states", states, {-1, -1});
  check_begins(states, begins);
  const auto count = static_cast<int64_t>(begins.size()) - 1, width = states.dim(1);
  prepare_output(context, out, {count, width});
  std::vector<double> sum;
  for (int64_t s = 0; s < count; ++s) {
    const Rows rows = pooled(begins, static_cast<size_t>(s), pooling);
    sum.assign(static_cast<size_t>(width), 0.0);
    for (int64_t t = rows.begin; t < rows.end; ++t) {
      const std::span<const float> row = states.row(t);
      for (size_t d = 0; d < sum.size(); ++d) sum[d] += row[d];
    }
    const double scale = 1.0 / static_cast<double>(rows.end - rows.begin);
    const std::span<float> to = out.row(s);
    for (size_t d = 0; d < sum.size(); ++d) to[d] = static_cast<float>(sum[d] * scale);
  }
  if (!context.tape) return;
  Tape& tape = *context.tape;
  const Tape::Value x = tape.value_of(states);
  if (x == 0) return;
  const Tape::Value y = tape.define(out);
  tape.record([&tape, x, y, pooling, shape = states.shape(),
               own = std::vector<int64_t>(begins.begin(), begins.end())] {
    const Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    Tensor& dx = tape.sum(x, shape);
    for (size_t s = 0; s + 1 < own.size(); ++s) {
      const Rows rows = pooled(own, s, pooling);
      const auto scale = static_cast<float>(1.0 / static_cast<double>(rows.end - rows.begin));
      const std::span<const float> from = dy.row(static_cast<int64_t>(s));
      for (int64_t t = rows.begin; t < rows.end; ++t) {
        const std::span<float> to = dx.row(t);
        for (size_t d = 0; d < to.size(); ++d) to[d] += scale * from[d];
      }
    }
  });
}

void normalize_rows(const Context& context, const Tensor& x, Tensor& out) {
  expect_f32("normalize_rows", "input", x, {-1, -1});
  const Tensor from = x;  // `out` may be x
  prepare_output(context, out, from.shape());
  std::vector<double> norms;
  for (int64_t s = 0; s < from.dim(0); ++s) {
    const std::span<const float> row = from.row(s);
    const double norm = norms.emplace_back(std::sqrt(dot(row, row)));
    const std::span<float> to = out.row(s);
    for (size_t d = 0; d < to.size(); ++d) {
      to[d] = norm > 0 ? static_cast<float>(row[d] / norm) : 0.0F;
    }
  }
  if (!context.tape) return;
  Tape& tape = *context.tape;
  const Tape::Value before = tape.value_of(from);
  if (before == 0) return;
  const Tape::Value y = tape.define(out);
  // d(x / |x|) = (dy - u (u . dy)) / |x| with u = x / |x|
  tape.record([&tape, before, y, unit = out, norms = std::move(norms)] {
    const Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    Tensor& dx = tape.sum(before, unit.shape());
    for (int64_t s = 0; s < unit.dim(0); ++s) {
      const double norm = norms[static_cast<size_t>(s)];
      if (!(norm > 0)) continue;
      const std::span<const float> u = unit.row(s), g = dy.row(s);
      const double along = dot(u, g);
      const std::span<float> to = dx.row(s);
      for (size_t d = 0; d < to.size(); ++d) {
        to[d] += static_cast<float>((g[d] - u[d] * along) / norm);
      }
    }
  });
}

}  // namespace ondol::ops
