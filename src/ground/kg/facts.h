// Facts of a knowledge graph for a question: what is put before the prompt.
//
//   for (const Evidence& e : find_facts(graph, query, similarity, 10)) ...
//   // e.text == "Douglas Adams - place of birth - Cambridge (Q42, Q350)", e.document the IRI
//
// The facts of the linked entities (link.h), one and two steps away, ranked by likeness to the
// question: by `similarity` where there is one, else by the words they share (Baek et al.,
// "Knowledge-Augmented Language Model Prompting", 2023: the best ten by similarity, put before the
// question). A fact two steps away is compared together with the one that leads to it, and counts
// less. Entities with very many triples are not walked through. Facts are for everyone and have no
// tags: a query with a filter finds none. Deterministic.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ground/kg/link.h"
#include "infer/slots.h"

namespace ondol::ground {

// Of each text to the question, higher is nearer. Empty function: by shared words.
using TextSimilarity = std::function<std::vector<double>(const std::string& question,
                                                         std::span<const std::string> texts)>;

struct KgFactOptions {
  KgLinkOptions link;
  size_t facts_of_entity = 300;  // read of a linked entity, in each direction
  size_t neighbours = 16;        // walked through to the second step: those of the best facts
  size_t facts_of_neighbour = 30;
  int64_t hub_degree = 2000;  // more triples than that: not walked through
  double second_step = 0.8;   // factor on the score of a fact two steps away
  size_t compared = 96;       // facts given to `similarity`, chosen by shared words
};

// At most k, best first; equal ones in the order of the graph.
std::vector<Evidence> find_facts(store::KnowledgeGraph& graph, const Query& query,
                                 const TextSimilarity& similarity, size_t k,
                                 const KgFactOptions& options = {});

}  // namespace ondol::ground
