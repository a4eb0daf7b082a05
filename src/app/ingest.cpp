#include "app/ingest.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/question_source.h"
#include "base/files.h"

namespace ondol::app {
namespace {

using Json = nlohmann::ordered_json;

bool did_nothing(const ground::IngestReport& report) {
  return report.added + report.changed + report.removed + report.chunks_embedded +
             report.chunks_extracted ==
         0;
}

}  // namespace

std::string ingest_json(const WorkspaceIngest& done, int indent) {
  const ground::IngestReport& report = done.report;
  Json failures = Json::array();
  for (const auto& failure : report.failures) {
    failures.push_back({{"document", failure.uri}, {"error", failure.error}});
  }
  const Json json = {{"documents", done.documents},
                     {"added", report.added},
                     {"changed", report.changed},
                     {"unchanged", report.unchanged},
                     {"removed", report.removed},
                     {"chunks_new", report.chunks_new},
                     {"chunks_kept", report.chunks_kept},
                     {"chunks_embedded", report.chunks_embedded},
                     {"documents_without_vectors", report.documents_without_vectors},
                     {"embedder", done.embedder},
                     {"graph", done.graph},
                     {"chunks_extracted", report.chunks_extracted},
                     {"ignored", report.ignored},
                     {"failures", failures},
                     {"seconds", done.seconds},
                     {"build_seconds", done.build_seconds}};
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::filesystem::path ingest_note(const Workspace& workspace) {
  return workspace.state() / "ingest.json";
}

WorkspaceIngest ingest_workspace(const Workspace& workspace, Session& session,
                                 const WorkspaceIngestOptions& options, ProgressSink& progress) {
  const auto start = std::chrono::steady_clock::now();
  session.add_endpoints(workspace.book().endpoints);
  const std::string& name = workspace.book().embedder;
  Embedder* embedder = name.empty() ? nullptr : &session.embedder(name);
  const auto store = workspace.open_store(store::OpenMode::kReadWrite);
  const store::CollectionId collection = store->open_collection(kDocumentsCollection);

  WorkspaceIngest done;
  done.embedder = name;
  done.graph = options.graph || !store->extractions(collection).empty();
  std::optional<GraphTier> tier;
  if (done.graph) tier.emplace(workspace, &session, options.tier);
  const ground::Extractor* names = tier ? &tier->names() : nullptr;
  done.report = ground::ingest_folder(*store, collection, workspace.documents(), embedder,
                                      {.extractor = names}, progress);
  if (tier) {
    // Documents that did not change and were never read for a graph, and what higher tiers read.
    const GraphTierReport built = tier->build(*store, collection, progress);
    done.report.chunks_extracted += built.extracted;
    if (!built.stopped.empty()) done.report.failures.push_back({"graph", built.stopped});
    if (built.failed > 0) {
      done.report.failures.push_back({"graph", std::to_string(built.failed) +
                                                   " passages could not be read by the model; "
                                                   "`ondol graph build` reads them again"});
    }
  }
  done.documents = static_cast<int64_t>(store->documents(collection).size());
  done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double before = read_build_seconds(workspace, kDocumentsCollection);
  if (did_nothing(done.report) && std::filesystem::exists(ingest_note(workspace))) {
    // The note keeps what building cost; looking again costs nothing worth a note.
    done.build_seconds = before;
    return done;
  }
  // Work on top of what was kept adds to its cost; a store built from nothing starts anew.
  const bool from_nothing = done.report.unchanged == 0 && done.report.chunks_kept == 0;
  done.build_seconds = done.seconds + (from_nothing ? 0 : before);
  record_build_seconds(workspace, kDocumentsCollection, done.build_seconds);
  write_file_atomic(ingest_note(workspace), ingest_json(done, 2) + "\n");
  return done;
}

}  // namespace ondol::app
