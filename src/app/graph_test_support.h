// What the tests of the graph share: a workspace whose documents are given as texts.
#pragma once

#include <string>
#include <vector>

#include "app/graph.h"
#include "app/test_support.h"
#include "ground/extraction.h"
#include "ground/ingest.h"

namespace ondol::app::testing {

// Documents of a few sentences: {uri, title, text}.
inline Workspace make_graph_workspace(const fs::path& folder,
                                      const std::vector<ground::WholeText>& texts) {
  Workspace workspace = make_workspace(folder, "");
  const auto store = workspace.open_store(store::OpenMode::kReadWrite);
  const auto names = ground::make_extractor("names");
  SilentProgress silent;
  ground::ingest_texts(*store, store->open_collection(kDocumentsCollection), texts, nullptr,
                       {.extractor = names.get()}, silent);
  return workspace;
}

// Six documents about two groups of people who know each other, and one apart.
inline std::vector<ground::WholeText> two_groups() {
  return {{"a.md", "", "Then Alice Kim met Bob Lee. Later Alice Kim called Bob Lee at home."},
          {"b.md", "", "Later Bob Lee saw Cara Oh. They say Cara Oh knows Alice Kim."},
          {"c.md", "", "Now Dora Shin met Emil Park."},
          {"d.md", "", "Then Emil Park and Fred Moon went home. Later Fred Moon saw Dora Shin."},
          {"e.md", "", "Once Cara Oh wrote to Dora Shin."},
          {"f.md", "", "Nobody has seen Gil Yoon."}};
}

// Facts as JSON Lines into a file, imported.
inline ground::FactImport import_text(GraphDesk& desk, const fs::path& file,
                                      const std::string& lines) {
  write_file_atomic(file, lines);
  SilentProgress silent;
  return desk.import_facts(file, silent);
}

}  // namespace ondol::app::testing
