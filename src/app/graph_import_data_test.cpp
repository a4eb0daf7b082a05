// The tables that GraphRAG wrote of A Christmas Carol, against a document of a few of its
// sentences.
#include <gmock/gmock.h>

#include "app/graph_import.h"
#include "app/graph_test_support.h"
#include "support/paths.h"

namespace ondol::app {
namespace {

TEST(GraphragFixtures, AreReadAndNeedProof) {
  ONDOL_NEED_DATA("graphrag_fixtures");
  const auto folder = ondol::testing::data_dir() / "graphrag_fixtures";
  const std::vector<ground::GivenFact> facts = read_facts(folder);
  ASSERT_EQ(facts.size(), 978u);
  EXPECT_EQ(facts[0].subject, "CHARLES DICKENS");
  EXPECT_EQ(facts[0].label, "Charles Dickens is the author of \"A Christmas Carol.\"");
  EXPECT_EQ(facts[0].object, "A CHRISTMAS CAROL");
  EXPECT_EQ(facts[0].subject_type, "PERSON");
  const testing::TempFolder temp;
  GraphDesk desk(
      testing::make_graph_workspace(
          temp.path(), {{"book.md", "", "Once Charles Dickens wrote A Christmas Carol."},
                        {"other.md", "", "Arthur Rackham drew. Charles Dickens wrote."}}),
      {.write = true});
  SilentProgress silent;
  const ground::FactImport done = desk.import_facts(folder, silent);
  EXPECT_EQ(done.taken, 2);  // the author, and "Christmas" with the book
  EXPECT_EQ(done.rejected.at("no sentence names both ends"), 976);
  EXPECT_EQ(desk.graph().facts().size(), 2u);
}

}  // namespace
}  // namespace ondol::app
