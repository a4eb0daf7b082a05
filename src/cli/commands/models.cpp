// ondol models: what can be pulled and what is here.
#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "app/catalogue.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Row {
  std::string name;
  std::string kind;  // empty: not in the catalogue
  std::string summary;
  std::string licence;
  uint64_t download_bytes = 0;
  bool here = false;
  uint64_t bytes = 0;
  std::string path;
};

std::vector<Row> rows(const app::Home& home) {
  std::map<std::string, app::PulledModel> pulled;
  for (app::PulledModel& model : app::pulled_models(home)) pulled[model.name] = model;
  std::vector<Row> all;
  for (const app::CatalogueEntry& entry : app::catalogue()) {
    all.push_back({.name = std::string(entry.name),
                   .kind = entry.kind == app::ModelKind::kDecoder ? "decoder" : "encoder",
                   .summary = std::string(entry.summary),
                   .licence = std::string(entry.licence),
                   .download_bytes = static_cast<uint64_t>(entry.download_bytes)});
    const auto found = pulled.find(all.back().name);
    if (found == pulled.end()) continue;
    all.back().here = true;
    all.back().bytes = found->second.bytes;
    all.back().path = found->second.path.string();
    pulled.erase(found);
  }
  for (const auto& [name, model] : pulled) {
    all.push_back({.name = name, .here = true, .bytes = model.bytes, .path = model.path.string()});
  }
  return all;
}

std::string models_json(const std::vector<Row>& all) {
  Json models = Json::array();
  for (const Row& row : all) {
    Json model = {{"name", row.name}, {"here", row.here}};
    if (!row.kind.empty()) {
      model["kind"] = row.kind;
      model["summary"] = row.summary;
      model["licence"] = row.licence;
      model["download_bytes"] = row.download_bytes;
    }
    if (row.here) {
      model["bytes"] = row.bytes;
      model["path"] = row.path;
    }
    models.push_back(std::move(model));
  }
  return json_line(Json{{"models", models}});
}

std::string models_text(const std::vector<Row>& all) {
  std::string text;
  for (const Row& row : all) {
    const std::string size = row.here ? format_bytes(row.bytes) + " here"
                                      : format_bytes(row.download_bytes) + " to pull";
    text += fmt::format("{:<26} {:<8} {}\n", row.name, row.kind.empty() ? "-" : row.kind, size);
    const std::string what = row.here ? row.path : row.summary + " (" + row.licence + ")";
    text += "    " + what + "\n";
  }
  return text;
}

int models(bool json, Context& context) {
  const std::vector<Row> all = rows(app::user_home());
  context.print(json ? models_json(all) : models_text(all));
  return kExitDone;
}

Action declare(Options& options) {
  const auto json = std::make_shared<bool>(false);
  declare_json(options, json.get());
  return [json](Context& context) { return models(*json, context); };
}

constexpr std::array<std::string_view, 2> kLines = {"ondol models", "ondol models --json"};

}  // namespace

constinit const Command kModels = {.name = "models",
                                   .summary = {"list the catalogue and what is on this machine",
                                               "모델 목록과 이 컴퓨터에 있는 것을 보여 줍니다"},
                                   .examples = kLines,
                                   .declare = declare};

}  // namespace ondol::cli
