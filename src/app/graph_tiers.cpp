#include "app/graph_tiers.h"

#include "app/embedded.h"
#include "app/ontology_file.h"
#include "base/error.h"

namespace ondol::app {

ground::Ontology workspace_ontology(const Workspace& workspace,
                                    const std::filesystem::path& wanted) {
  if (!wanted.empty()) return load_ontology(wanted).ontology;
  const std::filesystem::path own = workspace.folder() / "ontology.toml";
  if (std::filesystem::exists(own)) return load_ontology(own).ontology;
  return parse_ontology(default_ontology(), "the program's ontology.toml");
}

GraphTier::GraphTier(const Workspace& workspace, Session* session,
                     const GraphTierOptions& options) {
  extractors_.push_back(ground::make_extractor("names"));
  if (options.tier == "auto" || options.tier == "0") return;
  for (const ground::ExtractorInfo& info : ground::extractor_registry()) {
    if (info.tier == 0 || std::to_string(info.tier) != options.tier) continue;
    const std::string model = options.model.empty() ? workspace.book().model : options.model;
    ontology_ =
        std::make_unique<ground::OntologyIndex>(workspace_ontology(workspace, options.ontology));
    extractors_.push_back(ground::make_extractor(
        info.name, {.generator = &session->generator(model), .ontology = ontology_.get()}));
    return;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "[graph] unknown tier '" + options.tier + "'; expected auto, 0, 1 or 2");
}

ground::GraphBuildReport GraphTier::build(store::Store& store, store::CollectionId collection,
                                          ProgressSink& progress) const {
  ground::GraphBuildReport all;
  for (const auto& extractor : extractors_) {
    const ground::GraphBuildReport one =
        ground::build_graph(store, collection, *extractor, progress);
    all.chunks = one.chunks;
    all.extracted += one.extracted;
    all.mentions += one.mentions;
    all.facts += one.facts;
    if (extractor->name() == "names") all.empty = one.empty;
    for (const auto& [reason, count] : one.rejected) all.rejected[reason] += count;
  }
  return all;
}

}  // namespace ondol::app
