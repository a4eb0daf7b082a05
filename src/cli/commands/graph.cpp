// ondol graph: the property graph of the workspace's documents.
#include "app/graph.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <tuple>

#include "app/graph_export.h"
#include "app/graph_page.h"
#include "app/graph_reports.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/graph_text.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kLimitMax = 10000;
constexpr int64_t kLevelMax = 100;
constexpr int64_t kNodesMax = 500;
constexpr int64_t kHopsMax = 10;
constexpr int64_t kCallsMax = 1'000'000'000;
constexpr int64_t kTokensMax = 1'000'000'000'000;

struct GraphOptions {
  std::string action;
  std::vector<std::string> names;
  std::string workspace = ".";
  std::string type;
  std::string principal;
  app::GraphTierOptions tier;
  std::string ontology;
  EngineOptions engine;
  bool reports = false;
  GenerationLimits limits;
  int64_t level = 0;
  int64_t limit = 5;
  int64_t nodes = 500;
  int64_t hops = 2;
  std::string output;
  std::string format = "graphml";
  bool json = false;
};

// The arguments after the action; `usage` names them.
void need(const GraphOptions& options, size_t count, const char* usage) {
  if (options.names.size() == count) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[graph] `{}` got {} arguments; expected `ondol graph {} {}`",
                          options.action, options.names.size(), options.action, usage));
}

int build(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 0, "");
  app::Session session = make_session(options.engine);
  app::GraphTierOptions wanted = options.tier;
  wanted.ontology = options.ontology;
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  const app::GraphTier tier(workspace, &session, wanted);
  const ground::GraphBuildReport report = desk.build(tier, context.progress);
  if (options.json) {
    context.print(json_line(Json{{"chunks", report.chunks},
                                 {"extracted", report.extracted},
                                 {"mentions", report.mentions},
                                 {"facts", report.facts},
                                 {"rejected", report.rejected},
                                 {"empty", report.empty}}));
  } else {
    std::string text = fmt::format("{} chunks, {} read now: {} mentions, {} facts\n", report.chunks,
                                   report.extracted, report.mentions, report.facts);
    for (const auto& [why, count] : report.rejected) {
      text += fmt::format("left out: {}: {}\n", why, count);
    }
    if (report.empty > 0) text += fmt::format("{} documents name nothing\n", report.empty);
    context.print(text);
  }
  return report.empty == 0 ? kExitDone : kExitNegative;
}

int import_file(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 1, "FILE");
  const ground::FactImport done = desk.import_facts(options.names[0], context.progress);
  if (options.json) {
    context.print(json_line(Json{{"taken", done.taken}, {"rejected", done.rejected}}));
  } else {
    std::string text = fmt::format("{} facts taken\n", done.taken);
    for (const auto& [why, count] : done.rejected)
      text += fmt::format("left out: {}: {}\n", why, count);
    context.print(text);
  }
  return done.rejected.empty() ? kExitDone : kExitNegative;
}

int show(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 1, "NAME");
  const int32_t entity = desk.entity(options.names[0], options.type);
  context.print(options.json ? entity_json(desk, entity, options.limit)
                             : entity_text(desk, entity, options.limit));
  return kExitDone;
}

int path(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 2, "NAME NAME");
  const int32_t from = desk.entity(options.names[0]), to = desk.entity(options.names[1]);
  const std::string text = path_text(desk, from, to);
  if (options.json)
    context.print(path_json(desk, from, to));
  else
    context.print(text.empty() ? "no path\n" : text);
  return text.empty() ? kExitNegative : kExitDone;
}

int merge(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 2, "NAME INTO");
  const int64_t id = desk.merge(options.names[0], options.names[1]);
  context.print(options.json
                    ? json_line(Json{{"merge", id}})
                    : fmt::format("merge {}; `ondol graph undo {}` takes it back\n", id, id));
  return kExitDone;
}

int undo(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 1, "MERGE");
  int64_t id = 0;
  const std::string& text = options.names[0];
  const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "[graph] '" + text + "' is no merge; expected its number; try `ondol graph merges`");
  }
  desk.undo(id);
  context.print(options.json ? json_line(Json{{"undone", id}}) : fmt::format("{} undone\n", id));
  return kExitDone;
}

int split(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 1, "NAME");
  const int64_t undone = desk.split(options.names[0]);
  context.print(options.json ? json_line(Json{{"undone", undone}})
                             : fmt::format("{} merges undone\n", undone));
  return kExitDone;
}

Generator& reports_model(const GraphOptions& options, app::Session& session) {
  const std::string& own = options.tier.model;
  return session.generator(own.empty() ? app::Workspace::open(options.workspace).book().model
                                       : own);
}

int statistics(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 0, "");
  app::GraphStatistics s = desk.statistics();
  if (options.reports) {
    app::Session session = make_session(options.engine);
    app::GraphReports reports(desk, reports_model(options, session));
    std::tie(s.reports, s.reports_possible) = reports.current();
  }
  context.print(options.json ? statistics_json(s) : statistics_text(s));
  return kExitDone;
}

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

int communities(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 0, "");
  if (options.reports) return make_reports(options, desk, context);
  context.print(options.json ? communities_json(desk, options.level, options.limit)
                             : communities_text(desk, options.level, options.limit));
  return kExitDone;
}

int merges(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 0, "");
  context.print(options.json ? merges_json(desk.merges()) : merges_text(desk.merges()));
  return kExitDone;
}

int duplicates(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 0, "");
  context.print(options.json ? merges_json(desk.duplicates()) : merges_text(desk.duplicates()));
  return kExitDone;
}

