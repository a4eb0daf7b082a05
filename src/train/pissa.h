// The principal part of a weight as a pair of thin matrices: where PiSSA begins.
//
//   PrincipalPair p = principal_pair(kernel, weight, {.rank = 16});
//   // weight is about (p.down * p.up)^T, as near as rank 16 comes
//
// Randomised subspace iteration (Halko, Martinsson, Tropp, "Finding structure with randomness",
// 2011, algorithms 4.4 and 5.1) on the weight as it is dequantised. The same bits for every thread
// count.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "tensor/tensor.h"

namespace ondol::train {

struct PrincipalOptions {
  int64_t rank = 16;
  int64_t iterations = 16;  // more: nearer to the exact singular vectors
  uint64_t seed = 42;
  uint64_t stream = 0;  // another start for every weight
};

// With W = U S V^T: the square root of S goes to either side. The largest number of a column of
// `down` is positive.
struct PrincipalPair {
  Tensor down;  // [K, r]: V sqrt(S)
  Tensor up;    // [r, N]: sqrt(S) U^T
};

// Memory: the weight in f32 for the time of the call.
PrincipalPair principal_pair(const KernelContext& kernel, const PackedMatrix& weight,
                             const PrincipalOptions& options);

}  // namespace ondol::train
