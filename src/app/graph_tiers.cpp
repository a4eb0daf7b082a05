#include "app/graph_tiers.h"

#include "app/embedded.h"
#include "app/ontology_file.h"
#include "base/error.h"
#include "ground/stored_outputs.h"

namespace ondol::app {

ground::Ontology workspace_ontology(const Workspace& workspace,
                                    const std::filesystem::path& wanted) {
  if (!wanted.empty()) return load_ontology(wanted).ontology;
  const std::filesystem::path own = workspace.folder() / "ontology.toml";
  if (std::filesystem::exists(own)) return load_ontology(own).ontology;
  return parse_ontology(default_ontology(), "the program's ontology.toml");
}

std::set<std::string> functional_relations(const Workspace& workspace) {
  std::set<std::string> names;
  for (const ground::OntologyRelation& relation : workspace_ontology(workspace, "").relations) {
    if (relation.functional) names.insert(relation.name);
  }
  return names;
}

GraphTier::GraphTier(const Workspace& workspace, Session* session, const GraphTierOptions& options)
    : session_(session), options_(options), names_(ground::make_extractor("names")) {
  if (options.tier == "auto" || options.tier == "0") return;
  for (const ground::ExtractorInfo& info : ground::extractor_registry()) {
    if (info.tier > 0 && std::to_string(info.tier) == options.tier) higher_ = info.name;
  }
  if (higher_.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[graph] unknown tier '" + options.tier + "'; expected auto, 0, 1, 2 or 3");
  }
  if (options_.model.empty()) options_.model = workspace.book().roles.extract;
  session->add_endpoints(workspace.book().endpoints);
  ontology_ =
      std::make_unique<ground::OntologyIndex>(workspace_ontology(workspace, options.ontology));
}

namespace {

void add(GraphTierReport& all, const ground::GraphBuildReport& one) {
  all.chunks = one.chunks;
  all.extracted += one.extracted;
  all.mentions += one.mentions;
  all.facts += one.facts;
  all.claims += one.claims;
  all.failed += one.failed;
  if (!one.stopped.empty()) all.stopped = one.stopped;
  for (const auto& [reason, count] : one.rejected) all.rejected[reason] += count;
}

}  // namespace

GraphTierReport GraphTier::build(store::Store& store, store::CollectionId collection,
                                 ProgressSink& progress) const {
  GraphTierReport all;
  const ground::GraphBuildReport names =
      ground::build_graph(store, collection, *names_, progress, {.dry = options_.limits.dry});
  add(all, names);
  all.empty = names.empty;
  if (higher_.empty()) return all;
  ground::StoredOutputs outputs(store, collection);
  CachedGenerator model(session_->generator(options_.model), &outputs, options_.limits);
  const auto extractor =
      ground::make_extractor(higher_, {.generator = &model, .ontology = ontology_.get()});
  add(all,
      ground::build_graph(store, collection, *extractor, progress, {.dry = options_.limits.dry}));
  all.spent = model.spent();
  return all;
}

}  // namespace ondol::app