void need_output(const GraphOptions& options, const char* example) {
  if (!options.output.empty()) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[graph] `{}` needs --output; try `ondol graph {} --output {}`",
                          options.action, options.action, example));
}

int view(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  if (options.names.size() > 1) need(options, 1, "[NAME] --output FILE.html");
  need_output(options, "graph.html");
  const std::string name = options.names.empty() ? "" : options.names[0];
  const app::GraphView view = app::graph_view(desk, {.name = name,
                                                     .type = options.type,
                                                     .nodes_max = options.nodes,
                                                     .hops = options.hops,
                                                     .level = static_cast<int32_t>(options.level)});
  const std::string title = desk.name() + (name.empty() ? "" : ": " + name);
  write_file_atomic(options.output, app::graph_page(view, desk.graph(), title));
  context.print(options.json ? json_line(Json{{"file", options.output},
                                              {"entities", view.nodes.size()},
                                              {"entities_total", view.entities},
                                              {"links", view.edges.size()},
                                              {"links_hidden", view.edges_hidden}})
                             : fmt::format("{}: {} of {} entities, {} links\n", options.output,
                                           view.nodes.size(), view.entities, view.edges.size()));
  return kExitDone;
}

int export_files(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need(options, 0, "--format FORMAT --output PATH");
  need_output(options, "graph.graphml");
  const app::GraphExport done = app::export_graph(desk, options.format, options.output);
  if (options.json) {
    Json files = Json::array();
    for (const auto& path : done.files) files.push_back(path.string());
    context.print(json_line(Json{{"files", files},
                                 {"entities", done.entities},
                                 {"facts", done.facts},
                                 {"ties", done.ties}}));
  } else {
    std::string text = fmt::format("{} entities, {} facts, {} ties of names in one sentence\n",
                                   done.entities, done.facts, done.ties);
    for (const auto& path : done.files) text += path.string() + "\n";
    context.print(text);
  }
  return kExitDone;
}

struct GraphAction {
  std::string_view name;
  bool writes;
  int (*run)(const GraphOptions& options, app::GraphDesk& desk, Context& context);
};

constexpr GraphAction kActions[] = {
    {"build", true, build},
    {"stats", false, statistics},
    {"show", false, show},
    {"path", false, path},
    {"communities", false, communities},
    {"view", false, view},
    {"import", true, import_file},
    {"export", false, export_files},
    {"merge", true, merge},
    {"split", true, split},
    {"undo", true, undo},
    {"duplicates", false, duplicates},
    {"merges", false, merges},
};

int graph(const GraphOptions& options, Context& context) {
  std::string known;
  for (const GraphAction& action : kActions) {
    if (action.name == options.action) {
      app::GraphDesk desk(
          app::Workspace::open(options.workspace),
          {.write = action.writes, .keep = options.reports, .principal = options.principal});
      return action.run(options, desk, context);
    }
    known += (known.empty() ? "" : ", ") + std::string(action.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "[graph] unknown action '" + options.action + "'; expected one of " + known);
}

Action declare(Options& options) {
  const auto o = std::make_shared<GraphOptions>();
  options.positional("ACTION", &o->action,
                     "build, stats, show, path, communities, view, import, export, merge, "
                     "merges, undo, split, duplicates");
  options.positional("NAME", &o->names, "what the action is about", false);
  options.choice("--tier", &o->tier.tier, {"auto", "0", "1", "2"},
                 "build: 0 names, 1 relations by likelihood, 2 facts under a grammar");
  options.text("--ontology", "FILE", &o->ontology,
               "build: relations to look for; default ontology.toml of the workspace");
  options.text("-m,--model", "MODEL", &o->tier.model, "build: of tiers 1 and 2; of reports");
  options.flag("--reports", &o->reports,
               "communities: made by the model; stats: how many there are");
  options.flag("--dry-run", &o->limits.dry, "--reports: count the calls and tokens, ask nothing");
  options.integer("--max-calls", "N", &o->limits.calls_max, {0, kCallsMax},
                  "--reports: 0: no limit");
  options.integer("--max-tokens", "N", &o->limits.tokens_max, {0, kTokensMax},
                  "--reports: of prompts and answers; 0: no limit");
  options.text("--type", "CLASS", &o->type, "show, view: tells namesakes apart");
  options.text("--output", "FILE", &o->output, "view, export: what is written");
  options.text("--format", "NAME", &o->format, "export: " + app::export_formats());
  options.integer("--nodes", "N", &o->nodes, {1, kNodesMax}, "view: entities shown at most");
  options.integer("--hops", "K", &o->hops, {1, kHopsMax}, "view NAME: links from it at most");
  options.integer("--level", "N", &o->level, {0, kLevelMax},
                  "communities, view: 0 is the coarsest");
  options.integer("--limit", "N", &o->limit, {1, kLimitMax}, "rows of each kind shown");
  options.text("--principal", "NAME", &o->principal, "see what this person may see");
  declare_workspace(options, &o->workspace);
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return graph(*o, context); };
}

constexpr std::array<std::string_view, 7> kLines = {
    "ondol graph build",
    "ondol graph show \"lost property office\"",
    "ondol graph path \"Line 2\" \"harbour\"",
    "ondol graph communities --level 1 --limit 10",
    "ondol graph communities --reports --max-calls 50",
    "ondol graph view --output graph.html",
    "ondol graph export --format graphml --output graph.graphml"};

}  // namespace

constinit const Command kGraph = {.name = "graph",
                                  .summary = {"names and relations in the workspace's documents",
                                              "작업 폴더의 문서에 나오는 이름과 관계를 다룹니다"},
                                  .examples = kLines,
                                  .declare = declare};

}  // namespace ondol::cli
