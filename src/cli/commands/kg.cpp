// ondol kg: external knowledge graphs beside the workspace's documents.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/knowledge.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct KgOptions {
  std::string action;
  std::vector<std::string> arguments;
  std::string workspace = ".";
  std::vector<std::string> predicates;
  std::vector<std::string> label_predicates;
  std::vector<std::string> languages;
  bool add = false;
  bool strict = false;
  int64_t k = 5;
  int64_t facts = 20;
  int64_t entities = 1000;
  std::string train;
  std::string style = "text";
  bool json = false;
};

// Names in the language of the messages first.
std::vector<std::string> languages_of(const KgOptions& options, const Context& context) {
  if (!options.languages.empty()) return options.languages;
  if (context.language == Language::kKorean) return {"ko", "en"};
  return {"en", "ko"};
}

std::string import_text(const ground::KgImportReport& report) {
  std::string text = fmt::format(
      "{} triples of {} terms, {} names, in {:.1f} s\n"
      "read {}; left out {} by predicate, {} by language; {} bad lines\n",
      report.written.triples, report.written.terms, report.written.labels, report.seconds,
      report.triples_read, report.left_out_predicate, report.left_out_language, report.bad_lines);
  for (const auto& problem : report.problems) {
    text += fmt::format("bad: {} line {}: {}\n", problem.file, problem.line, problem.message);
  }
  for (const std::string& name : report.unused_predicates) {
    text += fmt::format("no triple has the predicate {}\n", name);
  }
  return text;
}

int import(const KgOptions& options, const app::Workspace& workspace, Context& context) {
  if (options.arguments.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[kg] no FILE was given; expected `ondol kg import FILE.nt`");
  }
  const std::vector<std::filesystem::path> files(options.arguments.begin(),
                                                 options.arguments.end());
  const auto report = app::import_workspace_knowledge(workspace, files,
                                                      {.predicates = options.predicates,
                                                       .languages = options.languages,
                                                       .label_predicates = options.label_predicates,
                                                       .strict = options.strict,
                                                       .add = options.add},
                                                      context.progress);
  context.print(options.json ? app::kg_import_json(report) + '\n' : import_text(report));
  return kExitDone;
}

std::string entity_text(const ground::KgEntity& entity, int number) {
  std::string text = fmt::format("{}. {}  {}  ({} triple{}, by {})\n", number, entity.name,
                                 entity.term.text, entity.degree, entity.degree == 1 ? "" : "s",
                                 ground::kg_match_name(entity.match));
  std::string others;
  for (const store::KgLabel& label : entity.labels) {
    if (label.label == entity.name) continue;
    others += fmt::format("{}{}{}{}", others.empty() ? "" : ", ", label.label,
                          label.language.empty() ? "" : " @", label.language);
  }
  if (!others.empty()) text += "   also: " + others + "\n";
  for (const ground::KgFactText& fact : entity.facts) text += "   " + fact.text + "\n";
  return text;
}

int lookup(const KgOptions& options, const app::Workspace& workspace, Context& context) {
  std::string term;
  for (const std::string& word : options.arguments) term += (term.empty() ? "" : " ") + word;
  if (term.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[kg] no TERM was given; expected `ondol kg lookup TERM`");
  }
  const auto graph = app::need_workspace_knowledge(workspace);
  const auto found = ground::lookup_entities(*graph, term,
                                             {.languages = languages_of(options, context),
                                              .entities = static_cast<size_t>(options.k),
                                              .facts = static_cast<size_t>(options.facts)});
  if (options.json) {
    context.print(app::kg_entities_json(found) + '\n');
  } else if (found.empty()) {
    context.progress.notice(say(kNothingFound, context.language));
  } else {
    std::string text;
    for (size_t i = 0; i < found.size(); ++i) {
      text += entity_text(found[i], static_cast<int>(i + 1));
    }
    context.print(text);
  }
  return found.empty() ? kExitNegative : kExitDone;
}

