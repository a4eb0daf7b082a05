// The relative positions of T5 (Raffel et al., "Exploring the limits of transfer learning with a
// unified text-to-text transformer", 2020): how far a key stands from its query chooses a bucket,
// and every head adds a learned number of that bucket to its score. One table serves all layers.
//
//   Tensor bias;   // [H, rows, keys]
//   relative_bias(context, table, {.rows = 5, .keys = 5, .both_sides = true}, bias);
#pragma once

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

struct RelativePositions {
  int64_t rows = 0;
  int64_t keys = 0;
  int64_t first_position = 0;  // of row 0; keys begin at 0
  bool both_sides = false;     // half of the buckets for keys behind the query; else they share 0
  int64_t distance_max = 128;  // from here on all distances have one bucket
};

// The bucket of `distance` = key - query: one each for the nearest distances, then logarithmic
// ones. `buckets` at least 4 with both_sides, else 2; distance_max above the number of near ones.
int64_t relative_bucket(int64_t distance, int64_t buckets, const RelativePositions& positions);

// table[buckets, H] -> out[H, rows, keys]
void relative_bias(const Context& context, const PackedMatrix& table,
                   const RelativePositions& positions, Tensor& out);

}  // namespace ondol::ops
