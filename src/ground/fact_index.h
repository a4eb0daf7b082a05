// Facts found by the words of a question: BM25 over "subject label object" (bm25.h), in memory.
//
//   FactIndex index(graph);
//   for (const ScoredFact& f : index.search(terms, 5)) use(graph.facts()[f.fact], f.score);
//
// Immutable and thread-safe; the graph need not outlive it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ground/entity_graph.h"
#include "store/store.h"

namespace ondol::ground {

// "subject label object", as it is indexed and embedded.
std::string fact_text(const EntityGraph& graph, int32_t fact);

struct ScoredFact {
  int32_t fact = 0;
  double score = 0;
};

class FactIndex {
 public:
  explicit FactIndex(const EntityGraph& graph);
  // Best first, ties by number; only facts that share a term with the question. `terms` as an
  // Analyzer gives them, repeats counted.
  std::vector<ScoredFact> search(std::span<const std::string> terms, size_t k) const;

 private:
  int64_t facts_ = 0;
  double average_length_ = 1;
  // Posting::chunk is the fact's number.
  std::unordered_map<std::string, std::vector<store::Posting>> postings_;
};

}  // namespace ondol::ground
