// What belongs together in a graph, and what to read about it: communities over the entities, each
// with a digest made of the documents' own sentences. No model.
//
//   const Communities found = find_communities(graph);
//   Digest d = digest(found, graph, texts, /*community=*/0);
//
// The graph of communities has the entities alone, tied by facts and by co-occurrence; hubs are in
// it as nodes without ties, so every entity has a community on every level. Same graph, same
// result.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ground/entity_graph.h"
#include "ground/graph/hierarchy.h"

namespace ondol::ground {

struct CommunityOptions {
  int64_t size_max = 10;  // communities above it are split where Leiden can
  uint64_t seed = 1;
};

struct Communities {
  graph::CommunityTree tree;      // nodes are entities
  std::vector<double> page_rank;  // of every entity, over the same ties
  double modularity = 0;          // of level 0
};

Communities find_communities(const EntityGraph& graph, const CommunityOptions& options = {});

struct DigestOptions {
  size_t entities = 5;
  size_t sentences = 3;
};

struct DigestSentence {
  int32_t passage = 0;
  int64_t char_from = 0;  // code points of the passage's text
  int64_t char_to = 0;
  std::string text;
};

struct Digest {
  std::vector<int32_t> entities;  // the most central first
  std::vector<DigestSentence> sentences;
  std::vector<int32_t> facts;  // within the community, best proved first
};

// Its entities, the most central first.
std::vector<int32_t> central_entities(const Communities& communities, int32_t community);
// Facts with both ends among these entities, best proved first.
std::vector<int32_t> inner_facts(const EntityGraph& graph, std::span<const int32_t> entities);
// The sentences of the passages that name these entities (the `passages_max` that name the most of
// them), those first that hold the most of what the passages have in common.
std::vector<DigestSentence> central_sentences(
    const EntityGraph& graph, std::span<const int32_t> entities,
    const std::function<std::string(int32_t passage)>& text_of, size_t passages_max);

// `text_of` gives a passage's text; it is asked only for passages that name the community's
// entities. Sentences are those that hold the most of what the community's passages have in common
// (terms of the centroid), one a passage at most.
Digest digest(const Communities& communities, const EntityGraph& graph, int32_t community,
              const std::function<std::string(int32_t passage)>& text_of,
              const DigestOptions& options = {});

}  // namespace ondol::ground
