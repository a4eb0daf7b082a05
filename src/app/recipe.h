// A recipe: a named combination of techniques over one model. `ask`, `chat`, `compare` and `serve`
// all take one.
//
//   RecipeBook book = parse_recipes(toml_text, "ondol.toml");
//   const Recipe& recipe = book.recipe("hybrid");
//   std::string resolved = recipe_toml(recipe);   // every field, defaults included: saved with
//   every result
//
// One list of fields (recipe_fields.h) drives reading, writing and `ondol compare --help`. Unknown
// tables, keys and kinds are errors that name the nearest known one.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/endpoint.h"
#include "ground/retriever.h"
#include "prompt/strategy.h"

namespace ondol::app {

// One context provider: `knowledge = [{kind = "hybrid", top_k = 4}]`.
struct KnowledgeConfig {
  ground::RetrieverConfig retriever;
  int64_t top_k = 4;
};

// "The documents do not say": a filter between context and prompt.
struct RefusalConfig {
  std::string mode = "train";  // "train" (threshold fitted on the train split), "fixed", "off"
  double threshold = 0;  // of mode "fixed": refuse when the support of the evidence is below it
};

struct Recipe {
  std::string name;
  std::string description;
  std::string model;
  std::string adapter;  // PEFT folder or GGUF adapter, seen from the workspace; empty: none
  prompt::PromptConfig prompt;
  std::vector<KnowledgeConfig> knowledge;
  prompt::StrategyConfig strategy;
  prompt::DecodeConfig decode;
  RefusalConfig refusal;
};

// Which model does what beside answering; empty: the workspace's.
struct RoleConfig {
  std::string extract;    // reads facts out of passages (ondol graph build)
  std::string summarise;  // reports of communities, other forms of a question
  std::string judge;      // says what is relevant
};

// What ondol.toml holds.
struct RecipeBook {
  std::string workspace_name;
  std::string chosen;    // recipe of `ask` and `chat`
  std::string model;     // of recipes that name none
  std::string embedder;  // empty: lexical search only
  RoleConfig roles;      // filled: every role names a model where the workspace does
  std::map<std::string, EndpointConfig> endpoints;
  std::vector<Recipe> recipes;

  // Throws Error(kNotFound) listing the known names.
  const Recipe& recipe(const std::string& name) const;
};

// Throws Error(kInvalidArgument) naming `source`, table and key.
RecipeBook parse_recipes(std::string_view toml, const std::string& source);
// The recipe as a [recipe.NAME] table with every field.
std::string recipe_toml(const Recipe& recipe);
// Checks what can be checked without running: kinds, ranges.
void check_recipe(const Recipe& recipe);

// `text` with `recipe = "NAME"` in its [workspace] table and, if `definition` is not empty, that
// recipe's table put in or replaced. Comments and everything else stay as they are.
std::string choose_recipe(const std::string& text, const std::string& name,
                          const std::string& definition);

}  // namespace ondol::app
