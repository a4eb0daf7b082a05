#include "ground/ingest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "base/rng.h"
#include "ground/test_support.h"

namespace ondol::ground {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::HashEmbedder;
using ::testing::HasSubstr;
using testing::RecordedProgress;
using testing::TempFolder;

class IngestTest : public ::testing::Test {
 protected:
  IngestTest() { fs::create_directories(documents()); }
  fs::path documents() const { return folder_.path() / "documents"; }
  void write(const std::string& uri, const std::string& text) {
    write_file_atomic(documents() / uri, text);
  }
  IngestReport ingest(const IngestOptions& options = {}) {
    auto store = open();
    return ingest_folder(*store, store->open_collection("c"), documents(), &embedder_, options,
                         progress_);
  }
  std::unique_ptr<store::Store> open() const {
    return store::open_sqlite_store(folder_.path() / "s.db");
  }

  TempFolder folder_;
  HashEmbedder embedder_;
  RecordedProgress progress_;
};

TEST_F(IngestTest, TheSameFilesAgainAreNoWork) {
  write("a.md", "# A\nOne sentence.\n");
  write("sub/b.txt", "Two sentences. Here.");
  write("c.pdf", "%PDF");
  write(".hidden/d.txt", "never");
  const IngestReport first = ingest();
  EXPECT_EQ(first.added, 2);
  EXPECT_EQ(first.chunks_embedded, 2);
  EXPECT_THAT(first.ignored, ElementsAre("c.pdf"));
  const IngestReport again = ingest();
  EXPECT_EQ(again.unchanged, 2);
  EXPECT_EQ(again.added + again.changed + again.removed + again.chunks_embedded, 0);
  auto store = open();
  const auto document = store->find_document(store->open_collection("c"), "sub/b.txt");
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->tags, (store::Tags{{"folder", "sub"}, {"format", "txt"}}));
}

TEST_F(IngestTest, OnlyChangedChunksAreEmbedded) {
  write("a.md", "# A\n## One\nFirst text.\n## Two\nSecond text.\n## Three\nThird text.\n");
  ingest();
  int64_t kept = 0;
  {
    auto store = open();
    const auto scope = store::Scope{store->open_collection("c"), "", {}};
    kept = store->chunk_ids(scope).at(0);
  }
  embedder_.texts_embedded = 0;
  write("a.md", "# A\n## New\nBefore all.\n## One\nFirst text.\n## Two\nChanged text.\n");
  const IngestReport report = ingest();
  EXPECT_EQ(report.changed, 1);
  EXPECT_EQ(report.chunks_kept, 1);
  EXPECT_EQ(report.chunks_new, 2);
  EXPECT_EQ(embedder_.texts_embedded, 2);
  auto store = open();
  const store::CollectionId shelf = store->open_collection("c");
  const auto chunks = store->chunks_of(store->find_document(shelf, "a.md")->id);
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[1].id, kept);  // moved, not made again
  EXPECT_EQ(chunks[1].ordinal, 1);
  EXPECT_TRUE(store->postings({shelf, "", {}}, "third").empty());
}

TEST_F(IngestTest, ADeletedFileIsGone) {
  write("a.txt", "stays");
  write("b.txt", "goes away");
  ingest();
  fs::remove(documents() / "b.txt");
  EXPECT_EQ(ingest().removed, 1);
  auto store = open();
  EXPECT_TRUE(store->postings({store->open_collection("c"), "", {}}, "goes").empty());
}

TEST_F(IngestTest, OneBadDocumentDoesNotStopTheOthers) {
  write("a.txt", "was fine");
  ingest();
  write("a.txt", "now \xFF broken");
  write("b.txt", "fine");
  fs::create_symlink("/etc/hostname", documents() / "link.txt");
  const IngestReport report = ingest();
  ASSERT_EQ(report.failures.size(), 2u);
  EXPECT_EQ(report.failures[0].uri, "a.txt");
  EXPECT_THAT(report.failures[0].error, HasSubstr("0xff at offset 4"));
  EXPECT_THAT(report.failures[1].error, HasSubstr("leaves the documents folder"));
  EXPECT_EQ(report.added, 1);
  auto store = open();
  const store::CollectionId shelf = store->open_collection("c");
  EXPECT_FALSE(store->find_document(shelf, "a.txt").has_value());  // no stale answers
  EXPECT_EQ(store->jobs(shelf)[0].state, "failed");
  store.reset();
  write("a.txt", "mended");
  fs::remove(documents() / "link.txt");
  EXPECT_TRUE(ingest().failures.empty());
  EXPECT_EQ(open()->jobs(shelf).size(), 2u);
}

TEST_F(IngestTest, AnotherEmbedderOrSizeIsWorkAgain) {
  write("a.txt", "One. Two. Three.");
  ingest();
  HashEmbedder other({"en"}, "hash-2");
  auto store = open();
  const store::CollectionId shelf = store->open_collection("c");
  const IngestReport report = ingest_folder(*store, shelf, documents(), &other, {}, progress_);
  EXPECT_EQ(report.changed, 1);
  EXPECT_EQ(report.chunks_kept, 1);
  EXPECT_EQ(report.chunks_embedded, 1);
  IngestOptions small;
  small.chunks.words_target = 1;
  EXPECT_EQ(ingest_folder(*store, shelf, documents(), &other, small, progress_).chunks_new, 3);
}

