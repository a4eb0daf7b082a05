// Names that mean nearly the same: what no spelling shows ("lorry depot", "truck yard"). Only
// proposed, for a person to look at: nearness of vectors is no proof.
//
//   std::vector<store::Merge> pairs = near_names(g, store->merges(shelf), embedder, {}, progress);
#pragma once

#include <span>
#include <vector>

#include "base/progress.h"
#include "ground/entity_resolution.h"
#include "infer/embedder.h"

namespace ondol::ground {

struct NeighbourOptions {
  double cosine_min = 0.80;
  size_t nearest = 5;  // looked at of each name
  size_t pairs_max = 200;
};

// Nearest first, by the embedder's cosine (the score), method "meaning". Left out: names in letters
// that the embedder does not read, of different classes, that differ in a number, hubs, pairs that
// a person took apart, and what the graph proposes already.
std::vector<store::Merge> near_names(const ResolvedGraph& graph, std::span<const store::Merge> log,
                                     Embedder& embedder, const NeighbourOptions& options,
                                     ProgressSink& progress);

}  // namespace ondol::ground
