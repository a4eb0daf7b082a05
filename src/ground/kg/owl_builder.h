// What the OWL and the SHACL half of an import put their findings into.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "ground/kg/owl_import.h"
#include "ground/kg/rdf_graph.h"

namespace ondol::ground {

class OwlBuilder {
 public:
  using Id = RdfGraph::Id;
  explicit OwlBuilder(const RdfGraph& graph) : graph_(graph) {}

  // Datatypes and the classes of everything are not added. A relation found to have values is a
  // property: first come, first kept.
  void add_class(Id id);
  void add_relation(Id id);
  void add_property(Id id);
  bool is_class(Id id) const { return classes_.contains(id); }
  bool is_relation(Id id) const { return relations_.contains(id); }
  bool is_property(Id id) const { return properties_.contains(id); }
  bool is_any(Id id) const;  // owl:Thing, rdfs:Resource
  bool is_datatype(Id id) const;

  // The name in the ontology; of an individual the last part of its IRI, of a literal its text.
  std::string name_of(Id id);
  // The name of a relation or property that was mentioned; it is a relation if nothing else is
  // known of it.
  std::string relation_name(Id id);
  // Until the next add.
  OntologyClass& class_of(Id id) { return result_.ontology.classes[classes_.at(id)]; }
  OntologyRelation& relation_of(Id id) { return result_.ontology.relations[relations_.at(id)]; }
  OntologyProperty& property_of(Id id) { return result_.ontology.properties[properties_.at(id)]; }

  void add_parent(Id child, Id parent);
  void put_label(OntologyLabels& labels, Id literal);
  void put_datatype(OntologyProperty& property, Id datatype);
  std::optional<int64_t> count_of(Id literal) const;
  std::optional<double> number_of(Id literal) const;
  void not_understood(const std::string& what) { ++result_.not_understood[what]; }
  OntologyImport& result() { return result_; }
  // Takes out what an index would refuse: circles of parents, doubled entries.
  OntologyImport finish();

 private:
  std::string new_name(Id id);
  bool reaches(const std::string& from, const std::string& to) const;

  const RdfGraph& graph_;
  OntologyImport result_;
  std::map<Id, size_t> classes_, relations_, properties_;
  std::map<Id, std::string> names_;
  std::set<std::string> taken_;
  std::map<std::string, size_t> class_at_;  // by name
};

void read_shacl(const RdfGraph& graph, OwlBuilder& builder);

}  // namespace ondol::ground
