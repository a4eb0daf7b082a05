// The workspace's documents into its store, and a note of what that cost.
//
//   WorkspaceIngest done = ingest_workspace(workspace, session, progress);
//   // done.report.added, done.seconds; .ondol/ingest.json says the same to later readers
//
// Only what changed is worked on (ground/ingest.h). Holds the store's writer lock while it runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "app/graph_tiers.h"
#include "app/session.h"
#include "app/workspace.h"
#include "base/progress.h"
#include "ground/ingest.h"

namespace ondol::app {

struct WorkspaceIngest {
  ground::IngestReport report;
  double seconds = 0;        // of this run
  double build_seconds = 0;  // of all runs that made what the store now holds
  int64_t documents = 0;     // in the store afterwards
  std::string embedder;      // empty: a lexical index only
  bool graph = false;        // the property graph was built or kept up to date
};

struct WorkspaceIngestOptions {
  bool graph = false;     // build the property graph; one that is there is kept up to date anyway
  GraphTierOptions tier;  // of the graph
};

// {"documents", "added", "chunks_new", "failures": [{"document", "error"}], "seconds", ...}; indent
// as nlohmann::json::dump takes it, -1: one line.
std::string ingest_json(const WorkspaceIngest& done, int indent = -1);

// The embedder is the workspace's; a workspace that names none gets a lexical index only.
WorkspaceIngest ingest_workspace(const Workspace& workspace, Session& session,
                                 const WorkspaceIngestOptions& options, ProgressSink& progress);

// Where the note lies: ingest_json of the last run, replaced as a whole.
std::filesystem::path ingest_note(const Workspace& workspace);

}  // namespace ondol::app
