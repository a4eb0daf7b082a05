// `ondol quickstart --full` on a tiny model: adapters that recipes name are trained, once.
#include "app/quickstart.h"

#include <gtest/gtest.h>

#include "app/test_support.h"
#include "models/adapter_file.h"

namespace ondol::app::testing {
namespace {

TEST(Quickstart, FullTrainsTheAdaptersThatRecipesNameOnce) {
  const TempFolder folder;
  const std::string embedder = (ondol::testing::golden_dir() / "models" / "bert").string();
  make_workspace(folder.path(), "embedder = \"" + embedder +
                                    "\"\n\n[recipe.zero-shot]\ndescription = \"alone\"\n");
  Session session({folder.path() / "home"}, {.threads = 2});
  SilentProgress silent;
  const QuickstartOptions options{.folder = folder.path(), .full = true};
  const CompareOutcome outcome = quickstart(session, options, silent);
  const Workspace workspace = Workspace::open(folder.path());
  for (const std::string name : {"lora", "lora-hybrid"}) {
    const fs::path run = folder.path() / "runs" / name;
    EXPECT_EQ(workspace.adapter_path(workspace.book().recipe(name)), run / "best");
    EXPECT_GT(load_adapter(run / "best", *session.model(tiny_llama().string())).matrices(), 0);
    EXPECT_NE(read_file(run / "rows.jsonl").find("assistant"), std::string::npos);
  }
  EXPECT_EQ(outcome.report.recipes.size(), workspace.book().recipes.size());
  const auto written = fs::last_write_time(folder.path() / "runs" / "lora" / "metrics.jsonl");
  quickstart(session, options, silent);
  EXPECT_EQ(fs::last_write_time(folder.path() / "runs" / "lora" / "metrics.jsonl"), written);
}

}  // namespace
}  // namespace ondol::app::testing
