// ondol graph: the property graph of the workspace's documents.
#include "app/graph.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "app/graph_export.h"
#include "app/graph_page.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/graph_actions.h"
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

int import_file(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 1, "FILE");
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

int path(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 2, "NAME NAME");
  const int32_t from = desk.entity(options.names[0]), to = desk.entity(options.names[1]);
  const std::string text = path_text(desk, from, to);
  if (options.json)
    context.print(path_json(desk, from, to));
  else
    context.print(text.empty() ? "no path\n" : text);
  return text.empty() ? kExitNegative : kExitDone;
}

int merge(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 2, "NAME INTO");
  const int64_t id = desk.merge(options.names[0], options.names[1]);
  context.print(options.json
                    ? json_line(Json{{"merge", id}})
                    : fmt::format("merge {}; `ondol graph undo {}` takes it back\n", id, id));
  return kExitDone;
}

int undo(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 1, "MERGE");
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
  need_names(options, 1, "NAME");
  const int64_t undone = desk.split(options.names[0]);
  context.print(options.json ? json_line(Json{{"undone", undone}})
                             : fmt::format("{} merges undone\n", undone));
  return kExitDone;
}

int merges(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 0, "");
  context.print(options.json ? merges_json(desk.merges()) : merges_text(desk.merges()));
  return kExitDone;
}

void need_output(const GraphOptions& options, const char* example) {
  if (!options.output.empty()) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[graph] `{}` needs --output; try `ondol graph {} --output {}`",
                          options.action, options.action, example));
}

int view(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  if (options.names.size() > 1) need_names(options, 1, "[NAME] --output FILE.html");
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

int show(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  if (!options.output.empty()) return view(options, desk, context);
  need_names(options, 1, "NAME");
  const int32_t entity = desk.entity(options.names[0], options.type);
  context.print(options.json ? entity_json(desk, entity, options.limit)
                             : entity_text(desk, entity, options.limit));
  return kExitDone;
}

int export_files(const GraphOptions& options, app::GraphDesk& desk, Context& context) {
  need_names(options, 0, "--format FORMAT --output PATH");
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
    {"build", true, graph_build},
    {"stats", false, graph_statistics},
    {"show", false, show},
    {"path", false, path},
    {"communities", false, graph_communities},
    {"view", false, view},
    {"import", true, import_file},
    {"export", false, export_files},
    {"merge", true, merge},
    {"split", true, split},
    {"undo", true, undo},
    {"duplicates", false, graph_duplicates},
    {"ontology", false, graph_ontology},
    {"merges", false, merges},
};

int graph(const GraphOptions& options, Context& context) {
  std::string known;
  for (const GraphAction& action : kActions) {
    if (action.name == options.action) {
      app::GraphDesk desk(app::Workspace::open(options.workspace),
                          {.write = action.writes,
                           .keep = options.reports || options.suggest,
                           .principal = options.principal});
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
                     "merges, undo, split, duplicates, ontology");
  options.positional("NAME", &o->names, "what the action is about", false);
  options.choice("--tier", &o->tier.tier, {"auto", "0", "1", "2", "3"},
                 "build: 0 names, 1 likelihoods, 2 a grammar, 3 a larger model");
  options.text("--ontology", "FILE", &o->ontology,
               "build: relations to look for; default ontology.toml of the workspace");
  options.text("-m,--model", "MODEL", &o->tier.model, "build, reports, ontology: whom to ask");
  options.flag("--suggest", &o->suggest, "ontology: one proposed from the documents");
  options.flag("--by-meaning", &o->by_meaning,
               "duplicates: also names that the embedder finds near");
  options.flag("--reports", &o->reports,
               "communities: made by the model; stats: how many there are");
  options.flag("--dry-run", &o->limits.dry,
               "build, reports: ask nothing, count the calls and tokens");
  options.integer("--max-calls", "N", &o->limits.calls_max, {0, kCallsMax},
                  "build, reports: calls of the model at most; 0: no limit");
  options.integer("--max-tokens", "N", &o->limits.tokens_max, {0, kTokensMax},
                  "build, reports: of prompts and answers; 0: no limit");
  options.text("--type", "CLASS", &o->type, "show, view: tells namesakes apart");
  options.text("--output", "FILE", &o->output, "show, view, export, ontology: what is written");
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
