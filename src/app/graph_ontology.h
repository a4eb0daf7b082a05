// An ontology proposed from a workspace's documents, as a file to look through and keep.
//
//   OntologyProposal made = propose_ontology(desk, nullptr, {});
//   write_file_atomic("ontology.toml", made.toml);
#pragma once

#include <string>

#include "app/graph.h"
#include "ground/ontology_suggest.h"

namespace ondol::app {

struct OntologyProposal {
  ground::OntologySuggestion suggestion;
  std::string toml;  // what load_ontology reads, with counts and examples as comments
};

// `model` null: without one; else it names the classes, within the limits, and its answers are
// kept. Throws what it throws.
OntologyProposal propose_ontology(GraphDesk& desk, Generator* model,
                                  const GenerationLimits& limits);

}  // namespace ondol::app
