#include "app/quickstart.h"

#include <algorithm>

#include "app/catalogue.h"
#include "app/embedded.h"
#include "app/ingest.h"
#include "app/train.h"
#include "app/training_rows.h"
#include "base/files.h"

namespace ondol::app {
namespace {

// Those recipes of --full that the workspace lacks are added to its own.
void add_full_recipes(const Workspace& workspace) {
  const std::string_view text = full_recipes();
  std::string added;
  for (const Recipe& recipe : parse_recipes(text, "full.toml").recipes) {
    const auto& own = workspace.book().recipes;
    if (std::any_of(own.begin(), own.end(),
                    [&](const Recipe& r) { return r.name == recipe.name; })) {
      continue;
    }
    // Its table as it is written, without [workspace]: the workspace's own model and embedder hold.
    const size_t begin = text.find("[recipe." + recipe.name + "]");
    const size_t end = std::min(text.find("\n\n", begin), text.size());
    added += "\n" + std::string(text.substr(begin, end - begin)) + "\n";
  }
  if (added.empty()) return;
  write_file_atomic(workspace.config_file(), read_file(workspace.config_file()) + added);
}

// The sample has forty train questions: a few passes over them are a minute of work.
constexpr double kAdapterEpochs = 4;

// What a recipe's adapter is when nobody trained one: the train questions as this recipe asks them.
// A run that was stopped goes on.
void learn_adapter(const Workspace& workspace, Session& session, const Recipe& recipe,
                   ProgressSink& progress) {
  const std::filesystem::path adapter = workspace.adapter_path(recipe);
  if (recipe.adapter.empty() || std::filesystem::exists(adapter)) return;
  TrainFields fields = default_train_fields("sft");
  fields.model = recipe.model.empty() ? workspace.book().model : recipe.model;
  fields.output_dir = adapter.parent_path().string();
  fields.num_train_epochs = kAdapterEpochs;
  const TrainingRows rows = add_recipe_rows(workspace, session, recipe.name, fields, progress);
  progress.notice("learning the adapter of " + recipe.name + ": " + std::to_string(rows.rows) +
                  " rows, " + std::to_string(rows.validation_rows) + " to measure with");
  train_run("sft", fields, session, {.resume = true, .progress = &progress});
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
  ingest_workspace(workspace, session, {.graph = options.full}, progress);
  if (options.full) {
    for (const Recipe& recipe : workspace.book().recipes) {
      learn_adapter(workspace, session, recipe, progress);
    }
  }

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