int export_rows(const KgOptions& options, const app::Workspace& workspace, Context& context) {
  if (options.train.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[kg] no file was given; expected `ondol kg export --train FILE.jsonl`");
  }
  const auto report = app::export_workspace_knowledge(workspace, options.train,
                                                      {.style = options.style,
                                                       .languages = languages_of(options, context),
                                                       .predicates = options.predicates},
                                                      context.progress);
  if (options.json) {
    context.print(app::kg_export_json(report) + '\n');
  } else {
    context.print(fmt::format(
        "{} rows of {} facts in {}\n"
        "left out: {} facts of things without a name, {} with more than ten "
        "answers to their question\n",
        report.rows, report.facts, options.train, report.without_name, report.too_many_objects));
  }
  return report.rows > 0 ? kExitDone : kExitNegative;
}

int bench(const KgOptions& options, const app::Workspace& workspace, Context& context) {
  const auto graph = app::need_workspace_knowledge(workspace);
  const app::KgBench done =
      app::bench_knowledge(*graph, options.entities, options.facts, context.progress);
  if (options.json) {
    context.print(app::kg_bench_json(done) + '\n');
  } else {
    context.print(
        fmt::format("{} entities with {} facts\n"
                    "by identifier  median {:.3f} ms, 99th percentile {:.3f} ms\n"
                    "by name        median {:.3f} ms, 99th percentile {:.3f} ms\n",
                    done.entities, done.facts, done.by_identifier_ms, done.by_identifier_p99_ms,
                    done.by_name_ms, done.by_name_p99_ms));
  }
  return done.entities > 0 ? kExitDone : kExitNegative;
}

int kg(const KgOptions& options, Context& context) {
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  if (options.action == "import") return import(options, workspace, context);
  if (options.action == "lookup") return lookup(options, workspace, context);
  if (options.action == "export") return export_rows(options, workspace, context);
  if (options.action == "bench") return bench(options, workspace, context);
  throw Error(ErrorCode::kInvalidArgument, "[kg] unknown action '" + options.action +
                                               "'; expected import, lookup, export or bench");
}

Action declare(Options& options) {
  const auto o = std::make_shared<KgOptions>();
  options.positional("ACTION", &o->action, "import, lookup, export or bench");
  options.positional("FILE|TERM", &o->arguments, "files of triples, or what to look up", false);
  options.list("--predicates", "NAMES", &o->predicates,
               "keep facts of these: IRIs or their last parts (P31,P19)", ',');
  options.list("--languages", "CODES", &o->languages,
               "keep texts of these (ko,en); else: show names in these first", ',');
  options.list("--label-predicates", "IRIS", &o->label_predicates,
               "what names things, in place of rdfs:label and its like", ',');
  options.text("--train", "FILE", &o->train, "export: rows to train on, as lines of JSON");
  options.choice("--style", &o->style, {"text", "qa"},
                 "export: facts as sentences, or questions and answers");
  options.flag("--add", &o->add, "add to the graph that is there; else it is replaced");
  options.flag("--strict", &o->strict, "stop at the first bad line, changing nothing");
  options.integer("-k,--top-k", "K", &o->k, {1, 1000}, "entities at most");
  options.integer("--facts", "N", &o->facts, {0, 100000}, "facts of each entity at most");
  options.integer("--entities", "N", &o->entities, {1, 1000000}, "bench: how many to look up");
  declare_workspace(options, &o->workspace);
  declare_json(options, &o->json);
  return [o](Context& context) { return kg(*o, context); };
}

constexpr std::array<std::string_view, 4> kLines = {
    "ondol kg import wikidata.nt.bz2 --predicates P31,P19 --languages ko,en",
    "ondol kg lookup \"Douglas Adams\"", "ondol kg lookup Q42 --json",
    "ondol kg export --train facts.jsonl --style qa --languages ko"};

}  // namespace

constinit const Command kKg = {
    .name = "kg",
    .summary = {"take in an external knowledge graph (Wikidata, DBpedia)",
                "바깥 지식 그래프(위키데이터, 디비피디아)를 들여와 찾아봅니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
