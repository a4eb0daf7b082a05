// The workspace's external knowledge graph: .ondol/kg.db, made by `ondol kg import`.
//
//   KgImportReport r = import_workspace_knowledge(workspace, {"dump.nt.bz2"}, {}, progress);
//   auto graph = open_workspace_knowledge(workspace);   // null: none was imported
//   std::string json = kg_entities_json(lookup_entities(*graph, "Q42", {}));
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "app/workspace.h"
#include "ground/kg/export.h"
#include "ground/kg/import.h"
#include "ground/kg/lookup.h"

namespace ondol::app {

std::filesystem::path knowledge_file(const Workspace& workspace);
ground::KgImportReport import_workspace_knowledge(const Workspace& workspace,
                                                  std::span<const std::filesystem::path> files,
                                                  const ground::KgImportOptions& options,
                                                  ProgressSink& progress);
std::unique_ptr<store::KnowledgeGraph> open_workspace_knowledge(const Workspace& workspace);
// Throws Error(kNotFound) asking for `ondol kg import`.
std::unique_ptr<store::KnowledgeGraph> need_workspace_knowledge(const Workspace& workspace);

// Rows to train on into a file, as a whole or not at all.
ground::KgExportReport export_workspace_knowledge(const Workspace& workspace,
                                                  const std::filesystem::path& file,
                                                  const ground::KgExportOptions& options,
                                                  ProgressSink& progress);

// How long a look-up takes: of `entities` drawn from the graph (seeded), each with its facts one
// step away, named; by identifier and by name.
struct KgBench {
  int64_t entities = 0;
  int64_t facts = 0;            // of all of them together
  double by_identifier_ms = 0;  // median
  double by_identifier_p99_ms = 0;
  double by_name_ms = 0;
  double by_name_p99_ms = 0;
};
KgBench bench_knowledge(store::KnowledgeGraph& graph, int64_t entities, int64_t facts,
                        ProgressSink& progress);

std::string kg_bench_json(const KgBench& bench);
std::string kg_export_json(const ground::KgExportReport& report);
std::string kg_import_json(const ground::KgImportReport& report);
std::string kg_entities_json(std::span<const ground::KgEntity> entities);

}  // namespace ondol::app
