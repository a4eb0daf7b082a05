// A part of a forward pass that is computed a second time on the way back, instead of being kept
// (Chen et al., "Training deep nets with sublinear memory cost", 2016).
//
//   ops::recompute(context, Recompute::kLayers, x, [=, this](const Context& own, Tensor& x) {
//     layer(own, *pass, x);            // what it holds lives until the tape has gone back
//   });
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string_view>

#include "ops/context.h"
#include "ops/tape.h"

namespace ondol::ops {

// Least first: what costs least time and saves least memory.
inline constexpr std::array kRecomputeLevels = {Recompute::kOff, Recompute::kAttention,
                                                Recompute::kLayers};
std::string_view recompute_name(Recompute level);  // "off", "attention", "layers"
std::optional<Recompute> recompute_named(std::string_view name);

using Part = std::function<void(const Context&, Tensor&)>;
// recompute() under a tape of its level.
void recompute_part(const Context& context, Tensor& x, const Part& part);

// Runs `part`, which changes the f32 tensor x. Under a tape of this level its insides are not kept:
// x as it was is, and from it the tape records `part` anew when its gradient has arrived. Values
// and gradients have the same bits either way, so `part` has to compute the same both times, chance
// included. Without a tape, and on other levels, this is part(context, x) and no more: inference
// pays nothing for it.
template <class F>
void recompute(const Context& context, Recompute level, Tensor& x, const F& part) {
  if (context.tape == nullptr || context.tape->recompute() != level) {
    part(context, x);
  } else {
    recompute_part(context, x, part);
  }
}

}  // namespace ondol::ops
