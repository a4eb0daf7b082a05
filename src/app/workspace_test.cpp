#include "app/workspace.h"

#include <gmock/gmock.h>

#include "app/embedded.h"
#include "app/test_support.h"
#include "eval/question.h"

namespace ondol::app {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TempFolder;
namespace fs = std::filesystem;

TEST(Workspace, InitMakesWhatOpenReads) {
  for (const bool sample : {false, true}) {
    const TempFolder temp;
    const fs::path folder = temp.path() / "my place";
    init_workspace(folder, sample);
    const Workspace workspace = Workspace::open(folder);
    EXPECT_EQ(workspace.book().workspace_name, "my place");
    EXPECT_FALSE(workspace.book().recipes.empty());
    EXPECT_NO_THROW(workspace.book().recipe(workspace.book().chosen));
    EXPECT_FALSE(eval::read_questions(workspace.questions()).empty());
    EXPECT_EQ(fs::is_empty(workspace.documents()), !sample);
    EXPECT_THAT(error_text([&] { init_workspace(folder, sample); }, ErrorCode::kInvalidArgument),
                HasSubstr("exists; choose another folder"));
  }
  EXPECT_FALSE(parse_recipes(full_recipes(), "full").recipes.empty());
}

TEST(Workspace, InitKeepsWhatIsThere) {
  const TempFolder temp;
  const std::string mine = R"({"question": "Mine?"})"
                           "\n";
  write_file_atomic(temp.path() / "questions.jsonl", mine);
  fs::create_directories(temp.path() / "documents");
  write_file_atomic(temp.path() / "documents" / "a.md", "mine");
  init_workspace(temp.path(), false);
  EXPECT_EQ(read_file(temp.path() / "questions.jsonl"), mine);
  EXPECT_EQ(read_file(temp.path() / "documents" / "a.md"), "mine");
}

TEST(Workspace, IsFoundFromAFolderInside) {
  const TempFolder temp;
  testing::make_workspace(temp.path(), "");
  fs::create_directories(temp.path() / "documents" / "deep");
  EXPECT_EQ(Workspace::open(temp.path() / "documents" / "deep").folder(), temp.path());
  EXPECT_EQ(Workspace::open(temp.path() / "documents" / ".." / "documents").folder(), temp.path());
}

TEST(Workspace, Errors) {
  const TempFolder temp;
  EXPECT_THAT(error_text([&] { Workspace::open(temp.path()); }, ErrorCode::kNotFound),
              HasSubstr("ondol init"));
  const Workspace workspace = testing::make_workspace(temp.path(), "");
  EXPECT_THAT(
      error_text([&] { workspace.open_store(store::OpenMode::kRead); }, ErrorCode::kNotFound),
      HasSubstr("ondol ingest"));
  write_file_atomic(temp.path() / "ondol.toml", "[workspace\n");
  EXPECT_THAT(error_text([&] { Workspace::open(temp.path()); }, ErrorCode::kInvalidArgument),
              HasSubstr("ondol.toml, line 1"));
}

TEST(Workspace, RunsNeverShareAFolder) {
  const TempFolder temp;
  const Workspace workspace = testing::make_workspace(temp.path(), "");
  std::set<fs::path> folders;
  for (int i = 0; i < 5; ++i) folders.insert(workspace.make_run("compare"));
  EXPECT_EQ(folders.size(), 5U);
  for (const fs::path& folder : folders) {
    EXPECT_TRUE(fs::is_directory(folder));
    EXPECT_TRUE(folder.filename().string().starts_with("compare-"));
  }
}

TEST(ChooseRecipe, ReplacesTablesWrittenInAnyForm) {
  const std::pair<const char*, const char*> rows[] = {
      {"sub-tables",
       "[recipe.a]\nmodel = 'm'\n[recipe.a.prompt]\nshots = 1\n[recipe.a.decode]\nmax_tokens = 3\n"
       "[recipe.b]\nmodel = 'm'\n"},
      {"array of tables",
       "[recipe.a]\nmodel = 'm'\n[[recipe.a.knowledge]]\nkind = 'bm25'\n"
       "[recipe.b]\nmodel = 'm'\n"},
      {"quoted name", "[recipe.'a']\nmodel = 'm'\n[recipe.b]\nmodel = 'm'\n"},
      {"comment behind", "[recipe.a] # = mine\nmodel = 'm'\n[recipe.b]\nmodel = 'm'\n"},
      {"array over lines",
       "[recipe.a]\nmodel = 'm'\nknowledge = [\n  { kind = 'bm25' },\n]\n[recipe.b]\nmodel = "
       "'m'\n"},
      {"similar name",
       "[recipe.a]\nmodel = 'm'\n[recipe.ab]\nmodel = 'm'\n[recipe.b]\nmodel='m'\n"},
  };
  for (const auto& [what, text] : rows) {
    SCOPED_TRACE(what);
    const RecipeBook before = parse_recipes(text, what);
    Recipe changed = before.recipe("a");
    changed.refusal = {.mode = "fixed", .threshold = 0.25};
    const RecipeBook after = parse_recipes(choose_recipe(text, "a", recipe_toml(changed)), what);
    EXPECT_EQ(after.chosen, "a");
    EXPECT_EQ(after.recipes.size(), before.recipes.size());
    EXPECT_EQ(recipe_toml(after.recipe("a")), recipe_toml(changed));
    EXPECT_EQ(recipe_toml(after.recipe("b")), recipe_toml(before.recipe("b")));
  }
}

}  // namespace
}  // namespace ondol::app
