#include "ground/kg/owl_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "ground/kg/names.h"
#include "ground/kg/owl_builder.h"
#include "ground/kg/rdf_graph.h"

namespace ondol::ground {
namespace {

using Id = RdfGraph::Id;

// Predicates that are read; what stands in these vocabularies and not here is counted.
constexpr std::array<std::string_view, 26> kRead = {"rdf:type",
                                                    "rdf:first",
                                                    "rdf:rest",
                                                    "rdfs:subClassOf",
                                                    "rdfs:subPropertyOf",
                                                    "rdfs:domain",
                                                    "rdfs:range",
                                                    "rdfs:label",
                                                    "owl:inverseOf",
                                                    "owl:disjointWith",
                                                    "owl:sameAs",
                                                    "owl:equivalentClass",
                                                    "owl:intersectionOf",
                                                    "owl:unionOf",
                                                    "owl:onProperty",
                                                    "owl:onClass",
                                                    "owl:someValuesFrom",
                                                    "owl:allValuesFrom",
                                                    "owl:hasValue",
                                                    "owl:minCardinality",
                                                    "owl:maxCardinality",
                                                    "owl:cardinality",
                                                    "owl:qualifiedCardinality",
                                                    "owl:minQualifiedCardinality",
                                                    "owl:maxQualifiedCardinality",
                                                    "owl:imports"};
constexpr std::array<std::string_view, 19> kReadShacl = {
    "sh:targetClass",  "sh:property",     "sh:path",     "sh:class",       "sh:datatype",
    "sh:nodeKind",     "sh:minCount",     "sh:maxCount", "sh:in",          "sh:pattern",
    "sh:minInclusive", "sh:maxInclusive", "sh:name",     "sh:description", "sh:message",
    "sh:order",        "sh:group",        "sh:severity", "sh:declare"};
constexpr std::array<std::string_view, 7> kComments = {
    "rdfs:comment",   "rdfs:seeAlso",     "rdfs:isDefinedBy", "owl:versionInfo",
    "owl:versionIRI", "owl:priorVersion", "owl:deprecated"};
constexpr std::array<std::string_view, 15> kTypes = {"owl:Class",
                                                     "rdfs:Class",
                                                     "owl:Restriction",
                                                     "owl:ObjectProperty",
                                                     "owl:DatatypeProperty",
                                                     "rdf:Property",
                                                     "owl:Ontology",
                                                     "owl:AnnotationProperty",
                                                     "owl:FunctionalProperty",
                                                     "owl:InverseFunctionalProperty",
                                                     "owl:SymmetricProperty",
                                                     "owl:TransitiveProperty",
                                                     "sh:NodeShape",
                                                     "sh:PropertyShape",
                                                     "rdfs:Datatype"};

template <class Table>
bool among(const Table& table, std::string_view name) {
  return std::find(table.begin(), table.end(), name) != table.end();
}

bool is_vocabulary(std::string_view name) {
  return name.starts_with("rdf:") || name.starts_with("rdfs:") || name.starts_with("owl:") ||
         name.starts_with("sh:");
}

// What each triple is that nothing below reads: counted by name, a comment, or a fact.
void count_rest(const RdfGraph& graph, OwlBuilder& builder) {
  for (const Id subject : graph.subjects()) {
    for (const RdfGraph::Arc& arc : graph.arcs(subject)) {
      const std::string& name = arc.predicate;
      if (name == "rdf:type") {
        const std::string type = graph.short_name(arc.object);
        if (among(kTypes, type)) continue;
        if (is_vocabulary(type)) {
          builder.not_understood(type);
        } else {
          ++builder.result().individuals;
        }
      } else if (among(kRead, name) || among(kReadShacl, name)) {
        continue;
      } else if (is_vocabulary(name) && !among(kComments, name)) {
        builder.not_understood(name);
      } else {
        ++builder.result().annotations;
      }
    }
  }
}

class OwlReader {
 public:
  OwlReader(const RdfGraph& graph, OwlBuilder& builder) : graph_(graph), builder_(builder) {}

  void read() {
    for (const Id s : graph_.subjects()) find_definitions(s);
    for (const Id s : graph_.subjects()) {
      if (builder_.is_class(s)) read_class(s);
      if (builder_.is_relation(s)) read_relation(s);
      if (builder_.is_property(s)) read_property(s);
      for (const Id same : graph_.objects(s, "owl:sameAs")) {
        builder_.result().ontology.same_as.emplace_back(builder_.name_of(s),
                                                        builder_.name_of(same));
      }
    }
  }

 private:
  bool is_iri(Id id) const { return graph_.term(id).kind == store::KgTermKind::kIri; }
  bool typed(Id s, std::initializer_list<const char*> types) const {
    return std::any_of(types.begin(), types.end(),
                       [&](const char* type) { return graph_.has(s, "rdf:type", type); });
  }

