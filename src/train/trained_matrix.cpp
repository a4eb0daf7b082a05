#include "train/trained_matrix.h"

#include "base/rng.h"

namespace ondol::train {

TrainedMatrix::TrainedMatrix(int64_t rows, int64_t columns, uint64_t seed, uint64_t stream,
                             ThreadPool& pool)
    : value(Tensor::zeros(DType::kF32, {rows, columns})) {
  Rng rng(seed, stream);
  for (int64_t i = 0; i < value.size(); ++i) {
    value.data()[i] = static_cast<float>(0.02 * rng.normal());
  }
  matrix = PackedMatrix::from_floats(DType::kF32, rows, columns, {value.data(), columns, 1}, pool);
}

}  // namespace ondol::train
