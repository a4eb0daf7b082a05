#include "ground/kg/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "ground/kg/kg_test_support.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::put;
using testing::TempFolder;

KgImportReport import(const TempFolder& folder, const std::vector<std::filesystem::path>& files,
                      const KgImportOptions& options = {}) {
  SilentProgress silent;
  return import_knowledge(folder.path() / "kg.db", files, options, silent);
}

TEST(KgImport, NamesAndFactsArePutApart) {
  const TempFolder folder;
  const auto report = import(folder, {put(folder, "a.nt", testing::small_graph())});
  EXPECT_EQ(report.triples_read, 26);
  EXPECT_EQ(report.labels_kept, 18);
  EXPECT_EQ(report.triples_kept, 8);
  EXPECT_EQ(report.written.triples, 8);
  EXPECT_EQ(report.written.labels, 18);
  EXPECT_EQ(report.bad_lines, 0);
}

TEST(KgImport, PredicatesAndLanguagesAreKeptAsAsked) {
  const TempFolder folder;
  const auto file = put(folder, "a.nt",
                        testing::small_graph() + testing::label("Q3", "Pusan", "de") +
                            testing::label("Q3", "Busan City", "en-GB") +
                            testing::literal("Q3", "P17", "\"text\"@de"));
  const auto report =
      import(folder, {file},
             {.predicates = {"P17", "http://www.wikidata.org/prop/direct/P1082", "P404"},
              .languages = {"ko", "en"}});
  EXPECT_EQ(report.written.triples, 2);  // the literal without a language stays
  EXPECT_EQ(report.left_out_predicate, 6);
  EXPECT_EQ(report.left_out_language, 2);
  EXPECT_EQ(report.written.labels, 19);
  EXPECT_THAT(report.unused_predicates, ElementsAre("P404"));
}

TEST(KgImport, PackedTurtleAndSeveralFilesGiveTheSameGraph) {
  const std::string content = testing::small_graph();
  const size_t line = content.rfind('\n', content.size() / 2) + 1;
  const TempFolder plain, gz, bz, turtle, split;
  import(plain, {put(plain, "a.nt", content)});
  import(gz, {put(gz, "a.nt.gz", testing::gzipped(content))});
  import(bz, {put(bz, "a.nt.bz2", testing::bzipped(content))});
  import(turtle, {put(turtle, "a.ttl", content)});
  import(split, {put(split, "b.nt", content.substr(line)),
                 put(split, "a.nt.gz", testing::gzipped(content.substr(0, line)))});
  const auto print = [](const TempFolder& folder) {
    return store::open_knowledge_graph(folder.path() / "kg.db")->fingerprint();
  };
  for (const TempFolder* other : {&gz, &bz, &turtle, &split})
    EXPECT_EQ(print(*other), print(plain));
}

TEST(KgImport, BadLinesAreCountedAndTheFirstAreTold) {
  const TempFolder folder;
  std::string content = testing::small_graph();
  for (int i = 0; i < 30; ++i) content += "nonsense\n";
  content += "<a:cut> <a:p> <a:o";  // the download broke off
  const auto file = put(folder, "a.nt", content);
  const auto report = import(folder, {file});
  EXPECT_EQ(report.bad_lines, 31);
  EXPECT_EQ(report.problems.size(), 10u);
  EXPECT_EQ(report.problems[0].line, 27);
  EXPECT_EQ(report.problems[0].file, "a.nt");
  EXPECT_EQ(report.written.triples, 8);

  const std::string before = read_file(folder.path() / "kg.db");
  try {
    import(folder, {file}, {.strict = true});
    ADD_FAILURE() << "strict took it";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("line 27"));
  }
  EXPECT_EQ(read_file(folder.path() / "kg.db"), before);
}

TEST(KgImport, ABrokenFileChangesNothing) {
  const TempFolder folder;
  import(folder, {put(folder, "a.nt", testing::small_graph())});
  const std::string before = read_file(folder.path() / "kg.db");
  const std::string packed = testing::gzipped(testing::small_graph());
  const struct {
    const char* name;
    std::string content;
  } rows[] = {{"cut.nt.gz", packed.substr(0, packed.size() - 20)},
              {"bad.ttl", "<a:s> <a:p> <a:o> . ]"},
              {"empty.nt", ""},
              {"page.nt", "<!DOCTYPE html>\n<html></html>\n"},
              {"a.owl", "<rdf:RDF/>"},
              {"a.zip", "PK"}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_THROW(import(folder, {put(folder, row.name, row.content)}), Error);
    EXPECT_EQ(read_file(folder.path() / "kg.db"), before);
  }
  EXPECT_THROW(import(folder, {folder.path() / "none.nt"}), Error);
}

TEST(KgImport, BlankNodesOfTwoFilesStayTwo) {
  const TempFolder folder;
  const auto report = import(folder, {put(folder, "a.nt", "_:x <a:p> <a:o> .\n"),
                                      put(folder, "b.nt", "_:x <a:p> <a:o> .\n")});
  EXPECT_EQ(report.written.triples, 2);
}

// Ends the process at the n-th report, as `kill -9` would.
class KillAt final : public ProgressSink {
 public:
  explicit KillAt(int at) : left_(at) {}
  void update(std::string_view, uint64_t, uint64_t) override {
    if (--left_ == 0) ::kill(::getpid(), SIGKILL);
  }
  void notice(std::string_view) override {}

 private:
  int left_;
};

TEST(KgImport, KilledAnywhereAndImportedAgainItIsTheSame) {
  const TempFolder folder;
  std::string content;
  for (int i = 0; i < 70000; ++i) {
    content += testing::triple("Q" + std::to_string(i % 9000), "P" + std::to_string(i % 7),
                               "Q" + std::to_string(i * 31 % 9000));
  }
  content += testing::small_graph();
  const std::filesystem::path files[] = {put(folder, "big.nt", content)};
  const auto file = folder.path() / "kg.db";
  import(folder, {put(folder, "old.nt", testing::small_graph())});
  const std::string old = read_file(file);
  int kills = 0;
  for (int at = 1; at <= 6; ++at) {
    const pid_t child = ::fork();
    if (child == 0) {
      KillAt killer(at);
      import_knowledge(file, files, {}, killer);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) break;  // it had fewer reports
    ++kills;
    EXPECT_EQ(read_file(file), old);
  }
  EXPECT_GE(kills, 4);
  import(folder, {files[0]});
  const TempFolder clean;
  import(clean, {put(clean, "big.nt", content)});
  EXPECT_TRUE(read_file(file) == read_file(clean.path() / "kg.db"));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial"));
}

}  // namespace
}  // namespace ondol::ground
