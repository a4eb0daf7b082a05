#include "ops/embed.h"

#include "ops/check.h"
#include "ops/work.h"

namespace ondol::ops {

void embed(const Context& context, const PackedMatrix& table, std::span<const int32_t> ids,
           Tensor& out) {
  for (int32_t id : ids) {
    if (id < 0 || id >= table.rows()) {
      fail_check("embed", "token id outside the table", std::to_string(id),
                 "0 to " + std::to_string(table.rows() - 1));
    }
  }
  const ProfileScope scope(context.profile, "embed", [&] { return rows_work(out); });
  prepare_output(out, {static_cast<int64_t>(ids.size()), table.columns()});
  if (context.form == Form::kFused) {
    gather_rows(context.kernel(), table, ids, out.data());
    return;
  }
  for (size_t t = 0; t < ids.size(); ++t) {
    table.dequantize(ids[t], ids[t] + 1, 0, table.columns(),
                     out.row(static_cast<int64_t>(t)).data(), table.columns());
  }
}

}  // namespace ondol::ops
