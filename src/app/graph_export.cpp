#include "app/graph_export.h"

#include <fmt/format.h>

#include "app/graph_exchange.h"
#include "base/error.h"
#include "base/files.h"

namespace ondol::app {
namespace {

struct Format {
  std::string_view name;
  std::vector<ExportFile> (*files)(const ExchangeGraph& from);
};

constexpr Format kFormats[] = {
    {"graphml", graphml_files},
    {"neo4j", neo4j_files},
    {"graphrag", graphrag_files},
    {"nt", triples_files},
};

}  // namespace

std::string export_formats() {
  std::string all;
  for (const Format& format : kFormats) all += (all.empty() ? "" : ", ") + std::string(format.name);
  return all;
}

GraphExport export_graph(GraphDesk& desk, std::string_view format,
                         const std::filesystem::path& output) {
  for (const Format& known : kFormats) {
    if (known.name != format) continue;
    const ExchangeGraph from(desk);
    GraphExport done{.entities = static_cast<int64_t>(from.graph.entities().size()),
                     .facts = static_cast<int64_t>(from.graph.facts().size()),
                     .ties = static_cast<int64_t>(from.graph.co_occurrences().size())};
    for (const ExportFile& file : known.files(from)) {
      const std::filesystem::path path = file.name.empty() ? output : output / file.name;
      write_file_atomic(path, file.content);
      done.files.push_back(path);
    }
    return done;
  }
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("[graph export] --format is '{}'; expected one of {}", format, export_formats()));
}

}  // namespace ondol::app
