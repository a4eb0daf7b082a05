// Every command has words for people: a summary in both languages, an example, a section of
// docs/cli.md that names each of its options (conventions, C24).
#include <gtest/gtest.h>

#include <set>

#include "base/files.h"
#include "cli/command.h"
#include "support/paths.h"

namespace ondol::cli {
namespace {

// From "## ondol NAME" to the next "## ".
std::string section_of(const std::string& docs, std::string_view name) {
  const std::string heading = "\n## ondol " + std::string(name) + "\n";
  const size_t begin = docs.find(heading);
  if (begin == std::string::npos) return "";
  return docs.substr(begin, docs.find("\n## ", begin + heading.size()) - begin);
}

TEST(CommandTable, HasEveryCommandOnce) {
  std::set<std::string> names;
  for (const Command* command : commands()) names.emplace(command->name);
  EXPECT_EQ(names.size(), commands().size());
  EXPECT_EQ(names, (std::set<std::string>{
                       "quickstart", "init",  "pull",     "models",     "info",    "run",
                       "chat",       "embed", "tokenize", "perplexity", "predict", "ingest",
                       "search",     "graph", "ask",      "compare",    "bench",   "data",
                       "train",      "merge", "export",   "kg"}));
}

TEST(CommandTable, EveryCommandHasSummaryExampleAndJson) {
  for (const Command* command : commands()) {
    SCOPED_TRACE(std::string(command->name));
    EXPECT_FALSE(command->summary.english.empty());
    EXPECT_NE(command->summary.korean, command->summary.english);
    EXPECT_LE(display_columns(command->summary.korean), 66U);
    ASSERT_FALSE(command->examples.empty());
    for (const std::string_view example : command->examples) {
      EXPECT_NE(example.find("ondol " + std::string(command->name)), std::string_view::npos);
      EXPECT_LE(example.size(), 78U);
    }
    EXPECT_NE(command_help(*command, Language::kEnglish).find("--json"), std::string::npos);
  }
}

TEST(CommandTable, EveryOptionIsInTheDocumentation) {
  const std::string docs = read_file(testing::source_dir() / "docs" / "cli.md");
  for (const Command* command : commands()) {
    const std::string section = section_of(docs, command->name);
    EXPECT_FALSE(section.empty()) << "docs/cli.md has no section 'ondol " << command->name << "'";
    Options options{std::string(command->name)};
    const Action unused = command->declare(options);
    for (const OptionRow& row : options.rows()) {
      const size_t dashes = row.names.find("--");
      const std::string name = dashes == std::string::npos ? row.names : row.names.substr(dashes);
      EXPECT_NE(section.find(name), std::string::npos)
          << "section 'ondol " << command->name << "' of docs/cli.md lacks " << name;
    }
  }
}

TEST(CommandTable, HelpFitsEightyColumns) {
  for (const Language language : {Language::kEnglish, Language::kKorean}) {
    std::string all = program_help(language);
    for (const Command* command : commands()) all += command_help(*command, language);
    for (size_t begin = 0; begin < all.size();) {
      const size_t end = all.find('\n', begin);
      const std::string line = all.substr(begin, end - begin);
      EXPECT_LE(display_columns(line), 80U) << line;
      begin = end + 1;
    }
  }
}

}  // namespace
}  // namespace ondol::cli
