// What a person does with the property graph of a workspace.
//
//   GraphDesk desk(workspace, {.write = true});
//   desk.build(progress);
//   desk.graph().find("Marlow Review")
//
// Reads what `principal` may see; changes are for the workspace's owner. Throws Error(kNotFound)
// when nothing is ingested, or no entity has the name asked for (the message lists near ones).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/graph_tiers.h"
#include "app/workspace.h"
#include "base/progress.h"
#include "ground/entity_graph.h"
#include "ground/entity_resolution.h"
#include "ground/extraction.h"
#include "ground/fact_import.h"
#include "infer/cached_generator.h"

namespace ondol::app {

struct GraphDeskOptions {
  bool write = false;
  bool keep = false;  // reads, and keeps what models say
  std::string principal;
};

struct GraphStatistics {
  int64_t entities = 0;
  int64_t mentions = 0;
  int64_t facts = 0;
  int64_t co_occurrences = 0;
  int64_t passages = 0;        // that name something
  int64_t passages_total = 0;  // in the store
  int64_t hubs = 0;
  int64_t components = 0;
  int64_t largest_component = 0;              // entities and passages
  int64_t merges = 0;                         // of a person, in force
  int64_t same_names = 0;                     // merges that follow from the documents
  int64_t doubtful = 0;                       // pairs that a person should look at
  int64_t reports = -1;                       // of what is there now; -1: not asked
  int64_t reports_possible = 0;               // communities of two names and more
  std::map<std::string, int64_t> extractors;  // chunks read by each
  std::map<std::string, int64_t> rejected;    // reason -> how many
};

class GraphDesk {
 public:
  GraphDesk(const Workspace& workspace, const GraphDeskOptions& options);

  GraphTierReport build(const GraphTier& tier, ProgressSink& progress);
  // A file or folder of graph_import.h. Throws Error(kCorruptData) naming the line.
  ground::FactImport import_facts(const std::filesystem::path& file, ProgressSink& progress);

  // The workspace's.
  const std::string& name() const { return name_; }
  const ground::EntityGraph& graph();
  std::shared_ptr<const ground::EntityGraph> shared_graph();
  // What models said of the documents, kept beside them. The desk outlives it.
  std::unique_ptr<OutputCache> outputs();
  GraphStatistics statistics();
  // The entity of this name; `type` tells namesakes apart ("" takes the only one).
  int32_t entity(const std::string& name, const std::string& type = "");
  // Passages by their number, with their documents; by position in the argument.
  std::vector<store::ChunkView> passages(const std::vector<int32_t>& numbers);
  // Every passage that is visible, also those that name nothing.
  std::vector<store::ChunkView> all_passages();

  // Returns the merge's id. The names stay findable as aliases.
  int64_t merge(const std::string& from, const std::string& into);
  // What a person decided (with an id), then what follows from the documents (id 0).
  std::vector<store::Merge> merges();
  // Pairs that may be one entity and are not certain, best first; then, with an embedder, names
  // that mean nearly the same.
  std::vector<store::Merge> duplicates(Embedder* embedder, ProgressSink& progress);
  void undo(int64_t merge);
  // Takes every merge into this entity apart, for good: what follows from the documents is refused
  // from now on. Returns how many.
  int64_t split(const std::string& name);

 private:
  store::Scope scope() const { return {shelf_, principal_, {}}; }

  std::string name_;
  std::unique_ptr<store::Store> store_;
  store::CollectionId shelf_ = 0;
  std::string principal_;
  std::set<std::string> functional_;  // relations
  const ground::ResolvedGraph& resolved();
  std::optional<ground::ResolvedGraph> graph_;  // when first asked for, and after a change
};

}  // namespace ondol::app
