// A matrix that training adds to a model: a head. In f32, with the master copy that the optimizer
// changes.
#pragma once

#include <cstdint>
#include <string>

#include "train/parameter.h"

namespace ondol::train {

struct TrainedMatrix {
  PackedMatrix matrix;  // [N, K], what products read
  Tensor value;         // its master
  // Normal with deviation 0.02, as Hugging Face begins new heads; a function of seed and stream.
  TrainedMatrix(int64_t rows, int64_t columns, uint64_t seed, uint64_t stream, ThreadPool& pool);
  // Refers to this, which must not move afterwards.
  Parameter parameter(std::string name) {
    return {.name = std::move(name), .value = value, .packed = &matrix};
  }
};

}  // namespace ondol::train
