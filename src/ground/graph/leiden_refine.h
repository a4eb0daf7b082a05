// The second step of Leiden: within every community, nodes merge into well-connected parts.
// Internal to this folder.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "ground/graph/network.h"

namespace ondol::ground::graph {

// The part of every node; parts lie within communities (numbered 0 .. communities - 1) and are
// connected. gamma is resolution / 2m; theta as LeidenOptions, in units of weight.
std::vector<int32_t> refine(const Network& network, std::span<const int32_t> community,
                            int32_t communities, double gamma, double theta, Rng& rng);

}  // namespace ondol::ground::graph
