// The states of the tokens of a ragged batch, from a decoder or an encoder, under a tape or not:
// what every loss here begins with. Sequences attend to themselves only.
#pragma once

#include <span>

#include "models/model.h"
#include "ops/context.h"

namespace ondol::train {

// ids[T], begins[S + 1] from 0 to T -> [T, D]. `adapter` may be null; `noise` as in
// SequenceBatch.
Tensor token_states(const Model& model, const ops::Context& context,
                    std::span<const text::TokenId> ids, std::span<const int64_t> begins,
                    const Adapter* adapter, const TrainingNoise& noise = {});

}  // namespace ondol::train
