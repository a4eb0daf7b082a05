// Which rows say the same, and a validation set that shares nothing with its training set.
//
//   Dataset validation = split_validation(data, 0.05, seed);   // data keeps the rest
//
// Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "train/dataset.h"

namespace ondol::train {

// SHA-256 of what a row says (with `prompt_only` of what it asks; empty where it asks nothing):
// NFKC, case folded, white space collapsed.
std::string row_key(const Row& row, bool prompt_only);

// Moves about `share` of the rows, at least one, into the result. Rows that ask the same (or say
// the same, where nothing is asked) stay together, so no question of the result is in what is left.
// Which rows go depends on seed and texts, not on their order; both keep the order of the file.
// Throws Error(kInvalidArgument) for a share outside (0, 1) and for rows that cannot be divided.
Dataset split_validation(Dataset& data, double share, uint64_t seed);

}  // namespace ondol::train
