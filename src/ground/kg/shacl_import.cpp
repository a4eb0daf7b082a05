// The core of SHACL that says what an ontology says: shapes of classes and their properties.
#include <fmt/format.h>

#include "ground/kg/owl_builder.h"

namespace ondol::ground {
namespace {

using Id = RdfGraph::Id;

class ShaclReader {
 public:
  ShaclReader(const RdfGraph& graph, OwlBuilder& builder) : graph_(graph), builder_(builder) {}

  void read_shape(Id shape) {
    std::vector<Id> targets = graph_.objects(shape, "sh:targetClass");
    // A shape that is a class is about its own instances (SHACL 2.1.3.3).
    if (builder_.is_class(shape)) targets.push_back(shape);
    for (const Id property : graph_.objects(shape, "sh:property")) {
      if (targets.empty()) builder_.not_understood("sh:property of a shape without a class");
      for (const Id target : targets) read_property_shape(target, property);
    }
    if (graph_.object(shape, "sh:property") == 0 && graph_.object(shape, "sh:path") != 0) {
      for (const Id target : targets) read_property_shape(target, shape);
    }
  }

 private:
  void read_property_shape(Id target, Id shape) {
    const Id path = graph_.object(shape, "sh:path");
    if (path == 0 || graph_.term(path).kind != store::KgTermKind::kIri) {
      return builder_.not_understood("sh:path that is no single property");
    }
    const std::string class_name = builder_.name_of(target);
    if (has_values(shape)) {
      builder_.add_property(path);
    } else {
      builder_.add_relation(path);
    }
    if (builder_.is_property(path)) {
      read_values(class_name, path, shape);
    } else {
      read_ends(class_name, path, shape);
    }
    read_counts(class_name, builder_.relation_name(path), shape);
  }

  // Whether the shape speaks of literals.
  bool has_values(Id shape) const {
    if (graph_.has(shape, "sh:nodeKind", "sh:Literal")) return true;
    for (const char* predicate :
         {"sh:datatype", "sh:pattern", "sh:minInclusive", "sh:maxInclusive"}) {
      if (graph_.object(shape, predicate) != 0) return true;
    }
    for (const Id item : graph_.list(graph_.object(shape, "sh:in"))) {
      if (graph_.term(item).kind == store::KgTermKind::kLiteral) return true;
    }
    return false;
  }

  void read_values(const std::string& class_name, Id path, Id shape) {
    OntologyProperty& p = builder_.property_of(path);
    p.classes.push_back(class_name);
    for (const Id datatype : graph_.objects(shape, "sh:datatype"))
      builder_.put_datatype(p, datatype);
    if (const Id pattern = graph_.object(shape, "sh:pattern")) {
      // SHACL looks for a match anywhere; here the whole value must match.
      const std::string& text = graph_.term(pattern).text;
      const bool begins = text.starts_with("^");
      const bool ends = text.ends_with("$") && !text.ends_with("\\$");
      p.pattern = fmt::format("{}(?:{}){}", begins ? "" : "[^]*", text, ends ? "" : "[^]*");
    }
    for (const Id item : graph_.list(graph_.object(shape, "sh:in"))) {
      p.values.push_back(graph_.term(item).text);
    }
    read_number(shape, "sh:minInclusive", p.min);
    read_number(shape, "sh:maxInclusive", p.max);
  }

  void read_number(Id shape, const char* predicate, std::optional<double>& into) {
    const Id literal = graph_.object(shape, predicate);
    if (literal == 0) return;
    into = builder_.number_of(literal);
    if (!into) builder_.not_understood(std::string(predicate) + " that is no number");
  }

  void read_ends(const std::string& class_name, Id path, Id shape) {
    OntologyRelation& r = builder_.relation_of(path);
    const std::vector<Id> classes = graph_.objects(shape, "sh:class");
    if (classes.empty()) r.patterns.push_back({class_name, ""});
    for (const Id object : classes) r.patterns.push_back({class_name, builder_.name_of(object)});
    if (graph_.object(shape, "sh:in") != 0) {
      builder_.not_understood("sh:in of individuals");
    }
    for (const Id kind : graph_.objects(shape, "sh:nodeKind")) {
      const std::string name = graph_.short_name(kind);
      if (name != "sh:IRI" && name != "sh:BlankNodeOrIRI")
        builder_.not_understood("sh:nodeKind " + name);
    }
  }

  void read_counts(const std::string& class_name, const std::string& relation, Id shape) {
    OntologyCardinality rule{class_name, relation};
    bool any = false;
    for (const char* predicate : {"sh:minCount", "sh:maxCount"}) {
      const Id literal = graph_.object(shape, predicate);
      if (literal == 0) continue;
      const auto count = builder_.count_of(literal);
      if (!count) {
        builder_.not_understood(std::string(predicate) + " that is no number");
        continue;
      }
      any = true;
      if (std::string_view(predicate) == "sh:minCount")
        rule.min = *count;
      else
        rule.max = *count;
    }
    if (any) builder_.result().ontology.cardinalities.push_back(rule);
  }

  const RdfGraph& graph_;
  OwlBuilder& builder_;
};

}  // namespace

void read_shacl(const RdfGraph& graph, OwlBuilder& builder) {
  ShaclReader reader(graph, builder);
  for (const Id subject : graph.subjects()) {
    if (graph.has(subject, "rdf:type", "sh:NodeShape") ||
        graph.object(subject, "sh:targetClass") != 0) {
      reader.read_shape(subject);
    }
  }
}

}  // namespace ondol::ground
