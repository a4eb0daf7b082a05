// What a question is about, in a knowledge graph: its words to entities.
//
//   std::vector<KgMention> found = link_entities(graph, "더글러스 애덤스는 어디에서 태어났나?",
//   {});
//   // found[0].name == "더글러스 애덤스", found[0].term is Q42
//
// Mentions are the longest runs of words that are a label, from left to right, none inside another;
// of a Korean run the last word may carry a particle. An identifier ("Q42") is a mention. Function
// words alone are none. Which entity of those with the label: by how the label matches (preferred
// name, language of the question), by degree, and by how many of the question's other words stand
// in its facts. Deterministic; as thread-safe as the graph.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/knowledge_graph.h"

namespace ondol::ground {

struct KgLinkOptions {
  size_t words_max = 8;       // of a mention
  size_t candidates = 20;     // entities weighed for one mention: those of the highest degree
  size_t context_facts = 50;  // of a candidate, compared with the question
  size_t mentions_max = 8;
};

struct KgMention {
  std::string surface;  // folded words of the question
  store::KgTermId term = 0;
  std::string label;  // as the graph writes it
  double score = 0;   // 0 .. 1
  int64_t degree = 0;
};

// In the order of the question.
std::vector<KgMention> link_entities(store::KnowledgeGraph& graph, std::string_view question,
                                     const KgLinkOptions& options);

}  // namespace ondol::ground
