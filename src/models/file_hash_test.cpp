#include "models/file_hash.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"

namespace ondol::models {
namespace {

class FileHash : public ::testing::Test {
 protected:
  FileHash()
      : folder(std::filesystem::temp_directory_path() /
               ("ondol_file_hash_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
    write_file_atomic(file, "one");
  }
  ~FileHash() override { std::filesystem::remove_all(folder); }
  std::filesystem::path entry() const { return std::filesystem::directory_iterator(cache)->path(); }

  std::filesystem::path folder, file = folder / "weights", cache = folder / "cache";
};

TEST_F(FileHash, WithoutACacheNothingIsWritten) {
  EXPECT_EQ(file_hash(file, {}), sha256_hex("one"));
  EXPECT_FALSE(std::filesystem::exists(cache));
}

TEST_F(FileHash, ARememberedHashIsUsedWhileTheFileIsUnchanged) {
  EXPECT_EQ(file_hash(file, cache), sha256_hex("one"));
  std::string remembered = read_file(entry());
  const std::string marked(64, 'f');
  write_file_atomic(entry(), remembered.replace(remembered.size() - 64, 64, marked));
  EXPECT_EQ(file_hash(file, cache), marked);
}

TEST_F(FileHash, AChangedFileIsHashedAnew) {
  file_hash(file, cache);
  write_file_atomic(file, "two");  // the same size
  EXPECT_EQ(file_hash(file, cache), sha256_hex("two"));
  std::ofstream(file, std::ios::app) << "!";
  EXPECT_EQ(file_hash(file, cache), sha256_hex("two!"));
}

TEST_F(FileHash, ABrokenEntryIsReplaced) {
  file_hash(file, cache);
  const std::string whole = read_file(entry());
  for (size_t size : {size_t{0}, size_t{10}, whole.size() - 1}) {
    write_file_atomic(entry(), whole.substr(0, size));
    EXPECT_EQ(file_hash(file, cache), sha256_hex("one"));
    EXPECT_EQ(read_file(entry()), whole);
  }
}

TEST_F(FileHash, AMissingFileIsAnError) {
  EXPECT_THROW(file_hash(folder / "none", cache), Error);
  EXPECT_THROW(file_hash(folder / "none", {}), Error);
}

}  // namespace
}  // namespace ondol::models
