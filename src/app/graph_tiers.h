// The extractors of a tier, with what they need.
//
//   GraphTier tier(workspace, &session, {.tier = "2"});
//   ground::GraphBuildReport report = tier.build(*store, shelf, progress);
//
// Every tier has the names of tier 0. Tiers 1 and 2 also have the workspace's model and an
// ontology: the file asked for, else the workspace's ontology.toml, else the one that comes with
// the program. "auto" is tier 0: relations that models below about 7 billion parameters extract
// have to be wanted. Throws Error(kInvalidArgument) for a tier that does not exist.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/session.h"
#include "app/workspace.h"
#include "ground/extraction.h"

namespace ondol::app {

struct GraphTierOptions {
  std::string tier = "auto";       // auto, 0, 1, 2
  std::filesystem::path ontology;  // empty: the workspace's, or the program's
  std::string model;               // empty: the workspace's
};

class GraphTier {
 public:
  // `session` may be null for tier 0. The workspace and session outlive it.
  GraphTier(const Workspace& workspace, Session* session, const GraphTierOptions& options);

  const std::vector<std::unique_ptr<ground::Extractor>>& extractors() const { return extractors_; }
  // Every extractor over the collection, one after the other; the counts are summed.
  ground::GraphBuildReport build(store::Store& store, store::CollectionId collection,
                                 ProgressSink& progress) const;
  const ground::OntologyIndex* ontology() const { return ontology_.get(); }  // null: tier 0

 private:
  std::unique_ptr<ground::OntologyIndex> ontology_;
  std::vector<std::unique_ptr<ground::Extractor>> extractors_;
};

// The ontology that such options lead to.
ground::Ontology workspace_ontology(const Workspace& workspace,
                                    const std::filesystem::path& wanted);

}  // namespace ondol::app
