// The extractors of a tier, with what they need.
//
//   GraphTier tier(workspace, &session, {.tier = "2"});
//   GraphTierReport report = tier.build(*store, shelf, progress);
//
// Every tier has the names of tier 0. Tiers 1, 2 and 3 also have the model of the workspace's role
// `extract`, whose answers are kept in the store, and an ontology: the file asked for, else the
// workspace's ontology.toml, else the one that comes with the program. "auto" is tier 0: relations
// that models below about 7 billion parameters extract have to be wanted. Throws
// Error(kInvalidArgument) for a tier that does not exist.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/session.h"
#include "app/workspace.h"
#include "ground/extraction.h"

namespace ondol::app {

struct GraphTierOptions {
  std::string tier = "auto";       // auto, 0, 1, 2, 3
  std::filesystem::path ontology;  // empty: the workspace's, or the program's
  std::string model;               // empty: the workspace's for extracting
  GenerationLimits limits;         // dry: nothing is asked or written, only counted
};

struct GraphTierReport : ground::GraphBuildReport {
  GenerationSpent spent;  // of the model
};

class GraphTier {
 public:
  // `session` may be null for tier 0. The workspace and session outlive it.
  GraphTier(const Workspace& workspace, Session* session, const GraphTierOptions& options);

  const ground::Extractor& names() const { return *names_; }  // tier 0
  // Both extractors over the collection, one after the other; the counts are summed.
  GraphTierReport build(store::Store& store, store::CollectionId collection,
                        ProgressSink& progress) const;
  const ground::OntologyIndex* ontology() const { return ontology_.get(); }  // null: tier 0

 private:
  Session* session_;
  GraphTierOptions options_;
  std::string higher_;  // the extractor above tier 0; empty: none
  std::unique_ptr<ground::OntologyIndex> ontology_;
  std::unique_ptr<ground::Extractor> names_;
};

// The workspace's relations of which a later fact ends the one before.
std::set<std::string> functional_relations(const Workspace& workspace);
// The ontology that such options lead to.
ground::Ontology workspace_ontology(const Workspace& workspace,
                                    const std::filesystem::path& wanted);

}  // namespace ondol::app