  // First of all what there is, so that names are known whatever the order.
  void find_definitions(Id s) {
    for (const RdfGraph::Arc& arc : graph_.arcs(s)) {
      const std::string& p = arc.predicate;
      if ((p == "rdfs:subClassOf" || p == "owl:disjointWith") && is_iri(arc.object)) {
        builder_.add_class(arc.object);
      }
      if (p == "sh:targetClass" || p == "sh:class" || p == "owl:onClass") {
        builder_.add_class(arc.object);
      }
      if (p == "owl:unionOf" || p == "owl:intersectionOf") {
        for (const Id item : graph_.list(arc.object)) {
          if (is_iri(item) && !typed(s, {"rdfs:Datatype"})) builder_.add_class(item);
        }
      }
      if ((p == "rdfs:domain" || p == "rdfs:range" || p == "owl:someValuesFrom" ||
           p == "owl:allValuesFrom") &&
          is_iri(arc.object)) {
        builder_.add_class(arc.object);
      }
    }
    if (!is_iri(s)) return;
    if (typed(s, {"owl:Class", "rdfs:Class"}) || graph_.object(s, "rdfs:subClassOf") != 0 ||
        graph_.object(s, "owl:equivalentClass") != 0) {
      builder_.add_class(s);
    }
    find_property(s);
  }

  void find_property(Id s) {
    if (typed(s, {"owl:AnnotationProperty"})) return;
    const bool declared = typed(
        s, {"owl:ObjectProperty", "owl:DatatypeProperty", "rdf:Property", "owl:FunctionalProperty",
            "owl:InverseFunctionalProperty", "owl:SymmetricProperty", "owl:TransitiveProperty"});
    const Id range = graph_.object(s, "rdfs:range");
    if (!declared && range == 0 && graph_.object(s, "rdfs:domain") == 0) return;
    if (typed(s, {"owl:DatatypeProperty"}) || (range != 0 && builder_.is_datatype(range))) {
      builder_.add_property(s);
    } else {
      builder_.add_relation(s);
    }
  }

  void read_class(Id s) {
    OntologyClass& c = builder_.class_of(s);
    for (const Id label : graph_.objects(s, "rdfs:label")) builder_.put_label(c.labels, label);
    for (const Id other : graph_.objects(s, "owl:disjointWith")) {
      if (builder_.is_class(other)) {
        builder_.class_of(s).disjoint_with.push_back(builder_.name_of(other));
      } else {
        builder_.not_understood("owl:disjointWith of an unnamed class");
      }
    }
    for (const Id parent : graph_.objects(s, "rdfs:subClassOf")) read_parent(s, parent, 0);
    for (const Id same : graph_.objects(s, "owl:equivalentClass")) {
      // Of two equivalent names one would be above the other and below it.
      if (is_iri(same)) {
        builder_.not_understood("owl:equivalentClass of two names");
      } else {
        read_parent(s, same, 0);
      }
    }
    for (const Id both : graph_.objects(s, "owl:intersectionOf")) read_all(s, both, 0);
  }

  void read_all(Id s, Id list, int depth) {
    for (const Id item : graph_.list(list)) read_parent(s, item, depth + 1);
  }

  // What is true of every instance of the class.
  void read_parent(Id s, Id parent, int depth) {
    constexpr int kDepthMax = 50;
    if (depth > kDepthMax) return builder_.not_understood("classes inside classes");
    if (builder_.is_any(parent)) return;
    if (graph_.short_name(parent) == "owl:Nothing") {
      return builder_.not_understood("owl:Nothing as a parent");
    }
    if (is_iri(parent)) return builder_.add_parent(s, parent);
    if (const Id list = graph_.object(parent, "owl:intersectionOf"))
      return read_all(s, list, depth);
    if (graph_.object(parent, "owl:onProperty") != 0) return read_restriction(s, parent);
    if (graph_.object(parent, "owl:unionOf") != 0) {
      return builder_.not_understood("owl:unionOf as a parent");
    }
    builder_.not_understood("an unnamed parent class");
  }

  void read_restriction(Id s, Id node) {
    const Id on = graph_.object(node, "owl:onProperty");
    if (!is_iri(on)) return builder_.not_understood("owl:onProperty of an unnamed property");
    const std::string relation = builder_.relation_name(on);
    const std::string class_name = builder_.name_of(s);
    bool read = false;
    const struct {
      const char* predicate;
      RestrictionKind kind;
    } rows[] = {{"owl:someValuesFrom", RestrictionKind::kSome},
                {"owl:allValuesFrom", RestrictionKind::kAll}};
    for (const auto& row : rows) {
      for (const Id target : graph_.objects(node, row.predicate)) {
        read = true;
        const std::vector<std::string> classes = classes_of(target);
        if (classes.empty()) {
          builder_.not_understood(fmt::format("{} of no named class", row.predicate));
        } else {
          builder_.result().ontology.restrictions.push_back(
              {class_name, relation, row.kind, classes});
        }
      }
    }
    for (const Id value : graph_.objects(node, "owl:hasValue")) {
      read = true;
      builder_.result().ontology.restrictions.push_back(
          {class_name, relation, RestrictionKind::kValue, {builder_.name_of(value)}});
    }
    read = read_cardinality(node, class_name, relation) || read;
    if (!read) builder_.not_understood("a restriction of another kind");
  }

