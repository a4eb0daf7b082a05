// The graph and the documents are one thing: killed at any moment the next run ends where an
// undisturbed one would, and readers see whole documents only.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "base/rng.h"
#include "ground/entity_graph.h"
#include "ground/extraction.h"
#include "ground/ingest.h"
#include "ground/test_support.h"

namespace ondol::ground {
namespace {

using testing::TempFolder;

// Documents of several chunks each; `version` changes a third of them.
void write_documents(const std::filesystem::path& folder, int version) {
  std::filesystem::create_directories(folder);
  for (int d = 0; d < 12; ++d) {
    std::string text;
    for (int s = 0; s < 6; ++s) {
      text += fmt::format("# Part {}\n\nThen Person{}x Kim met Town{}x Hall number {}.\n\n", s,
                          (d + s) % 7, (d * s) % 5, d % 3 == 0 ? version : 0);
    }
    std::ofstream(folder / fmt::format("d{}.md", d)) << text;
  }
}

void ingest(const std::filesystem::path& database, const std::filesystem::path& documents) {
  const auto store = store::open_sqlite_store(database);
  const auto names = make_extractor("names");
  SilentProgress silent;
  ingest_folder(*store, store->open_collection("c"), documents, nullptr, {.extractor = names.get()},
                silent);
}

// All that the graph says, without ids.
std::string contents(const std::filesystem::path& database) {
  const auto store = store::open_sqlite_store(database, {.mode = store::OpenMode::kRead});
  const store::CollectionId shelf = store->open_collection("c");
  const store::GraphRows rows = store->graph_rows({shelf, "", {}});
  std::map<int64_t, std::string> entities, chunks;
  for (const auto& row : rows.entities) entities[row.id] = row.name.key;
  for (const auto& document : store->documents(shelf)) {
    for (const auto& chunk : store->chunks_of(document.id)) {
      chunks[chunk.id] = fmt::format("{}#{}", document.uri, chunk.ordinal);
    }
  }
  std::multiset<std::string> lines;
  for (const auto& m : rows.mentions) {
    lines.insert(fmt::format("{} {} {}-{} {}", chunks.at(m.chunk), entities.at(m.entity),
                             m.char_from, m.char_to, m.surface));
  }
  return fmt::format("{} chunks\n{}", chunks.size(), fmt::join(lines, "\n"));
}

TEST(GraphCrash, KilledFiftyTimesItEndsAsIfNothingHadHappened) {
  const TempFolder folder;
  const auto documents = folder.path() / "documents";
  const auto database = folder.path() / "s.db";
  Rng rng(11);
  int killed = 0;
  for (int round = 0; round < 50; ++round) {
    write_documents(documents, round);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ingest(database, documents);
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(60000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    killed += WIFSIGNALED(status);
  }
  EXPECT_GT(killed, 10);
  ingest(database, documents);
  ingest(folder.path() / "fresh.db", documents);
  EXPECT_EQ(contents(database), contents(folder.path() / "fresh.db"));
}

TEST(GraphCrash, ReadersSeeWholeDocumentsOnly) {
  const TempFolder folder;
  const auto documents = folder.path() / "documents";
  const auto database = folder.path() / "s.db";
  write_documents(documents, 0);
  ingest(database, documents);
  std::atomic<bool> done = false;
  std::atomic<int64_t> looked = 0, broken = 0;
  std::thread reader([&] {
    const auto store = store::open_sqlite_store(database, {.mode = store::OpenMode::kRead});
    const store::CollectionId shelf = store->open_collection("c");
    while (!done) {
      const store::GraphRows rows = store->graph_rows({shelf, "", {}});
      std::map<int64_t, int64_t> mentions;
      for (const auto& row : rows.mentions) ++mentions[row.chunk];
      // Every chunk names its title or heading's document, a person and a place.
      for (const auto& [chunk, count] : mentions) broken += count < 3;
      for (const auto& m : rows.mentions) {
        broken += std::none_of(rows.entities.begin(), rows.entities.end(),
                               [&](const auto& e) { return e.id == m.entity; });
      }
      ++looked;
    }
  });
  for (int version = 1; version <= 10; ++version) {
    write_documents(documents, version);
    ingest(database, documents);
  }
  done = true;
  reader.join();
  EXPECT_GT(looked, 0);
  EXPECT_EQ(broken, 0);
}

}  // namespace
}  // namespace ondol::ground
