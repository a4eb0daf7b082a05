// The actions of `ondol graph` that may ask a model or an embedder, for commands/graph.cpp.
#pragma once

#include <string>
#include <vector>

#include "app/graph.h"
#include "cli/common.h"

namespace ondol::cli {

// What `ondol graph` was asked.
struct GraphOptions {
  std::string action;
  std::vector<std::string> names;
  std::string workspace = ".";
  std::string type;
  std::string principal;
  app::GraphTierOptions tier;
  std::string ontology;
  EngineOptions engine;
  bool reports = false;
  bool suggest = false;
  bool by_meaning = false;
  GenerationLimits limits;
  int64_t level = 0;
  int64_t limit = 5;
  int64_t nodes = 500;
  int64_t hops = 2;
  std::string output;
  std::string format = "graphml";
  bool json = false;
};

// The arguments after the action; `usage` names them.
void need_names(const GraphOptions& options, size_t count, const char* usage);

int graph_build(const GraphOptions& options, app::GraphDesk& desk, Context& context);
int graph_statistics(const GraphOptions& options, app::GraphDesk& desk, Context& context);
int graph_communities(const GraphOptions& options, app::GraphDesk& desk, Context& context);
int graph_duplicates(const GraphOptions& options, app::GraphDesk& desk, Context& context);
int graph_ontology(const GraphOptions& options, app::GraphDesk& desk, Context& context);

}  // namespace ondol::cli