  bool read_cardinality(Id node, const std::string& class_name, const std::string& relation) {
    const Id on_class = graph_.object(node, "owl:onClass");
    OntologyCardinality rule{
        class_name, relation, 0, std::nullopt,
        on_class != 0 && !builder_.is_any(on_class) ? builder_.name_of(on_class) : ""};
    bool any = false;
    for (const RdfGraph::Arc& arc : graph_.arcs(node)) {
      const bool min =
          arc.predicate == "owl:minCardinality" || arc.predicate == "owl:minQualifiedCardinality";
      const bool max =
          arc.predicate == "owl:maxCardinality" || arc.predicate == "owl:maxQualifiedCardinality";
      const bool both =
          arc.predicate == "owl:cardinality" || arc.predicate == "owl:qualifiedCardinality";
      if (!min && !max && !both) continue;
      const auto count = builder_.count_of(arc.object);
      if (!count) {
        builder_.not_understood(arc.predicate + " that is no number");
        continue;
      }
      if (min || both) rule.min = *count;
      if (max || both) rule.max = *count;
      any = true;
    }
    if (any) builder_.result().ontology.cardinalities.push_back(rule);
    return any;
  }

  // A named class, or the members of a union; empty: neither. Thing: the empty name, any class.
  std::vector<std::string> classes_of(Id id) {
    if (builder_.is_class(id)) return {builder_.name_of(id)};
    std::vector<std::string> names;
    for (const Id item : graph_.list(graph_.object(id, "owl:unionOf"))) {
      if (!builder_.is_class(item)) return {};
      names.push_back(builder_.name_of(item));
    }
    return names;
  }

  // The classes of all rdfs:domain (or range) triples; {""}: any.
  std::vector<std::string> ends_of(Id s, const char* predicate) {
    std::vector<std::string> names;
    const std::vector<Id> all = graph_.objects(s, predicate);
    for (const Id end : all) {
      if (builder_.is_any(end) || builder_.is_datatype(end)) continue;
      const std::vector<std::string> classes = classes_of(end);
      if (classes.empty()) builder_.not_understood(fmt::format("{} of no named class", predicate));
      names.insert(names.end(), classes.begin(), classes.end());
    }
    if (all.size() > 1) {
      builder_.not_understood(
          fmt::format("several {} at once (taken for alternatives)", predicate));
    }
    return names;
  }

  void read_relation(Id s) {
    std::vector<std::string> subjects = ends_of(s, "rdfs:domain");
    std::vector<std::string> objects = ends_of(s, "rdfs:range");
    OntologyRelation& r = builder_.relation_of(s);
    for (const Id label : graph_.objects(s, "rdfs:label")) builder_.put_label(r.labels, label);
    r.functional = typed(s, {"owl:FunctionalProperty"});
    r.inverse_functional = typed(s, {"owl:InverseFunctionalProperty"});
    r.symmetric = typed(s, {"owl:SymmetricProperty"});
    r.transitive = typed(s, {"owl:TransitiveProperty"});
    if (subjects.empty() && objects.empty()) {
      // any
    } else {
      if (subjects.empty()) subjects.emplace_back();
      if (objects.empty()) objects.emplace_back();
      for (const std::string& subject : subjects) {
        for (const std::string& object : objects) r.patterns.push_back({subject, object});
      }
    }
    for (const Id inverse : graph_.objects(s, "owl:inverseOf")) {
      if (!is_iri(inverse)) {
        builder_.not_understood("owl:inverseOf of an unnamed property");
        continue;
      }
      const std::string name = builder_.relation_name(inverse);
      builder_.relation_of(s).inverse = name;
    }
    for (const Id parent : graph_.objects(s, "rdfs:subPropertyOf")) {
      const std::string name = is_iri(parent) ? builder_.relation_name(parent) : "";
      if (!name.empty()) builder_.relation_of(s).parents.push_back(name);
    }
  }

  void read_property(Id s) {
    const std::vector<std::string> classes = ends_of(s, "rdfs:domain");
    OntologyProperty& p = builder_.property_of(s);
    for (const Id label : graph_.objects(s, "rdfs:label")) builder_.put_label(p.labels, label);
    p.functional = typed(s, {"owl:FunctionalProperty"});
    p.classes = classes;
    for (const Id range : graph_.objects(s, "rdfs:range")) builder_.put_datatype(p, range);
    for (size_t i = 0; i < graph_.objects(s, "rdfs:subPropertyOf").size(); ++i) {
      builder_.not_understood("rdfs:subPropertyOf of a datatype property");
    }
  }

  const RdfGraph& graph_;
  OwlBuilder& builder_;
};

}  // namespace

OntologyImport import_ontology(const std::filesystem::path& path, int64_t triples_max) {
  const RdfGraph graph(path, triples_max);
  OwlBuilder builder(graph);
  OwlReader(graph, builder).read();
  read_shacl(graph, builder);
  count_rest(graph, builder);
  builder.result().triples = graph.triples();
  return builder.finish();
}

}  // namespace ondol::ground
