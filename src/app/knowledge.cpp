#include "app/knowledge.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "ground/kg/names.h"
#include "io/atomic_file.h"

namespace ondol::app {
namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json term_json(const store::KgTerm& term) {
  if (term.kind != store::KgTermKind::kLiteral) return term.text;
  Json json = {{"value", term.text}};
  if (!term.language.empty()) json["language"] = term.language;
  if (!term.datatype.empty()) json["datatype"] = term.datatype;
  return json;
}

template <class Work>
auto timed(std::vector<double>& milliseconds, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  auto result = work();
  milliseconds.push_back(
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  return result;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<size_t>(share * static_cast<double>(values.size() - 1)));
}

}  // namespace

std::filesystem::path knowledge_file(const Workspace& workspace) {
  return workspace.state() / "kg.db";
}

ground::KgImportReport import_workspace_knowledge(const Workspace& workspace,
                                                  std::span<const std::filesystem::path> files,
                                                  const ground::KgImportOptions& options,
                                                  ProgressSink& progress) {
  return ground::import_knowledge(knowledge_file(workspace), files, options, progress);
}

std::unique_ptr<store::KnowledgeGraph> open_workspace_knowledge(const Workspace& workspace) {
  const auto file = knowledge_file(workspace);
  return std::filesystem::exists(file) ? store::open_knowledge_graph(file) : nullptr;
}

std::unique_ptr<store::KnowledgeGraph> need_workspace_knowledge(const Workspace& workspace) {
  return store::open_knowledge_graph(knowledge_file(workspace));
}

ground::KgExportReport export_workspace_knowledge(const Workspace& workspace,
                                                  const std::filesystem::path& file,
                                                  const ground::KgExportOptions& options,
                                                  ProgressSink& progress) {
  const auto graph = need_workspace_knowledge(workspace);
  io::AtomicFile out(file);
  const auto report = ground::export_facts(
      *graph, options,
      [&](std::string_view row) {
        out.write(row);
        out.write("\n");
      },
      progress);
  out.commit();
  return report;
}

KgBench bench_knowledge(store::KnowledgeGraph& graph, int64_t entities, int64_t facts,
                        ProgressSink& progress) {
  const ground::KgLookupOptions options{
      .languages = {"en", "ko"}, .entities = 1, .facts = static_cast<size_t>(facts)};
  KgBench bench;
  std::vector<double> by_identifier, by_name;
  Rng rng(1);
  for (int64_t i = 0; i < entities; ++i) {
    progress.update("look up", static_cast<uint64_t>(i), static_cast<uint64_t>(entities));
    // Ids are hashes: the next triple from a random one on is as good as any.
    auto any = graph.scan({static_cast<int64_t>(rng.next_u64() >> 1), 0, 0}, 1);
    if (any.empty()) any = graph.scan({}, 1);
    if (any.empty()) break;
    const auto found = timed(by_identifier, [&] {
      return ground::lookup_entities(graph, any[0].subject.text, options);
    });
    if (found.empty()) continue;
    ++bench.entities;
    bench.facts += static_cast<int64_t>(found[0].facts.size());
    timed(by_name, [&] { return ground::lookup_entities(graph, found[0].name, options); });
  }
  if (bench.entities == 0) return bench;
  bench.by_identifier_ms = quantile(by_identifier, 0.5);
  bench.by_identifier_p99_ms = quantile(by_identifier, 0.99);
  bench.by_name_ms = quantile(by_name, 0.5);
  bench.by_name_p99_ms = quantile(by_name, 0.99);
  return bench;
}

std::string kg_bench_json(const KgBench& bench) {
  return line({{"entities", bench.entities},
               {"facts", bench.facts},
               {"by_identifier_ms", bench.by_identifier_ms},
               {"by_identifier_p99_ms", bench.by_identifier_p99_ms},
               {"by_name_ms", bench.by_name_ms},
               {"by_name_p99_ms", bench.by_name_p99_ms}});
}

std::string kg_export_json(const ground::KgExportReport& report) {
  return line({{"rows", report.rows},
               {"facts", report.facts},
               {"without_name", report.without_name},
               {"too_many_objects", report.too_many_objects}});
}

std::string kg_import_json(const ground::KgImportReport& report) {
  Json problems = Json::array();
  for (const auto& problem : report.problems) {
    problems.push_back(
        {{"file", problem.file}, {"line", problem.line}, {"message", problem.message}});
  }
  return line({{"triples", report.written.triples},
               {"terms", report.written.terms},
               {"labels", report.written.labels},
               {"triples_read", report.triples_read},
               {"left_out_predicate", report.left_out_predicate},
               {"left_out_language", report.left_out_language},
               {"bad_lines", report.bad_lines},
               {"problems", problems},
               {"unused_predicates", report.unused_predicates},
               {"seconds", report.seconds}});
}

std::string kg_entities_json(std::span<const ground::KgEntity> entities) {
  Json all = Json::array();
  for (const ground::KgEntity& entity : entities) {
    Json labels = Json::array(), facts = Json::array();
    for (const store::KgLabel& label : entity.labels) {
      labels.push_back(
          {{"label", label.label}, {"language", label.language}, {"preferred", label.rank == 0}});
    }
    for (const ground::KgFactText& fact : entity.facts) {
      facts.push_back({{"text", fact.text},
                       {"subject", term_json(fact.fact.subject)},
                       {"predicate", term_json(fact.fact.predicate)},
                       {"object", term_json(fact.fact.object)}});
    }
    all.push_back({{"id", ground::short_id(entity.term.text)},
                   {"iri", entity.term.text},
                   {"name", entity.name},
                   {"match", ground::kg_match_name(entity.match)},
                   {"matched", entity.matched},
                   {"degree", entity.degree},
                   {"labels", labels},
                   {"facts", facts}});
  }
  return line({{"entities", all}});
}

}  // namespace ondol::app
