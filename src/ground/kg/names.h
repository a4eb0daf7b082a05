// The names of things in a knowledge graph: how a name is folded to be found, which words find it,
// and how an IRI and a fact are put to a person.
//
//   fold_name("St. Louis’s")                          // "st louis"
//   short_id("http://www.wikidata.org/entity/Q42")    // "Q42"
//   Namer namer(graph, {"ko", "en"});
//   namer.sentence(fact)   // "Douglas Adams - date of birth - 1952-03-11 (Q42)"
//
// Folding is NFKC with case folding, punctuation as blanks, a possessive 's gone, blanks squeezed:
// the same for labels and questions. A Namer keeps the names it has looked up and is for one
// thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/knowledge_graph.h"

namespace ondol::ground {

std::string fold_name(std::string_view name);
// What follows the last / or # of an IRI ("Q42", "Berlin"); the whole IRI when nothing does.
std::string short_id(std::string_view iri);
// short_id made readable: "birth_place" and "birthPlace" to "birth place".
std::string readable_id(std::string_view iri);

class Namer {
 public:
  // `languages`: those wanted, the best first; then any label, then what the IRI says.
  Namer(store::KnowledgeGraph& graph, std::vector<std::string> languages);

  std::string name(store::KgTermId id, const store::KgTerm& term);
  // The citation of a fact: short ids of subject and, where it is an entity, object.
  std::string sentence(const store::KgFact& fact);
  // The same without identifiers, for comparing with a question and for training.
  std::string plain(const store::KgFact& fact);

 private:
  std::string label(store::KgTermId id, const store::KgTerm& term);
  std::string best_label(store::KgTermId id);

  store::KnowledgeGraph& graph_;
  std::vector<std::string> languages_;
  std::map<store::KgTermId, std::string> known_;
};

}  // namespace ondol::ground