TEST_F(IngestTest, AMissingFolderIsNamed) {
  auto store = open();
  try {
    ingest_folder(*store, store->open_collection("c"), "/no/such/folder", nullptr, {}, progress_);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("/no/such/folder"));
  }
}

// Everything a search can see, named by document and ordinal: ids may differ between histories.
std::vector<std::string> dump(store::Store& store) {
  const store::CollectionId shelf = store.open_collection("c");
  const store::Scope scope{shelf, "", {}};
  std::map<store::ChunkId, std::string> names;
  std::vector<std::string> out;
  std::set<std::string> terms;
  for (const store::Document& document : store.documents(shelf)) {
    for (const store::Chunk& chunk : store.chunks_of(document.id)) {
      names[chunk.id] = document.uri + "#" + std::to_string(chunk.ordinal);
      out.push_back(names[chunk.id] + " " + chunk.heading + " " + chunk.text + " " +
                    chunk.text_hash + " " + std::to_string(chunk.length));
      for (const std::string& term : Analyzer().terms(chunk.text)) terms.insert(term);
    }
  }
  for (const std::string& term : terms) {
    for (const store::Posting& posting : store.postings(scope, term)) {
      out.push_back(term + " " + names.at(posting.chunk) + " " + std::to_string(posting.count));
    }
  }
  store.for_each_vector(scope, "hash-1", [&](store::ChunkId id, std::span<const float> vector) {
    out.push_back(names.at(id) + " " + std::to_string(vector[0]) + " " + std::to_string(vector[1]));
  });
  for (const store::JobRow& job : store.jobs(shelf)) out.push_back(job.uri + " " + job.state);
  std::sort(out.begin(), out.end());
  return out;
}

void write_generated(const fs::path& folder, int version) {
  for (int i = 0; i < 12; ++i) {
    std::string text = "# Document " + std::to_string(i) + "\n";
    for (int s = 0; s < 4; ++s) {
      // A second version changes some sections, drops documents and adds others.
      const int edition = (i + s) % 3 == 0 ? version : 0;
      text += "## Section " + std::to_string(s) + "\n";
      for (int w = 0; w < 20; ++w) {
        text += "word" + std::to_string((i * 7 + s * 3 + w * edition) % 50) + " ";
      }
      text += "ends. 온돌은 따뜻하다.\n";
    }
    if (version > 0 && i % 5 == 0) continue;
    write_file_atomic(folder / ("d" + std::to_string(i + 3 * version) + ".md"), text);
  }
}

void ingest_in_child(const fs::path& database, const fs::path& documents) {
  SilentProgress silent;
  HashEmbedder embedder({"en", "ko"});
  auto store = store::open_sqlite_store(database);
  ingest_folder(*store, store->open_collection("c"), documents, &embedder, {}, silent);
}

// Kills an ingest at `microseconds`; true if it was killed before it ended.
bool killed_at(const fs::path& database, const fs::path& documents, unsigned microseconds) {
  const pid_t child = ::fork();
  if (child == 0) {
    ingest_in_child(database, documents);
    ::_exit(0);
  }
  ::usleep(microseconds);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

TEST_F(IngestTest, AKillAtAnyMomentLosesNothing) {
  using Clock = std::chrono::steady_clock;
  const fs::path clean = folder_.path() / "clean.db";
  write_generated(documents(), 0);
  const auto begin = Clock::now();
  ingest_in_child(clean, documents());
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  fs::remove_all(documents());
  write_generated(documents(), 1);
  ingest_in_child(clean, documents());
  const std::vector<std::string> expected = dump(*store::open_sqlite_store(clean));

  const auto pause = [&](Rng& from) {
    return static_cast<unsigned>(from.below(static_cast<uint64_t>(whole.count())));
  };
  Rng rng(5);
  int killed = 0;
  for (int round = 0; round < 50; ++round) {
    const fs::path database = folder_.path() / ("k" + std::to_string(round) + ".db");
    fs::remove_all(documents());
    write_generated(documents(), 0);
    // Half of the kills hit the first ingest, half hit the update.
    if (round % 2 == 0) ingest_in_child(database, documents());
    if (round % 2 == 1) killed += killed_at(database, documents(), pause(rng));
    fs::remove_all(documents());
    write_generated(documents(), 1);
    if (round % 2 == 0) killed += killed_at(database, documents(), pause(rng));
    ingest_in_child(database, documents());
    ASSERT_EQ(dump(*store::open_sqlite_store(database)), expected) << "round " << round;
    fs::remove(database);
  }
  EXPECT_GT(killed, 20) << "too few kills came before the end to mean anything";
}

}  // namespace
}  // namespace ondol::ground
