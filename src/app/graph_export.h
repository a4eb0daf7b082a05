// The graph for other programs.
//
//   GraphExport done = export_graph(desk, "graphml", "out/graph.graphml");
//
// graphml    one file for Gephi, networkx and others: entities, facts, names of one sentence
// neo4j      a folder of CSV files for `neo4j-admin database import`, with documents and passages
// graphrag   a folder of the CSV tables of Microsoft GraphRAG (its docs/index/outputs.md)
// nt         N-Triples; each fact also as a reified statement with its documents
//
// What the principal may see, nothing else. Every file is written whole or not at all. The first,
// third and fourth are read again by graph_import.h. Throws Error(kInvalidArgument) for an unknown
// format; the message lists the known ones.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/graph.h"

namespace ondol::app {

struct GraphExport {
  std::vector<std::filesystem::path> files;
  int64_t entities = 0;
  int64_t facts = 0;
  int64_t ties = 0;  // of names in one sentence
};

GraphExport export_graph(GraphDesk& desk, std::string_view format,
                         const std::filesystem::path& output);

// "graphml, neo4j, ..."
std::string export_formats();

}  // namespace ondol::app
