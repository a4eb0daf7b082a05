// A term to the entities it names, with what the graph says of them.
//
//   for (const KgEntity& e : lookup_entities(graph, "Douglas Adams", {.languages = {"en"}})) ...
//
// Asked in turn, until there are enough: an identifier ("Q42", an IRI), a name that is equal, a
// name that begins with it, a name that has all its words. Within a step the entity with more
// triples comes first, then a name in a wanted language, then by IRI. Pure; as thread-safe as the
// graph.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/knowledge_graph.h"

namespace ondol::ground {

enum class KgMatch { kIdentifier, kName, kBeginning, kWords };
const char* kg_match_name(KgMatch match);

struct KgLookupOptions {
  std::vector<std::string> languages;  // preferred, the best first
  size_t entities = 5;
  size_t facts = 20;  // of each entity, outgoing first
};

struct KgFactText {
  store::KgFact fact;
  std::string text;  // with identifiers: what is cited
};

struct KgEntity {
  store::KgTermId id = 0;
  store::KgTerm term;
  std::string name;     // the best label
  std::string matched;  // the label that was found
  KgMatch match = KgMatch::kName;
  int64_t degree = 0;
  std::vector<store::KgLabel> labels;
  std::vector<KgFactText> facts;
};

std::vector<KgEntity> lookup_entities(store::KnowledgeGraph& graph, std::string_view term,
                                      const KgLookupOptions& options);

// The entity of an identifier: a whole IRI, or what follows one of the graph's namespaces. 0: none.
store::KgTermId find_identifier(store::KnowledgeGraph& graph,
                                const std::vector<std::string>& namespaces, std::string_view id);

}  // namespace ondol::ground
