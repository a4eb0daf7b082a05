#include "ground/kg/owl_builder.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "ground/kg/names.h"

namespace ondol::ground {
namespace {

// XML Schema's types as those of ours; "": not one of them.
std::string datatype_name(std::string_view name) {
  const std::map<std::string_view, std::string_view> kNames = {
      {"xsd:string", "string"},
      {"rdfs:Literal", "string"},
      {"rdf:langString", "string"},
      {"rdf:PlainLiteral", "string"},
      {"xsd:normalizedString", "string"},
      {"xsd:token", "string"},
      {"xsd:integer", "integer"},
      {"xsd:int", "integer"},
      {"xsd:long", "integer"},
      {"xsd:short", "integer"},
      {"xsd:nonNegativeInteger", "integer"},
      {"xsd:positiveInteger", "integer"},
      {"xsd:unsignedInt", "integer"},
      {"xsd:decimal", "decimal"},
      {"xsd:double", "decimal"},
      {"xsd:float", "decimal"},
      {"xsd:boolean", "boolean"},
      {"xsd:date", "date"},
      {"xsd:dateTime", "datetime"},
      {"xsd:anyURI", "iri"}};
  const auto found = kNames.find(name);
  return found == kNames.end() ? "" : std::string(found->second);
}

}  // namespace

bool OwlBuilder::is_any(Id id) const {
  const std::string name = graph_.short_name(id);
  return name == "owl:Thing" || name == "rdfs:Resource";
}

bool OwlBuilder::is_datatype(Id id) const {
  const std::string name = graph_.short_name(id);
  return name.starts_with("xsd:") || !datatype_name(name).empty() ||
         graph_.has(id, "rdf:type", "rdfs:Datatype");
}

std::string OwlBuilder::new_name(Id id) {
  const auto known = names_.find(id);
  if (known != names_.end()) return known->second;
  const std::string& iri = graph_.term(id).text;
  std::string name = short_id(iri);
  if (!taken_.insert(name).second) {
    name = iri;
    taken_.insert(name);
  }
  return names_[id] = name;
}

void OwlBuilder::add_class(Id id) {
  if (graph_.term(id).kind != store::KgTermKind::kIri) return;
  if (is_any(id) || graph_.short_name(id) == "owl:Nothing" || is_datatype(id) || is_class(id))
    return;
  classes_[id] = result_.ontology.classes.size();
  const std::string name = new_name(id);
  class_at_[name] = result_.ontology.classes.size();
  result_.ontology.classes.push_back({.name = name, .iri = graph_.term(id).text});
}

void OwlBuilder::add_relation(Id id) {
  if (is_relation(id) || is_property(id)) return;
  relations_[id] = result_.ontology.relations.size();
  result_.ontology.relations.push_back({.name = new_name(id), .iri = graph_.term(id).text});
}

void OwlBuilder::add_property(Id id) {
  if (is_relation(id) || is_property(id)) return;
  properties_[id] = result_.ontology.properties.size();
  result_.ontology.properties.push_back({.name = new_name(id), .iri = graph_.term(id).text});
}

std::string OwlBuilder::name_of(Id id) {
  const auto known = names_.find(id);
  if (known != names_.end()) return known->second;
  const store::KgTerm& term = graph_.term(id);
  return term.kind == store::KgTermKind::kIri ? short_id(term.text) : term.text;
}

std::string OwlBuilder::relation_name(Id id) {
  if (!is_relation(id) && !is_property(id)) add_relation(id);
  return names_.at(id);
}

void OwlBuilder::add_parent(Id child, Id parent) {
  add_class(parent);
  if (!is_class(parent) || parent == child) return;
  OntologyClass& c = class_of(child);
  const std::string name = name_of(parent);
  if (std::find(c.parents.begin(), c.parents.end(), name) == c.parents.end()) {
    c.parents.push_back(name);
  }
}

void OwlBuilder::put_label(OntologyLabels& labels, Id literal) {
  const store::KgTerm& term = graph_.term(literal);
  if (term.kind == store::KgTermKind::kLiteral) labels.try_emplace(term.language, term.text);
}

void OwlBuilder::put_datatype(OntologyProperty& property, Id datatype) {
  const std::string name = graph_.short_name(datatype);
  const std::string known = datatype_name(name);
  if (known.empty()) return not_understood("datatype " + name);
  property.datatype = known;
}

std::optional<double> OwlBuilder::number_of(Id literal) const {
  const std::string& text = graph_.term(literal).text;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> OwlBuilder::count_of(Id literal) const {
  const std::string& text = graph_.term(literal).text;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool OwlBuilder::reaches(const std::string& from, const std::string& to) const {
  std::set<std::string> seen = {from};
  std::vector<std::string> open = {from};
  while (!open.empty()) {
    const std::string at = open.back();
    open.pop_back();
    if (at == to) return true;
    for (const std::string& parent : result_.ontology.classes[class_at_.at(at)].parents) {
      if (seen.insert(parent).second) open.push_back(parent);
    }
  }
  return false;
}

OntologyImport OwlBuilder::finish() {
  for (OntologyClass& c : result_.ontology.classes) {
    const std::vector<std::string> all = std::exchange(c.parents, {});
    for (const std::string& parent : all) {
      if (reaches(parent, c.name)) {
        not_understood("rdfs:subClassOf in a circle");
      } else {
        c.parents.push_back(parent);
      }
    }
    std::sort(c.disjoint_with.begin(), c.disjoint_with.end());
    c.disjoint_with.erase(std::unique(c.disjoint_with.begin(), c.disjoint_with.end()),
                          c.disjoint_with.end());
  }
  return std::move(result_);
}

}  // namespace ondol::ground
