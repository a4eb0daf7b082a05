// The property graph as one scope sees it at one moment: entities after merging, facts with their
// proof, and the graph that searches walk.
//
//   EntityGraph graph(store.graph_rows(scope), store.merges(shelf), {});
//   for (int32_t e : graph.spot("Who founded the Anglican Communion?")) ...  // entities named
//
// Built from rows alone, so nothing depends on the order in which documents came. Immutable and
// thread-safe afterwards. Numbers are positions: entity e, fact f, passage p. In walk() a node is
// an entity (0 to entities - 1) or a passage (entities + p).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ground/graph/csr.h"
#include "store/property_graph.h"

namespace ondol::ground {

struct GraphOptions {
  // A noun phrase in lower case is an entity once this many passages have it.
  int64_t phrase_passages_min = 2;
  // Entities in more than this share of the passages (and more than 20) tell nothing apart: they
  // are kept, and no walk goes through them.
  double hub_share = 0.1;
  // Entities of one sentence are tied by their normalised pointwise mutual information over
  // passages (Bouma 2009), where it is positive; the weight of the strongest tie.
  double co_occurrence = 1.0;
  double fact_weight = 1.0;  // of one proof of a fact
  // Relations of which a thing has one at a time: a later fact ends the one before (validity.h).
  std::set<std::string> functional = {};
  double passage_weight = 1.0;  // of the tie between a passage and an entity it mentions
};

struct GraphPlace {
  int32_t passage = 0;
  int64_t char_from = 0;  // code points of the passage's text; 0-0: its title
  int64_t char_to = 0;
  bool operator==(const GraphPlace&) const = default;
};

struct GraphEntity {
  store::EntityName name;
  std::string label;                 // its most frequent spelling
  std::vector<std::string> aliases;  // the other names that were merged into it, sorted
  std::vector<GraphPlace> mentions;  // by passage and place
  int64_t passages = 0;              // distinct ones
  bool hub = false;
};

struct GraphFact {
  int32_t subject = 0;
  std::string label;
  int32_t object = 0;
  std::string valid_from;
  std::string valid_to;
  std::vector<GraphPlace> proof;
  double confidence = 0;  // of its best proof
};

// What a passage says of an entity beyond relations.
struct GraphClaim {
  int32_t subject = 0;
  int32_t object = -1;  // -1: nobody else
  std::string type;
  std::string status;  // "true", "false", "suspected"
  std::string text;
  std::string valid_from;
  std::string valid_to;
  GraphPlace proof;
};

// Two entities of one sentence.
struct CoOccurrence {
  int32_t first = 0;  // < second
  int32_t second = 0;
  int64_t passages = 0;
  double weight = 0;  // normalised pointwise mutual information, 0 to 1
};

class EntityGraph {
 public:
  // Merges that would go in a circle are broken at the newest; undone ones count for nothing.
  EntityGraph(const store::GraphRows& rows, std::span<const store::Merge> merges,
              const GraphOptions& options);

  const std::vector<GraphEntity>& entities() const { return entities_; }
  const std::vector<GraphFact>& facts() const { return facts_; }
  const std::vector<GraphClaim>& claims() const { return claims_; }  // by subject and passage
  const std::vector<CoOccurrence>& co_occurrences() const { return co_occurrences_; }
  const std::vector<int64_t>& passages() const { return passages_; }  // chunk ids, ascending
  // Properties of an entity, by name and value.
  std::vector<std::pair<std::string, std::string>> properties(int32_t entity) const;

  const graph::CsrGraph& walk() const { return walk_; }
  int32_t passage_node(int32_t passage) const {
    return static_cast<int32_t>(entities_.size()) + passage;
  }
  // -1: not in this graph.
  int32_t passage_of(int64_t chunk) const;
  // The entities of a name, whatever their class; with aliases. Empty: none.
  std::vector<int32_t> find(std::string_view name) const;
  // The entities that a text names: the longest names first, no word used twice.
  std::vector<int32_t> spot(std::string_view text) const;

 private:
  struct Builder;

  std::vector<GraphEntity> entities_;
  std::vector<GraphFact> facts_;
  std::vector<GraphClaim> claims_;
  std::vector<CoOccurrence> co_occurrences_;
  std::vector<int64_t> passages_;
  std::multimap<int32_t, std::pair<std::string, std::string>> properties_;
  std::unordered_map<std::string, std::vector<int32_t>> by_key_;
  size_t key_words_max_ = 1;
  graph::CsrGraph walk_;
};

}  // namespace ondol::ground
