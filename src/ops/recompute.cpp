#include "ops/recompute.h"

#include <utility>

namespace ondol::ops {
namespace {

// part(x) on new storage; true when the result depends on something watched. What comes in mostly
// tells already, and then nothing needs a tape. Before the first watched tensor only a tape knows.
bool run(const Context& context, Tensor& x, const Part& part) {
  Tape& tape = *context.tape;
  if (tape.value_of(x) == 0) {
    tape.follow([&] { part(context, x); });
    return tape.value_of(x) != 0;
  }
  Context plain = context;
  plain.tape = nullptr;
  x = Tensor::from({std::as_const(x).data(), static_cast<size_t>(x.size())}, x.shape());
  part(plain, x);
  return true;
}

}  // namespace

std::string_view recompute_name(Recompute level) {
  switch (level) {
    case Recompute::kOff:
      return "off";
    case Recompute::kAttention:
      return "attention";
    case Recompute::kLayers:
      break;
  }
  return "layers";
}

std::optional<Recompute> recompute_named(std::string_view name) {
  for (const Recompute level : kRecomputeLevels) {
    if (recompute_name(level) == name) return level;
  }
  return std::nullopt;
}

void recompute_part(const Context& context, Tensor& x, const Part& part) {
  Tape* tape = context.tape;
  const Tensor before = x;
  const bool wanted = run(context, x, part);
  tape->forget(x);
  if (!wanted) return;
  const Tape::Value y = tape->define(x);
  tape->record([context, before, part, y] {
    Tensor dy = context.tape->take(y);
    if (!dy.defined()) return;
    Tensor again = before;
    context.tape->record_again([&] { part(context, again); });
    const Tape::Value value = context.tape->value_of(again);
    if (value) context.tape->add(value, std::move(dy));
  });
}

}  // namespace ondol::ops
