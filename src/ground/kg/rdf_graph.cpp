#include "ground/kg/rdf_graph.h"

#include <fmt/format.h>

#include <array>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "ground/kg/rdfxml_reader.h"

namespace ondol::ground {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kNamespaces = {{
    {"http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf:"},
    {"http://www.w3.org/2000/01/rdf-schema#", "rdfs:"},
    {"http://www.w3.org/2002/07/owl#", "owl:"},
    {"http://www.w3.org/2001/XMLSchema#", "xsd:"},
    {"http://www.w3.org/ns/shacl#", "sh:"},
    {"http://www.w3.org/2004/02/skos/core#", "skos:"},
    {"http://purl.org/dc/elements/1.1/", "dc:"},
    {"http://purl.org/dc/terms/", "dcterms:"},
}};

}  // namespace

std::string short_iri(std::string_view iri) {
  for (const auto& [space, prefix] : kNamespaces) {
    if (iri.starts_with(space)) return std::string(prefix) + std::string(iri.substr(space.size()));
  }
  return std::string(iri);
}

RdfGraph::RdfGraph(const std::filesystem::path& path, int64_t triples_max) {
  const std::string name = path.filename().string();
  const OnTriple take = [&](const store::KgTerm& s, const store::KgTerm& p,
                            const store::KgTerm& o) {
    if (++triples_ > triples_max) {
      throw Error(
          ErrorCode::kResourceExhausted,
          fmt::format("[ontology] '{}' has more than {} triples; expected a vocabulary; try "
                      "`ondol kg import` for a graph of facts",
                      path.string(), triples_max));
    }
    add(s, p, o);
  };
  const RdfOptions options{.base = "file:///" + name};
  switch (rdf_syntax(name)) {
    case RdfSyntax::kRdfXml:
      read_rdfxml(read_file(path), options, take);
      return;
    case RdfSyntax::kTurtle:
      read_turtle(*open_byte_stream(path), options, take);
      return;
    case RdfSyntax::kNTriples:
      break;
  }
  read_ntriples(*open_byte_stream(path), options, take, [&](const RdfProblem& problem) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[ontology] line {} of '{}' is no triple; got {}, expected N-Triples",
                            problem.line, path.string(), problem.message));
  });
}

void RdfGraph::add(const store::KgTerm& s, const store::KgTerm& p, const store::KgTerm& o) {
  const Id subject = store::kg_term_id(s);
  const Id object = store::kg_term_id(o);
  terms_.try_emplace(subject, s);
  terms_.try_emplace(object, o);
  const auto [at, fresh] = arcs_.try_emplace(subject);
  if (fresh) subjects_.push_back(subject);
  at->second.push_back({short_iri(p.text), object});
}

const std::vector<RdfGraph::Arc>& RdfGraph::arcs(Id subject) const {
  static const std::vector<Arc> kNone;
  const auto found = arcs_.find(subject);
  return found == arcs_.end() ? kNone : found->second;
}

std::vector<RdfGraph::Id> RdfGraph::objects(Id subject, std::string_view predicate) const {
  std::vector<Id> all;
  for (const Arc& arc : arcs(subject)) {
    if (arc.predicate == predicate) all.push_back(arc.object);
  }
  return all;
}

RdfGraph::Id RdfGraph::object(Id subject, std::string_view predicate) const {
  for (const Arc& arc : arcs(subject)) {
    if (arc.predicate == predicate) return arc.object;
  }
  return 0;
}

bool RdfGraph::has(Id subject, std::string_view predicate, std::string_view object) const {
  for (const Arc& arc : arcs(subject)) {
    if (arc.predicate == predicate && short_name(arc.object) == object) return true;
  }
  return false;
}

std::vector<RdfGraph::Id> RdfGraph::list(Id head) const {
  std::vector<Id> items;
  std::set<Id> seen;
  for (Id cell = head; cell != 0 && seen.insert(cell).second; cell = object(cell, "rdf:rest")) {
    if (const Id item = object(cell, "rdf:first"); item != 0) items.push_back(item);
  }
  return items;
}

std::string RdfGraph::short_name(Id id) const {
  const auto found = terms_.find(id);
  return found == terms_.end() ? "" : short_iri(found->second.text);
}

}  // namespace ondol::ground
