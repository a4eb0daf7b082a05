// A workspace: a folder with ondol.toml, documents/, questions.jsonl, and .ondol/ for what ondol
// makes.
//
//   Workspace workspace = Workspace::open(".");     // here or in a parent folder
//   workspace.book().recipe("hybrid");
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "app/recipe.h"
#include "store/store.h"

namespace ondol::app {

class Workspace {
 public:
  // Looks for ondol.toml in `start` and its parents. Throws Error(kNotFound) saying how to make
  // one.
  static Workspace open(const std::filesystem::path& start);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path config_file() const { return folder_ / "ondol.toml"; }
  std::filesystem::path documents() const { return folder_ / "documents"; }
  std::filesystem::path questions() const { return folder_ / "questions.jsonl"; }
  std::filesystem::path state() const { return folder_ / ".ondol"; }
  std::filesystem::path store_file() const { return state() / "store.db"; }
  std::filesystem::path runs() const { return state() / "runs"; }
  const RecipeBook& book() const { return book_; }
  // Where a recipe's adapter stands; empty: it has none.
  std::filesystem::path adapter_path(const Recipe& recipe) const {
    return recipe.adapter.empty() ? std::filesystem::path() : folder_ / recipe.adapter;
  }

  // The store; writers make it, readers throw Error(kNotFound) asking for `ondol ingest` first.
  std::unique_ptr<store::Store> open_store(store::OpenMode mode) const;
  // A new folder below runs(), named by kind and time.
  std::filesystem::path make_run(const std::string& kind) const;

 private:
  std::filesystem::path folder_;
  RecipeBook book_;
};

// The name of the workspace's own documents in the store.
inline constexpr const char* kDocumentsCollection = "documents";

// Makes a workspace: ondol.toml with the standard recipes, an empty documents folder and a
// questions file that explains itself; with `sample`, the handbook's documents and questions.
// Throws Error(kInvalidArgument) when the folder already holds an ondol.toml.
void init_workspace(const std::filesystem::path& folder, bool sample);

}  // namespace ondol::app
