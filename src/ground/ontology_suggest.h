// An ontology proposed from the documents: the words that stand again and again between two names
// become relations, the last words that several names share become classes. A person looks it
// through; `ondol graph build` then holds extraction to it.
//
//   OntologySuggestion s = suggest_ontology(graph, text_of);
//   name_classes(s, model);        // a model names the classes of the ends; optional
//   app::ontology_toml(s.ontology)
//
// English: one to five words between two names of a sentence ("Alma Rue |works for| Harrow Mill").
// Korean: the particle behind the second name and the words behind it ("김민수는 서울시청|에서
// 일한다|"). The same graph and texts give the same suggestion.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ground/entity_graph.h"
#include "ground/ontology.h"
#include "infer/cached_generator.h"
#include "store/store.h"

namespace ondol::ground {

struct SuggestionOptions {
  int64_t pairs_min = 2;  // distinct pairs of names that a relation's words join
  int64_t names_min = 3;  // names that share the last word, for a class
  size_t relations_max = 30;
  size_t classes_max = 20;
  size_t examples = 2;  // sentences kept of each relation
};

struct SuggestedRelation {
  std::string name;   // in the ontology: "works_for"
  std::string words;  // "works for"
  int64_t pairs = 0;
  std::vector<std::string> examples;   // whole sentences
  std::vector<store::ChunkId> chunks;  // that these stand in
};
struct SuggestedClass {
  std::string name;
  int64_t names = 0;  // that it was seen in; 0: a model named it
  std::vector<std::string> examples;
};

struct OntologySuggestion {
  Ontology ontology;                         // holds together (OntologyIndex)
  std::vector<SuggestedClass> classes;       // most names first
  std::vector<SuggestedRelation> relations;  // most pairs first
  int64_t dropped = 0;                       // relations that the model called none
};

// `text_of` gives a passage's text, by the graph's number.
OntologySuggestion suggest_ontology(const EntityGraph& graph,
                                    const std::function<std::string(int32_t passage)>& text_of,
                                    const SuggestionOptions& options = {});

// The model says of each relation which kinds of things it joins, from its example sentences, and
// which are no relations at all. Throws LimitReached, with what was answered kept; a call that
// failed or an answer without sense leaves the relation as it was.
void name_classes(OntologySuggestion& suggestion, CachedGenerator& model);

}  // namespace ondol::ground
