// What kinds of things there are and how they may stand to one another: what extraction is held to,
// triples are checked against, and a little is inferred from.
//
//   Ontology o = app::load_ontology("ontology.toml");       // or .ttl, .owl (kg/owl_import.h)
//   OntologyIndex index(o);
//   index.check({"Ann", "Person", "born_in", "Busan", "City"});     // problems; empty: it may be
//   so infer(index, facts, {});                                        // inverse, symmetric,
//   transitive
//
// Names are what the graph uses ("Person", "born_in"); IRIs are kept for exchange. A relation
// without patterns may join anything. OntologyIndex throws Error(kInvalidArgument) for a name that
// is not defined, a circle of parents, an empty range. Everything is a value; an index is read-only
// and thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::ground {

using OntologyLabels = std::map<std::string, std::string>;  // language ("": none) -> name

struct OntologyClass {
  std::string name;
  std::string iri;
  OntologyLabels labels;
  std::vector<std::string> parents;
  std::vector<std::string> disjoint_with;
};

struct RelationPattern {
  std::string subject;  // class; empty: any
  std::string object;
  bool operator==(const RelationPattern&) const = default;
};

struct OntologyRelation {
  std::string name;
  std::string iri;
  OntologyLabels labels;
  std::vector<std::string> parents;  // every such triple is one of these too
  std::vector<RelationPattern> patterns;
  bool functional = false;          // at most one object a subject
  bool inverse_functional = false;  // at most one subject an object
  bool symmetric = false;
  bool transitive = false;
  std::string inverse;  // a relation; empty: none
};

struct OntologyProperty {
  std::string name;
  std::string iri;
  OntologyLabels labels;
  std::vector<std::string> classes;  // that have it; empty: any
  std::string datatype = "string";   // string, integer, decimal, boolean, date, datetime, iri
  std::optional<double> min;
  std::optional<double> max;
  std::string pattern;              // ECMAScript; the whole value must match
  std::vector<std::string> values;  // the only ones; empty: any
  bool functional = false;
};

// How many objects of a relation (or values of a property) an instance of the class has.
struct OntologyCardinality {
  std::string class_name;
  std::string relation;
  int64_t min = 0;
  std::optional<int64_t> max;
  std::string object_class;  // of the objects counted; empty: any
};

// "Every pizza has some base": kept for whoever asks; only kAll is checked (a graph does not say
// what is missing).
enum class RestrictionKind { kSome, kAll, kValue };
struct OntologyRestriction {
  std::string class_name;
  std::string relation;
  RestrictionKind kind = RestrictionKind::kSome;
  std::vector<std::string> targets;  // a class, or several: any of them; of kValue one individual
};

struct Ontology {
  std::vector<OntologyClass> classes;
  std::vector<OntologyRelation> relations;
  std::vector<OntologyProperty> properties;
  std::vector<OntologyCardinality> cardinalities;
  std::vector<OntologyRestriction> restrictions;
  std::vector<std::pair<std::string, std::string>> same_as;  // individuals, by name
};

// A triple with the classes of its ends; an empty class is unknown and matches anything.
struct TypedTriple {
  std::string subject;
  std::string subject_class;
  std::string relation;
  std::string object;
  std::string object_class;
  auto operator<=>(const TypedTriple&) const = default;
};

struct OntologyViolation {
  std::string rule;  // "pattern", "unknown relation", "functional", "cardinality", "disjoint", ...
  std::string text;  // one sentence with names
};

class OntologyIndex {
 public:
  explicit OntologyIndex(const Ontology& ontology);
  const Ontology& ontology() const { return ontology_; }

  const OntologyClass* find_class(std::string_view name) const;
  const OntologyRelation* find_relation(std::string_view name) const;
  const OntologyProperty* find_property(std::string_view name) const;
  // The class itself or one above it.
  bool is_a(std::string_view name, std::string_view ancestor) const;
  const std::set<std::string>& ancestors(std::string_view name) const;  // itself included
  bool disjoint(std::string_view a, std::string_view b) const;
  bool allows(const RelationPattern& classes, const OntologyRelation& relation) const;

  std::vector<OntologyViolation> check(const TypedTriple& triple) const;
  std::vector<OntologyViolation> check_value(std::string_view class_name, std::string_view property,
                                             std::string_view value) const;
  // What no single triple shows: functional relations and cardinalities. A minimum is checked for
  // the subjects given with a class.
  std::vector<OntologyViolation> check_counts(
      std::span<const TypedTriple> triples,
      const std::map<std::string, std::string>& classes_of_subjects) const;

 private:
  void check_names() const;
  void compile_patterns();
  void close_parents(const std::string& name, std::set<std::string>& open);
  void need_class(const std::string& name, const std::string& where) const;
  void check_restrictions(const TypedTriple& triple, std::vector<OntologyViolation>& out) const;

  Ontology ontology_;
  std::map<std::string, size_t, std::less<>> classes_, relations_, properties_;
  std::map<std::string, std::set<std::string>, std::less<>> ancestors_;
  std::map<std::string, std::regex, std::less<>> patterns_;  // of properties
};

struct InferenceOptions {
  size_t added_max = 100000;  // triples
  int rounds_max = 16;        // of transitive steps
};
struct Inferred {
  std::vector<TypedTriple> added;  // sorted, none of them given
  bool complete = true;            // false: a limit was reached
};
// Parents of relations, inverse, symmetric and transitive relations. No other rules.
Inferred infer(const OntologyIndex& index, std::span<const TypedTriple> triples,
               const InferenceOptions& options = {});

}  // namespace ondol::ground
