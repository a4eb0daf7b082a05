// An ontology from a file: TOML of one's own, or RDF.
//
//   LoadedOntology read = load_ontology("ontology.toml");      // also .ttl, .nt, .owl, .rdf
//   ground::OntologyIndex index(read.ontology);
//   std::string text = ontology_toml(read.ontology);           // what load_ontology reads again
//
//   [class.City]
//   label   = { en = "city", ko = "도시" }       # or label = "city"
//   parents = ["Place"]
//   disjoint = ["Person"]
//   [relation.born_in]
//   patterns = [["Person", "City"], ["Person", "Country"]]   # "" is any class
//   functional = true       # inverse_functional, symmetric, transitive; inverse = "birthplace_of"
//   parents = ["located_in"]
//   [property.age]
//   classes  = ["Person"]
//   datatype = "integer"    # string, integer, decimal, boolean, date, datetime, iri
//   min = 0                 # max, pattern = "[0-9]+", values = ["a", "b"], functional
//   [[cardinality]]
//   class = "Person"
//   relation = "born_in"
//   max = 1                 # min; of = "City": only such objects are counted
//   [[restriction]]
//   class = "Pizza"
//   relation = "has_base"
//   some = ["PizzaBase"]    # or all = [...], or value = "thin"
//
// Throws Error(kInvalidArgument) with file, line and key for TOML that is wrong or an ontology that
// does not hold together (OntologyIndex), and what import_ontology throws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "ground/ontology.h"

namespace ondol::app {

struct LoadedOntology {
  ground::Ontology ontology;
  std::map<std::string, int64_t> not_understood;  // of RDF: what was left out, by name
};

LoadedOntology load_ontology(const std::filesystem::path& path);
ground::Ontology parse_ontology(std::string_view toml, const std::string& source);
std::string ontology_toml(const ground::Ontology& ontology);

}  // namespace ondol::app
