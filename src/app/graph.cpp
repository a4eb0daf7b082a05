#include "app/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/graph_import.h"
#include "base/error.h"
#include "ground/entity_name.h"
#include "ground/entity_neighbours.h"
#include "ground/graph/paths.h"
#include "ground/stored_outputs.h"

namespace ondol::app {
namespace {

constexpr size_t kNearNames = 5;

// Names that share a word with this one, the most shared first.
std::string near_names(const ground::EntityGraph& graph, const std::string& name) {
  const std::string key = ground::entity_key(name);
  const auto words = ground::key_words(key);
  std::vector<std::pair<int64_t, std::string>> near;
  for (const ground::GraphEntity& entity : graph.entities()) {
    int64_t shared = 0;
    for (const std::string_view word : ground::key_words(entity.name.key)) {
      shared += std::find(words.begin(), words.end(), word) != words.end();
    }
    if (shared > 0) near.emplace_back(-shared, entity.label);
  }
  std::sort(near.begin(), near.end());
  std::string list;
  for (size_t i = 0; i < std::min(near.size(), kNearNames); ++i) {
    list += (list.empty() ? "'" : ", '") + near[i].second + "'";
  }
  return list.empty() ? "`ondol graph stats`" : list;
}

}  // namespace

GraphDesk::GraphDesk(const Workspace& workspace, const GraphDeskOptions& options)
    : name_(workspace.book().workspace_name),
      principal_(options.principal),
      functional_(functional_relations(workspace)) {
  if (!std::filesystem::exists(workspace.store_file())) {
    throw Error(ErrorCode::kNotFound,
                "[graph] nothing is ingested yet; try `ondol ingest --graph`");
  }
  store_ = workspace.open_store(options.write  ? store::OpenMode::kReadWrite
                                : options.keep ? store::OpenMode::kReadAndKeep
                                               : store::OpenMode::kRead);
  shelf_ = store_->open_collection(kDocumentsCollection);
}

GraphTierReport GraphDesk::build(const GraphTier& tier, ProgressSink& progress) {
  graph_.reset();
  return tier.build(*store_, shelf_, progress);
}

ground::FactImport GraphDesk::import_facts(const std::filesystem::path& file,
                                           ProgressSink& progress) {
  std::vector<ground::GivenFact> facts = read_facts(file);
  if (file.extension() != ".jsonl") {  // other programs have other names for documents, or none
    const std::vector<store::ChunkView> passages = all_passages();
    std::set<std::string> known;
    for (const store::ChunkView& view : passages) known.insert(view.uri);
    for (ground::GivenFact& fact : facts) {
      if (!known.contains(fact.document)) fact.document.clear();
    }
    facts = locate_facts(std::move(facts), passages);
  }
  const auto placed = std::stable_partition(
      facts.begin(), facts.end(), [](const auto& fact) { return !fact.document.empty(); });
  const auto nowhere = static_cast<int64_t>(facts.end() - placed);
  facts.erase(placed, facts.end());
  graph_.reset();
  ground::FactImport done = ground::import_facts(*store_, shelf_, facts, progress);
  if (nowhere > 0) done.rejected["no sentence names both ends"] += nowhere;
  return done;
}

const ground::EntityGraph& GraphDesk::graph() { return *resolved().graph; }

std::shared_ptr<const ground::EntityGraph> GraphDesk::shared_graph() { return resolved().graph; }

std::unique_ptr<OutputCache> GraphDesk::outputs() {
  return std::make_unique<ground::StoredOutputs>(*store_, shelf_);
}

const ground::ResolvedGraph& GraphDesk::resolved() {
  if (!graph_) {
    ground::ResolvedGraph loaded =
        ground::load_graph(*store_, scope(), {.functional = functional_});
    if (loaded.graph->entities().empty() && store_->extractions(shelf_).empty()) {
      throw Error(ErrorCode::kNotFound,
                  "[graph] no graph was built; try `ondol graph build` or `ondol ingest --graph`");
    }
    graph_ = std::move(loaded);
  }
  return *graph_;
}

GraphStatistics GraphDesk::statistics() {
  const ground::EntityGraph& g = graph();
  GraphStatistics out;
  out.entities = static_cast<int64_t>(g.entities().size());
  out.facts = static_cast<int64_t>(g.facts().size());
  out.co_occurrences = static_cast<int64_t>(g.co_occurrences().size());
  out.passages = static_cast<int64_t>(g.passages().size());
  out.passages_total = store_->length_statistics(scope()).chunks;
  for (const ground::GraphEntity& entity : g.entities()) {
    out.mentions += static_cast<int64_t>(entity.mentions.size());
    out.hubs += entity.hub;
  }
  const auto components = ground::graph::connected_components(g.walk());
  out.components = static_cast<int64_t>(components.sizes.size());
  for (const int64_t size : components.sizes) {
    out.largest_component = std::max(out.largest_component, size);
  }
  for (const store::Merge& merge : store_->merges(shelf_)) out.merges += !merge.undone;
  out.same_names = static_cast<int64_t>(resolved().names.accepted.size());
  out.doubtful = static_cast<int64_t>(resolved().names.doubtful.size());
  for (const store::ExtractionState& state : store_->extractions(shelf_)) {
    ++out.extractors[state.extractor + " " + state.version];
    for (const auto& [reason, count] : state.rejected) out.rejected[reason] += count;
  }
  return out;
}

int32_t GraphDesk::entity(const std::string& name, const std::string& type) {
  std::vector<int32_t> found = graph().find(name);
  if (!type.empty()) {
    std::erase_if(found, [&](int32_t e) {
      return graph().entities()[static_cast<size_t>(e)].name.type != type;
    });
  }
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    throw Error(ErrorCode::kNotFound, fmt::format("[graph] nothing is called '{}'; try {}", name,
                                                  near_names(graph(), name)));
  }
  std::string classes;
  for (const int32_t e : found) {
    const std::string& its = graph().entities()[static_cast<size_t>(e)].name.type;
    classes += (classes.empty() ? "" : ", ") + (its.empty() ? "(none)" : its);
  }
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("[graph] {} entities are called '{}'; expected one; try --type, one of {}",
                  found.size(), name, classes));
}

