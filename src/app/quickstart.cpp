#include "app/quickstart.h"

#include "app/catalogue.h"
#include "app/embedded.h"
#include "app/ingest.h"
#include "base/files.h"

namespace ondol::app {
namespace {

// The recipes of --full are added to the workspace's own, once.
void add_full_recipes(const Workspace& workspace) {
  const RecipeBook more = parse_recipes(full_recipes(), "full.toml");
  std::string config = read_file(workspace.config_file());
  for (const Recipe& recipe : workspace.book().recipes) {
    if (recipe.name == more.recipes.front().name) return;
  }
  // Without [workspace]: the workspace's own model and embedder hold.
  const std::string_view text = full_recipes();
  config += "\n" + std::string(text.substr(text.find("[recipe.")));
  write_file_atomic(workspace.config_file(), config);
}

}  // namespace

CompareOutcome quickstart(Session& session, const QuickstartOptions& options,
                          ProgressSink& progress) {
  if (!std::filesystem::exists(options.folder / "ondol.toml")) {
    init_workspace(options.folder, /*sample=*/true);
  }
  Workspace workspace = Workspace::open(options.folder);
  if (options.full) {
    add_full_recipes(workspace);
    workspace = Workspace::open(options.folder);
  }
  for (const std::string& name : {workspace.book().model, workspace.book().embedder}) {
    if (!name.empty() && find_entry(name) != nullptr) pull_model(session.home(), name, progress);
  }
  ingest_workspace(workspace, session, progress);

  CompareOptions compare_options;
  compare_options.questions_max = options.questions_max;
  compare_options.korean = options.korean;
  compare_options.command = "ondol quickstart";
  if (!options.full) {
    for (const Recipe& recipe : parse_recipes(default_config(), "workspace.toml").recipes) {
      compare_options.recipes.push_back(recipe.name);
    }
  } else {
    compare_options.command += " --full";
  }
  return compare(workspace, session, compare_options, progress);
}

}  // namespace ondol::app
