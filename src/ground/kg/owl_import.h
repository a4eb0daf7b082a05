// An ontology from RDF: a subset of RDFS and OWL, and of SHACL's core.
//
//   OntologyImport read = import_ontology("pizza.owl");       // .ttl, .nt, .owl and .rdf (RDF/XML)
//   // read.ontology.classes, read.not_understood["owl:complementOf"] == 3
//
// Understood: classes, subClassOf, disjointWith, domain, range (classes, unions of them,
// datatypes), subPropertyOf, inverseOf, functional, inverse functional, symmetric and transitive
// properties, sameAs, labels; restrictions someValuesFrom, allValuesFrom, hasValue, (qualified)
// min, max and exact cardinality, also inside intersections; of SHACL targetClass, path, class,
// datatype, nodeKind, minCount, maxCount, in, pattern, min- and maxInclusive. An equivalent class
// is read one way only: its parents and restrictions are those of the class. Everything else of
// these vocabularies is counted by name in not_understood. Names are the last parts of IRIs; where
// two IRIs share one, the later keeps its whole IRI.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "ground/ontology.h"

namespace ondol::ground {

struct OntologyImport {
  Ontology ontology;
  std::map<std::string, int64_t> not_understood;  // "owl:oneOf" -> times
  int64_t triples = 0;
  int64_t individuals = 0;  // things of a class: no part of an ontology, left out
  int64_t annotations = 0;  // comments and the like, left out
};

// Throws Error(kCorruptData) for a file that cannot be read, Error(kResourceExhausted) above
// triples_max.
OntologyImport import_ontology(const std::filesystem::path& path, int64_t triples_max = 2000000);

}  // namespace ondol::ground
