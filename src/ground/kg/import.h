// Files of triples into a knowledge graph file.
//
//   KgImportReport r = import_knowledge(".ondol/kg.db", {"wikidata.nt.bz2"},
//                                       {.predicates = {"P31", "P19"}, .languages = {"ko", "en"}},
//                                       progress);
//   // r.written.triples, r.bad_lines, r.problems
//
// Triples of a label predicate become names of their subject and no facts; of the others the wanted
// predicates stay. A literal with a language tag stays when its language ("en" of "en-GB") is
// wanted; one without a tag always does. The file is new as a whole or as it was
// (knowledge_graph.h), and the same files give the same graph. Memory does not grow with the files.
// Errors: kCorruptData for a packed file that ends in the middle, Turtle that breaks off, and,
// `strict`, a bad line of N-Triples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "store/knowledge_graph.h"

namespace ondol::ground {

struct KgImportOptions {
  std::vector<std::string> predicates;        // IRIs or their last parts; empty: all
  std::vector<std::string> languages;         // "ko", "en"; empty: all
  std::vector<std::string> label_predicates;  // IRIs; empty: default_label_predicates()
  bool strict = false;                        // the first bad line ends the import
  bool add = false;                           // to what the file holds
  size_t problems_kept = 10;
};

struct KgImportProblem {
  std::string file;
  int64_t line = 0;
  std::string message;
};

struct KgImportReport {
  int64_t triples_read = 0;
  int64_t labels_kept = 0;
  int64_t triples_kept = 0;
  int64_t left_out_predicate = 0;  // not in the list
  int64_t left_out_language = 0;
  int64_t bad_lines = 0;
  std::vector<KgImportProblem> problems;       // the first of them
  std::vector<std::string> unused_predicates;  // of the list: no triple has them
  store::KgStatistics written;
  double seconds = 0;
};

// rdfs:label, skos:prefLabel, schema:name, foaf:name (preferred), skos:altLabel (alternative).
std::span<const std::string_view> default_label_predicates();

KgImportReport import_knowledge(const std::filesystem::path& path,
                                std::span<const std::filesystem::path> files,
                                const KgImportOptions& options, ProgressSink& progress);

}  // namespace ondol::ground
