// Which names are one entity: what can be decided from the names and what the documents say of
// them, and what a person should look at.
//
//   const ResolvedGraph g = load_graph(*store, {shelf, "kim", {}});
//   // g.graph has the accepted merges; g.names.doubtful is for `ondol graph duplicates`
//
// Nothing of it is stored but what a person decided: what is accepted follows from the visible
// documents alone, so it goes with them, and no hidden document tells that two names are one.
//
// Evidence, strongest first:
//   alias       the documents say it: "American Psychological Association (APA)", "also known as"
//   class       the same name once with and once without a class, where only one class has it
//   spelling    the same letters but for blanks, hyphens or a plural s; a title in front
//               ("Captain Marit Oskell"); long names an edit apart
//   part        a family name of which one full name is known: always doubtful
// Names of different classes stay apart; so do names that differ in a number. Groups grow by
// complete linkage: every two members must belong together by themselves, so no chain of small
// steps joins what is far apart. Pairs that a person has undone are not proposed again. Pure
// function of its arguments.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ground/entity_graph.h"
#include "store/store.h"

namespace ondol::ground {

struct ResolutionOptions {
  double accept = 0.93;                          // score from which two names are one entity
  double doubt = 0.85;                           // from here to `accept` a person decides
  std::map<std::string, double> accept_by_type;  // class -> its own threshold
};

struct Resolution {
  std::vector<store::Merge> accepted;  // each into the name that most passages have
  std::vector<store::Merge> doubtful;  // best first
};

// `graph` has the merges of `log`, a person's decisions; undone ones there are not proposed.
Resolution resolve_entities(const EntityGraph& graph, std::span<const store::Merge> log,
                            const ResolutionOptions& options = {});

struct ResolvedGraph {
  std::shared_ptr<const EntityGraph> graph;
  Resolution names;
};

// The graph as the scope sees it, with the log's merges and those that follow from it.
ResolvedGraph load_graph(store::Store& store, const store::Scope& scope,
                         const GraphOptions& graph_options = {},
                         const ResolutionOptions& options = {});

// False for names that differ in a number, in digits or Roman ones: "Line 2" is not "Line 3".
bool same_numbers(std::string_view a, std::string_view b);
// How alike two keys are, 0 to 1: 1 - edit distance (insert, delete, replace, swap of neighbours;
// Damerau 1964, restricted) / the longer length, in code points.
double name_similarity(std::string_view a, std::string_view b);

}  // namespace ondol::ground
