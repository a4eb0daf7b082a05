#include "ops/embed.h"

#include "ops/check.h"
#include "ops/tape.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

// Rows of one id are added in the order of the tokens.
void record_embed(const Context& context, const PackedMatrix& table, std::span<const int32_t> ids,
                  const Tensor& out) {
  Tape& tape = *context.tape;
  const Tape::Value weight = tape.value_of(table);
  if (weight == 0) return;
  const Tape::Value y = tape.define(out);
  const Shape shape{table.rows(), table.columns()};
  tape.record([&tape, weight, y, shape, own = std::vector<int32_t>(ids.begin(), ids.end())] {
    const Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    Tensor& dw = tape.sum(weight, shape);
    for (size_t t = 0; t < own.size(); ++t) {
      const std::span<const float> from = dy.row(static_cast<int64_t>(t));
      const std::span<float> to = dw.row(own[t]);
      for (size_t e = 0; e < to.size(); ++e) to[e] += from[e];
    }
  });
}

}  // namespace

void embed(const Context& context, const PackedMatrix& table, std::span<const int32_t> ids,
           Tensor& out) {
  for (int32_t id : ids) {
    if (id < 0 || id >= table.rows()) {
      fail_check("embed", "token id outside the table", std::to_string(id),
                 "0 to " + std::to_string(table.rows() - 1));
    }
  }
  const ProfileScope scope(context.profile, "embed", [&] { return rows_work(out); });
  prepare_output(context, out, {static_cast<int64_t>(ids.size()), table.columns()});
  if (context.form == Form::kFused) {
    gather_rows(context.kernel(), table, ids, out.data());
  } else {
    for (size_t t = 0; t < ids.size(); ++t) {
      table.dequantize(ids[t], ids[t] + 1, 0, table.columns(),
                       out.row(static_cast<int64_t>(t)).data(), table.columns());
    }
  }
  if (context.tape) record_embed(context, table, ids, out);
}

}  // namespace ondol::ops