std::vector<store::ChunkView> GraphDesk::passages(const std::vector<int32_t>& numbers) {
  std::vector<store::ChunkId> ids;
  for (const int32_t number : numbers) {
    ids.push_back(graph().passages()[static_cast<size_t>(number)]);
  }
  return store_->chunks(scope(), ids);
}

std::vector<store::ChunkView> GraphDesk::all_passages() {
  return store_->chunks(scope(), store_->chunk_ids(scope()));
}

int64_t GraphDesk::merge(const std::string& from, const std::string& into) {
  const int32_t first = entity(from);
  const int32_t second = entity(into);
  if (first == second) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[graph] '{}' and '{}' are one entity already", from, into));
  }
  const auto name = [&](int32_t e) { return graph().entities()[static_cast<size_t>(e)].name; };
  const int64_t id = store_->put_merge(shelf_, {0, name(first), name(second), "user", 1.0});
  graph_.reset();
  return id;
}

std::vector<store::Merge> GraphDesk::merges() {
  std::vector<store::Merge> all = store_->merges(shelf_);
  const auto& own = resolved().names.accepted;
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

std::vector<store::Merge> GraphDesk::duplicates(Embedder* embedder, ProgressSink& progress) {
  std::vector<store::Merge> all = resolved().names.doubtful;
  if (embedder == nullptr) return all;
  const auto near = ground::near_names(resolved(), store_->merges(shelf_), *embedder, {}, progress);
  all.insert(all.end(), near.begin(), near.end());
  return all;
}

void GraphDesk::undo(int64_t merge) {
  if (!store_->undo_merge(shelf_, merge)) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[graph] no merge {} is in force; try `ondol graph merges`", merge));
  }
  graph_.reset();
}

int64_t GraphDesk::split(const std::string& name) {
  const store::EntityName kept = graph().entities()[static_cast<size_t>(entity(name))].name;
  int64_t undone = 0;
  for (store::Merge merge : merges()) {
    if (merge.undone || merge.into != kept) continue;
    ++undone;
    if (merge.id != 0) {
      store_->undo_merge(shelf_, merge.id);
    } else {
      merge.undone = true;
      store_->put_merge(shelf_, merge);
    }
  }
  if (undone == 0) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[graph] nothing was merged into '{}'; nothing to split", name));
  }
  graph_.reset();
  return undone;
}

}  // namespace ondol::app
