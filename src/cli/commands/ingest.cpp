// ondol ingest: the workspace's documents into its store.
#include "app/ingest.h"

#include <fmt/format.h>

#include <array>

#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct IngestCommandOptions {
  std::string workspace = ".";
  EngineOptions engine;
  bool graph = false;
  app::GraphTierOptions tier;
  bool json = false;
};

std::string ingest_text(const app::WorkspaceIngest& done) {
  const ground::IngestReport& report = done.report;
  std::string text = fmt::format(
      "{} documents: {} added, {} changed, {} unchanged, {} removed\n"
      "{} new chunks, {} kept, {} embedded, in {:.1f} s\n",
      done.documents, report.added, report.changed, report.unchanged, report.removed,
      report.chunks_new, report.chunks_kept, report.chunks_embedded, done.seconds);
  if (done.graph) text += fmt::format("graph: {} chunks read\n", report.chunks_extracted);
  for (const std::string& file : report.ignored) text += "not a document: " + file + "\n";
  for (const auto& failure : report.failures) {
    text += "failed: " + failure.uri + ": " + failure.error + "\n";
  }
  return text;
}

int ingest(const IngestCommandOptions& options, Context& context) {
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  app::Session session = make_session(options.engine);
  const app::WorkspaceIngest done = app::ingest_workspace(
      workspace, session,
      {.graph = options.graph || options.tier.tier != "auto", .tier = options.tier},
      context.progress);
  context.print(options.json ? app::ingest_json(done) + '\n' : ingest_text(done));
  return done.report.failures.empty() ? kExitDone : kExitNegative;
}

Action declare(Options& options) {
  const auto o = std::make_shared<IngestCommandOptions>();
  options.flag("--graph", &o->graph,
               "also the graph of names and relations; kept up to date from then on");
  options.choice("--tier", &o->tier.tier, {"auto", "0", "1", "2", "3"},
                 "with a graph: 0 names, 1 to 3 also relations (ondol graph build)");
  declare_workspace(options, &o->workspace);
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return ingest(*o, context); };
}

constexpr std::array<std::string_view, 3> kLines = {"ondol ingest", "ondol ingest --graph",
                                                    "ondol ingest -w my-assistant --json"};

}  // namespace

constinit const Command kIngest = {
    .name = "ingest",
    .summary = {"read the workspace's documents; only what changed is worked on",
                "작업 폴더의 문서를 읽습니다. 바뀐 것만 다시 합니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
