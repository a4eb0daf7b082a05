// What only the SQLite back end can get wrong: files, locks, versions, full disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "store/store.h"

namespace ondol::store {
namespace {

using ::testing::HasSubstr;

class SqliteStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ondol_sqlite_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "s.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void expect_error(const SqliteOptions& options, ErrorCode code, const std::string& part) {
    try {
      open_sqlite_store(path_, options);
      ADD_FAILURE() << "opened; expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
  void sql(const char* text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

DocumentContent large_document(const std::string& uri) {
  DocumentContent content;
  content.document.uri = uri;
  ChunkContent chunk;
  chunk.row.text = std::string(20000, 'x');
  chunk.row.length = 1;
  chunk.terms = {{"x", 1}};
  content.chunks.push_back(chunk);
  return content;
}

TEST_F(SqliteStoreTest, FilesThatAreNoStoreAreNamed) {
  expect_error({.mode = OpenMode::kRead}, ErrorCode::kNotFound, "s.db");
  write_file_atomic(path_, std::string(8192, 'z'));
  expect_error({}, ErrorCode::kCorruptData, "s.db");
  std::filesystem::remove(path_);
  sql("CREATE TABLE theirs (x)");
  expect_error({}, ErrorCode::kCorruptData, "another program");
}

TEST_F(SqliteStoreTest, ADamagedFileIsAnErrorThatNamesIt) {
  {
    auto store = open_sqlite_store(path_);
    const CollectionId shelf = store->open_collection("c");
    for (int i = 0; i < 20; ++i) store->put_document(shelf, large_document(std::to_string(i)));
  }
  std::string bytes = read_file(path_);
  ASSERT_GT(bytes.size(), 100000u);
  for (size_t at = 4096; at < bytes.size(); ++at) bytes[at] = static_cast<char>(at * 31);
  write_file_atomic(path_, bytes);
  try {
    auto store = open_sqlite_store(path_);
    const CollectionId shelf = store->open_collection("c");
    store->documents(shelf);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("s.db"));
  }
}

TEST_F(SqliteStoreTest, SchemaVersions) {
  open_sqlite_store(path_);
  sql("INSERT INTO migration VALUES (999, 0)");
  expect_error({}, ErrorCode::kUnsupported, "version 999");
  expect_error({.mode = OpenMode::kRead}, ErrorCode::kUnsupported, "a newer ondol");
}

TEST_F(SqliteStoreTest, AnInterruptedFirstOpenIsFinishedByTheNext) {
  // The file as it stands between the two transactions of making it.
  sql("PRAGMA application_id = 0x6F6E646C;"
      "CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
  expect_error({.mode = OpenMode::kRead}, ErrorCode::kUnsupported, "ondol ingest");
  auto store = open_sqlite_store(path_);
  EXPECT_GT(store->open_collection("c"), 0);
}

TEST_F(SqliteStoreTest, OneWriterManyReaders) {
  auto writer = open_sqlite_store(path_);
  const CollectionId shelf = writer->open_collection("c");
  expect_error({}, ErrorCode::kUnavailable, "another process writes");
  auto reader = open_sqlite_store(path_, {.mode = OpenMode::kRead});
  EXPECT_EQ(reader->open_collection("c"), shelf);
  writer->put_document(shelf, large_document("a"));
  EXPECT_EQ(reader->documents(shelf).size(), 1u);  // sees it without opening again
  EXPECT_EQ(reader->generation(shelf), writer->generation(shelf));
  EXPECT_THROW(reader->put_document(shelf, large_document("b")), Error);
  EXPECT_THROW(reader->open_collection("new"), Error);
  writer.reset();
  EXPECT_NO_THROW(open_sqlite_store(path_));
}

TEST_F(SqliteStoreTest, AFullDiskIsAnErrorAndLosesNothing) {
  {
    auto store = open_sqlite_store(path_, {.pages_max = 60});
    const CollectionId shelf = store->open_collection("c");
    int stored = 0;
    try {
      for (; stored < 100; ++stored) {
        store->put_document(shelf, large_document(std::to_string(stored)));
      }
      ADD_FAILURE() << "60 pages held 100 documents of 5 pages";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted) << error.what();
      EXPECT_THAT(error.what(), HasSubstr("s.db"));
    }
    EXPECT_GT(stored, 2);
    EXPECT_EQ(store->documents(shelf).size(), static_cast<size_t>(stored));
    EXPECT_EQ(store->chunk_ids({shelf, "", {}}).size(), static_cast<size_t>(stored));
    EXPECT_TRUE(store->remove_document(shelf, "0"));  // room again
    store->put_document(shelf, large_document("again"));
  }
  auto store = open_sqlite_store(path_);
  EXPECT_TRUE(store->find_document(store->open_collection("c"), "again").has_value());
}

}  // namespace
}  // namespace ondol::store
