// Facts that other programs wrote, read into rows with their documents.
//
//   std::vector<ground::GivenFact> facts = read_facts("graph.graphml");
//   facts = locate_facts(std::move(facts), desk.all_passages());  // where a file leaves it out
//
// By the name of the file: .jsonl (one fact a line), .graphml and .nt (as graph_export.h writes
// them), or a folder with GraphRAG's relationships.csv, and entities.csv, text_units.csv and
// documents.csv where they are there. Facts alone are taken: an entity is in the graph because a
// document's passage names it. Throws Error(kCorruptData) naming the place for a file that breaks
// its format, Error(kUnsupported) for a file of another kind.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ground/fact_import.h"
#include "store/store.h"

namespace ondol::app {

// Facts whose document the file does not say have an empty one.
std::vector<ground::GivenFact> read_facts(const std::filesystem::path& path);

// Gives a fact without a document every document with a sentence that names both its ends (or one,
// and the title the other): one row each. The rest stay without.
std::vector<ground::GivenFact> locate_facts(std::vector<ground::GivenFact> facts,
                                            std::span<const store::ChunkView> passages);

// ---- one reader a format; `name` is for messages ----
std::vector<ground::GivenFact> read_json_lines(std::string_view text, std::string_view name);
std::vector<ground::GivenFact> read_graphml(std::string_view text, std::string_view name);
std::vector<ground::GivenFact> read_triples(std::string_view text, std::string_view name);

struct GraphragTables {
  std::string relationships;
  std::string entities;  // this and the rest may be empty
  std::string text_units;
  std::string documents;
};
std::vector<ground::GivenFact> read_graphrag(const GraphragTables& tables);

}  // namespace ondol::app
