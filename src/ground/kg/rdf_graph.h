// Triples in memory, for what is looked at from all sides: vocabularies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/knowledge_graph.h"

namespace ondol::ground {

class RdfGraph {
 public:
  using Id = store::KgTermId;
  struct Arc {
    std::string predicate;  // IRI with the well-known namespaces short: "owl:inverseOf"
    Id object = 0;
  };

  // Any syntax rdf_syntax() knows. Throws as the readers do, and Error(kResourceExhausted) above
  // triples_max.
  RdfGraph(const std::filesystem::path& path, int64_t triples_max);

  const std::vector<Id>& subjects() const { return subjects_; }  // in the order they came
  const std::vector<Arc>& arcs(Id subject) const;
  const store::KgTerm& term(Id id) const { return terms_.at(id); }
  std::vector<Id> objects(Id subject, std::string_view predicate) const;
  Id object(Id subject, std::string_view predicate) const;  // the first; 0: none
  bool has(Id subject, std::string_view predicate, std::string_view object) const;  // short IRI
  std::vector<Id> list(Id head) const;  // an RDF list; ends where it goes in a circle
  std::string short_name(Id id) const;  // "owl:Class", or the IRI
  int64_t triples() const { return triples_; }

 private:
  void add(const store::KgTerm& s, const store::KgTerm& p, const store::KgTerm& o);

  std::map<Id, store::KgTerm> terms_;
  std::map<Id, std::vector<Arc>> arcs_;
  std::vector<Id> subjects_;
  int64_t triples_ = 0;
};

// "http://www.w3.org/2002/07/owl#Class" -> "owl:Class"; other IRIs as they are.
std::string short_iri(std::string_view iri);

}  // namespace ondol::ground
