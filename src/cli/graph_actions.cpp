#include "cli/graph_actions.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "app/graph_ontology.h"
#include "app/graph_reports.h"
#include "app/ontology_file.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/graph_text.h"

namespace ondol::cli {

using Json = nlohmann::ordered_json;

void need_names(const GraphOptions& options, size_t count, const char* usage) {
  if (options.names.size() == count) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[graph] `{}` got {} arguments; expected `ondol graph {} {}`",
                          options.action, options.names.size(), options.action, usage));
}

namespace {

// What a run without --dry-run would ask; answers are counted as if each took all it may.
std::string estimate_text(const app::GraphTierReport& report) {
  return fmt::format(
      "{} chunks\n{} calls of the model ({} more are answered already)\n"
      "{} tokens of prompts, at most {} of answers\nnothing was asked or written\n",
      report.chunks, report.spent.calls, report.spent.remembered, report.spent.prompt_tokens,
      report.spent.completion_tokens);
}

std::string build_text(const app::GraphTierReport& r) {
  std::string text = fmt::format("{} chunks, {} read now: {} mentions, {} facts", r.chunks,
                                 r.extracted, r.mentions, r.facts);
  text += r.claims > 0 ? fmt::format(", {} claims\n", r.claims) : "\n";
  if (r.spent.calls + r.spent.remembered > 0) {
    text += fmt::format("{} calls of the model ({} more were remembered): {} + {} tokens\n",
                        r.spent.calls, r.spent.remembered, r.spent.prompt_tokens,
                        r.spent.completion_tokens);
  }
  for (const auto& [why, count] : r.rejected) text += fmt::format("left out: {}: {}\n", why, count);
  if (r.empty > 0) text += fmt::format("{} documents name nothing\n", r.empty);
  if (r.failed > 0) {
    text += fmt::format("{} chunks failed; `ondol graph build` reads them again\n", r.failed);
  }
  if (!r.stopped.empty()) text += "stopped: " + r.stopped + "\n";
  return text;
}

}  // namespace

int graph_build(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 0, "");
  app::Session session = make_session(options.engine);
  app::GraphTierOptions wanted = options.tier;
  wanted.ontology = options.ontology;
  wanted.limits = options.limits;
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  const app::GraphTier tier(workspace, &session, wanted);
  const app::GraphTierReport report = desk.build(tier, context.progress);
  if (options.json) {
    context.print(json_line(Json{{"chunks", report.chunks},
                                 {"extracted", report.extracted},
                                 {"mentions", report.mentions},
                                 {"facts", report.facts},
                                 {"claims", report.claims},
                                 {"rejected", report.rejected},
                                 {"empty", report.empty},
                                 {"failed", report.failed},
                                 {"stopped", report.stopped},
                                 {"dry", wanted.limits.dry},
                                 {"calls", report.spent.calls},
                                 {"remembered", report.spent.remembered},
                                 {"prompt_tokens", report.spent.prompt_tokens},
                                 {"completion_tokens", report.spent.completion_tokens}}));
  } else {
    context.print(wanted.limits.dry ? estimate_text(report) : build_text(report));
  }
  const bool whole = report.empty == 0 && report.failed == 0 && report.stopped.empty();
  return whole ? kExitDone : kExitNegative;
}

namespace {

// The model asked for, else the workspace's for summaries.
Generator& reports_model(const GraphOptions& options, app::Session& session) {
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  session.add_endpoints(workspace.book().endpoints);
  const std::string& own = options.tier.model;
  return session.generator(own.empty() ? workspace.book().roles.summarise : own);
}

}  // namespace

int graph_statistics(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 0, "");
  app::GraphStatistics s = desk.statistics();
  if (options.reports) {
    app::Session session = make_session(options.engine);
    app::GraphReports reports(desk, reports_model(options, session));
    std::tie(s.reports, s.reports_possible) = reports.current();
  }
  context.print(options.json ? statistics_json(s) : statistics_text(s));
  return kExitDone;
}

namespace {

// Makes those of the levels down to `level` and prints those of this one.
int make_reports(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  app::Session session = make_session(options.engine);
  app::GraphReports reports(desk, reports_model(options, session), options.limits);
  const ground::ReportsMade made = reports.make(reports.levels(0, options.level), context.progress);
  if (options.limits.dry) {
    const GenerationSpent spent = reports.spent();
    const Json row{{"calls", spent.calls},
                   {"known", made.known},
                   {"prompt_tokens", spent.prompt_tokens},
                   {"answer_tokens_max", spent.completion_tokens}};
    context.print(
        options.json
            ? json_line(row)
            : fmt::format("{} reports to make, {} there: {} tokens of prompts, at most {} "
                          "of answers\n",
                          spent.calls, made.known, spent.prompt_tokens, spent.completion_tokens));
    return kExitDone;
  }
  context.print(options.json ? reports_json(desk, reports, made, options.level, options.limit)
                             : reports_text(desk, reports, made, options.level, options.limit));
  return made.failed.empty() && made.stopped.empty() ? kExitDone : kExitNegative;
}

}  // namespace

int graph_communities(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 0, "");
  if (options.reports) return make_reports(options, desk, context);
  context.print(options.json ? communities_json(desk, options.level, options.limit)
                             : communities_text(desk, options.level, options.limit));
  return kExitDone;
}

int graph_duplicates(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 0, "");
  app::Session session = make_session(options.engine);
  Embedder* embedder = nullptr;
  if (options.by_meaning) {
    const app::Workspace workspace = app::Workspace::open(options.workspace);
    if (workspace.book().embedder.empty()) {
      throw Error(
          ErrorCode::kInvalidArgument,
          "[graph] --by-meaning needs an embedder; got none, expected one in ondol.toml; try "
          "`ondol pull all-minilm-l6-v2`");
    }
    session.add_endpoints(workspace.book().endpoints);
    embedder = &session.embedder(workspace.book().embedder);
  }
  const std::vector<store::Merge> pairs = desk.duplicates(embedder, context.progress);
  context.print(options.json ? merges_json(pairs) : merges_text(pairs));
  return kExitDone;
}

int graph_ontology(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 0, "");
  if (!options.suggest) {
    const ground::Ontology used =
        app::workspace_ontology(app::Workspace::open(options.workspace), options.ontology);
    context.print(options.json ? json_line(Json{{"classes", used.classes.size()},
                                                {"relations", used.relations.size()},
                                                {"properties", used.properties.size()},
                                                {"toml", app::ontology_toml(used)}})
                               : app::ontology_toml(used));
    return kExitDone;
  }
  app::Session session = make_session(options.engine);
  // A small model names classes badly: it is asked only where it was named.
  Generator* model = options.tier.model.empty() ? nullptr : &reports_model(options, session);
  const app::OntologyProposal made = app::propose_ontology(desk, model, options.limits);
  if (!options.output.empty()) write_file_atomic(options.output, made.toml);
  if (options.json) {
    context.print(json_line(Json{{"classes", made.suggestion.ontology.classes.size()},
                                 {"relations", made.suggestion.relations.size()},
                                 {"dropped", made.suggestion.dropped},
                                 {"file", options.output},
                                 {"toml", made.toml}}));
  } else if (options.output.empty()) {
    context.print(made.toml);
  } else {
    context.print(fmt::format("{}: {} classes, {} relations\n", options.output,
                              made.suggestion.ontology.classes.size(),
                              made.suggestion.relations.size()));
  }
  return made.suggestion.relations.empty() ? kExitNegative : kExitDone;
}

}  // namespace ondol::cli
