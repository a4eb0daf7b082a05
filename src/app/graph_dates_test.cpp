// Facts that hold for a time: imported, ended by the next where only one can hold, searched as of a
// date.
#include <gmock/gmock.h>

#include "app/graph_test_support.h"
#include "app/opened_corpus.h"

namespace ondol::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempFolder;

constexpr const char* kFacts =
    R"({"document":"a.md","subject":"Harbour Office","relation":"led_by","object":"Mara Lind","from":"1998"}
{"document":"b.md","subject":"Harbour Office","relation":"led_by","object":"Tom Hale","from":"2005-03"}
{"document":"b.md","subject":"Harbour Office","relation":"led_by","object":"Tom Hale","from":"spring"})";

class GraphDates : public ::testing::Test {
 protected:
  GraphDates()
      : workspace_(testing::make_graph_workspace(
            temp_.path() / "w", {{"a.md", "", "Mara Lind led the Harbour Office for years."},
                                 {"b.md", "", "Tom Hale leads the Harbour Office now."}})) {
    write_file_atomic(workspace_.folder() / "ontology.toml",
                      "[relation.led_by]\nfunctional = true\n");
    GraphDesk desk(workspace_, {.write = true});
    import_ = testing::import_text(desk, temp_.path() / "f.jsonl", kFacts);
  }
  // The facts that a search for who led the office is told.
  std::vector<std::string> told(const std::string& as_of) {
    Session session(Home{temp_.path() / "home"}, {.threads = 1});
    const std::vector<std::string> kinds = {"graph-local"};
    OpenedCorpus opened(workspace_, kinds);
    ground::Corpus& corpus =
        *opened.corpus(kDocumentsCollection, nullptr, session, workspace_.book());
    const auto retriever = ground::make_retriever({.kind = "graph-local",
                                                   .as_of = as_of,
                                                   .budget_tokens = 2000,
                                                   .report_share = 0,
                                                   .passage_share = 0},
                                                  corpus);
    std::vector<std::string> out;
    for (const Evidence& piece : retriever->retrieve({.text = "Who led the Harbour Office?"}, 9)) {
      out.push_back(piece.text.substr(0, piece.text.find(" [1]")));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  const TempFolder temp_;
  Workspace workspace_;
  ground::FactImport import_;
};

TEST_F(GraphDates, TheNextHolderEndsTheTimeOfTheOneBefore) {
  EXPECT_EQ(import_.taken, 2);
  EXPECT_EQ(import_.rejected.at("a date is none"), 1);
  GraphDesk desk(workspace_, {});
  for (const ground::GraphFact& fact : desk.graph().facts()) {
    EXPECT_EQ(fact.valid_to, fact.valid_from == "1998" ? "2005-03" : "");
  }
}

TEST_F(GraphDates, ASearchAsOfADateIsToldWhatHeldThen) {
  EXPECT_EQ(told("").size(), 2u);
  EXPECT_THAT(told("2001"), ElementsAre(HasSubstr("Mara Lind, from 1998, to 2005-03")));
  EXPECT_THAT(told("2010-06-01"), ElementsAre(HasSubstr("Tom Hale, from 2005-03")));
  EXPECT_TRUE(told("1990").empty());
}

}  // namespace
}  // namespace ondol::app
