#include "app/perplexity.h"

#include <gtest/gtest.h>

#include "app/version.h"
#include "base/files.h"
#include "support/paths.h"

namespace ondol::app {
namespace {

TEST(CutUtf8, EndsBetweenCharacters) {
  const struct {
    std::string_view text;
    size_t bytes_max;
    std::string_view expected;
  } rows[] = {
      {"abc", 9, "abc"},
      {"abc", 3, "abc"},
      {"abc", 2, "ab"},
      {"abc", 0, ""},
      {"온돌", 6, "온돌"},
      {"온돌", 5, "온"},
      {"온돌", 4, "온"},
      {"온돌", 3, "온"},
      {"온돌", 2, ""},
      {"a\xF0\x9F\x94\xA5", 4, "a"},
      {"\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(cut_utf8(row.text, row.bytes_max), row.expected) << row.text << " " << row.bytes_max;
  }
}

TEST(Version, IsTheProjects) {
  const std::string cmake = read_file(testing::source_dir() / "CMakeLists.txt");
  EXPECT_NE(cmake.find("VERSION " + std::string(kVersion) + " "), std::string::npos);
}

}  // namespace
}  // namespace ondol::app
