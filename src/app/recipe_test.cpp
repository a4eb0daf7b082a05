#include "app/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace ondol::app {
namespace {

using ::testing::HasSubstr;

constexpr const char* kBook = R"(
[workspace]
name = "test"            # a comment that stays
recipe = "zebra"
model = "m"
embedder = "e"

[recipe.zebra]
prompt = { style = "cot", shots = 2, select = "nearest" }
decode = { temperature = 0.5, max_tokens = 9, stop = ["\n"] }

[recipe.ant]
model = "other"
adapter = "runs/x/best"
knowledge = [ { kind = "bm25", top_k = 2 }, { kind = "vector" } ]
strategy = { kind = "self-consistency", samples = 3 }
)";

std::string error_of(const std::string& text) {
  try {
    parse_recipes(text, "ondol.toml");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Recipe, ReadsFieldsDefaultsAndTheOrderOfTheFile) {
  const RecipeBook book = parse_recipes(kBook, "ondol.toml");
  ASSERT_EQ(book.recipes.size(), 2u);
  EXPECT_EQ(book.recipes[0].name, "zebra");
  EXPECT_EQ(book.recipes[0].model, "m");
  EXPECT_EQ(book.recipes[0].prompt.shots, 2);
  EXPECT_EQ(book.recipes[0].decode.tokens_max, 9);
  EXPECT_EQ(book.recipes[0].decode.stop, std::vector<std::string>{"\n"});
  const Recipe& ant = book.recipe("ant");
  EXPECT_EQ(ant.model, "other");
  EXPECT_EQ(ant.adapter, "runs/x/best");
  EXPECT_EQ(book.recipes[0].adapter, "");
  ASSERT_EQ(ant.knowledge.size(), 2u);
  EXPECT_EQ(ant.knowledge[0].top_k, 2);
  EXPECT_EQ(ant.knowledge[1].retriever.kind, "vector");
}

TEST(Recipe, TheResolvedTextReadsBackTheSame) {
  const RecipeBook book = parse_recipes(kBook, "ondol.toml");
  for (const Recipe& recipe : book.recipes) {
    const std::string text = recipe_toml(recipe);
    EXPECT_EQ(recipe_toml(parse_recipes(text, "x").recipe(recipe.name)), text);
  }
}

TEST(Recipe, ErrorsNameTheKeyAndWhatWasMeant) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"[recipe.a]\nmodel='m'\nprompt={shot=1}",
       "unknown key 'shot' (line 3); did you mean 'shots'"},
      {"[recipe.a]\nmodel='m'\nprompt={shots='1'}", "expected a whole number"},
      {"[recipe.a]\nmodel='m'\nprompt={style='direkt'}", "expected one of direct, cot"},
      {"[recipe.a]\nmodel='m'\nknowledge=[{kind='bm52'}]", "did you mean 'bm25'"},
      {"[recipe.a]\nmodel='m'\nknowledge=[{top_k=0}]", "top_k must be 1 or more"},
      {"[recipe.a]\nmodel='m'\nstrategy={kind='agent'}", "expected one of single"},
      {"[recipe.a]\nmodel='m'\ndecode={top_p=2.0}", "top_p is 2"},
      {"[recipe.a]\nmodel='m'\nadapter=1", "expected a string"},
      {"[recipe.a]\nmodel='m'\nadaptor='x'", "did you mean 'adapter'"},
      {"[recipe.a]\n", "names no model"},
      {"[workspace]\nrecipe='gone'\n", "no recipe 'gone'"},
      {"[recipes.a]\n", "unknown table [recipes]"},
      {"[recipe.a\n", "line 1"},
  };
  for (const auto& [text, expected] : rows)
    EXPECT_THAT(error_of(text), HasSubstr(expected)) << text;
}

TEST(Recipe, ChoosingKeepsTheRestOfTheFile) {
  const std::string chosen = choose_recipe(kBook, "ant", "");
  EXPECT_THAT(chosen, HasSubstr("# a comment that stays"));
  EXPECT_EQ(parse_recipes(chosen, "x").chosen, "ant");

  Recipe changed = parse_recipes(kBook, "x").recipe("ant");
  changed.refusal = {.mode = "fixed", .threshold = 0.25};
  const RecipeBook book = parse_recipes(choose_recipe(kBook, "ant", recipe_toml(changed)), "x");
  EXPECT_EQ(book.chosen, "ant");
  EXPECT_EQ(book.recipes.size(), 2u);
  EXPECT_EQ(book.recipe("ant").refusal.threshold, 0.25);
  EXPECT_EQ(parse_recipes(choose_recipe("[recipe.b]\nmodel='m'\n", "b", ""), "x").chosen, "b");
}

}  // namespace
}  // namespace ondol::app
