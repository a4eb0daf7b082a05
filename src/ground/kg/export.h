// Facts of a knowledge graph as rows to train on: knowledge put into the weights in place of the
// prompt.
//
//   KgExportReport r = export_facts(*graph, {.style = "qa", .languages = {"ko"}}, write_line,
//   progress);
//
// One line of JSON a fact, in the order of the graph (docs/training.md, "Formats of rows"):
//   "text"  {"text": "Douglas Adams - place of birth - Cambridge"}
//   "qa"    {"question": "What is the place of birth of Douglas Adams?", "answer": "Cambridge"}, in
//           Korean "더글러스 애덤스의 출생지는 무엇인가?"; several objects of one subject and
//           predicate are one row
// Facts of unnamed subjects or objects (no label in any language, blank nodes) are left out and
// counted: they would teach identifiers. Dates and numbers are kept as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "store/knowledge_graph.h"

namespace ondol::ground {

struct KgExportOptions {
  std::string style = "text";                   // or "qa"
  std::vector<std::string> languages = {"en"};  // of names, the best first; the first decides how
                                                // questions are put
  std::vector<std::string> predicates;          // IRIs or their last parts; empty: all
  size_t objects_max = 10;                      // of a question; with more it has no short answer
};

struct KgExportReport {
  int64_t rows = 0;
  int64_t facts = 0;             // that went into rows
  int64_t without_name = 0;      // left out
  int64_t too_many_objects = 0;  // facts of questions left out
};

KgExportReport export_facts(store::KnowledgeGraph& graph, const KgExportOptions& options,
                            const std::function<void(std::string_view line)>& write,
                            ProgressSink& progress);

// The word with 은 or 는, by its last sound; with both where it is no Hangul.
std::string with_topic_particle(const std::string& word);

}  // namespace ondol::ground
