// Reports by a small model of the sample's documents: always of the form, always with sentences
// that stand in the documents. Whether they are good is the model's affair.
#include <gtest/gtest.h>

#include <algorithm>

#include "app/graph_reports.h"
#include "app/test_support.h"
#include "ground/ingest.h"
#include "support/paths.h"

namespace ondol::app {
namespace {

TEST(GraphReportsModel, AreOfTheFormAndProvedByTheDocuments) {
  const auto path = ondol::testing::smollm2_gguf();
  ONDOL_NEED_MODEL(path);
  const testing::TempFolder folder;
  init_workspace(folder.path() / "w", /*sample=*/true);
  const Workspace workspace = Workspace::open(folder.path() / "w");
  Session session(Home{folder.path() / "home"}, {.threads = 2});
  SilentProgress silent;
  {
    const auto names = ground::make_extractor("names");
    const auto store = workspace.open_store(store::OpenMode::kReadWrite);
    ground::ingest_folder(*store, store->open_collection(kDocumentsCollection),
                          workspace.documents(), nullptr, {.extractor = names.get()}, silent);
  }
  GraphDesk desk(workspace, {.keep = true});
  GraphReports reports(desk, session.generator(path.string()));
  std::vector<int32_t> ids = reports.levels(0, 100);
  ASSERT_GE(ids.size(), 4u);
  ids.erase(ids.begin(), ids.end() - 4);  // the smallest
  const ground::ReportsMade made = reports.make(ids, silent);
  EXPECT_EQ(made.stopped, "");
  EXPECT_EQ(made.made + static_cast<int64_t>(made.failed.size()), 4);
  for (const auto& [id, why] : made.failed) EXPECT_EQ(why.find("JSON"), std::string::npos) << why;
  for (const int32_t id : ids) {
    const ground::CommunityReport report = reports.reporter().told(id);
    EXPECT_FALSE(report.title.empty());
    EXPECT_EQ(report.extractive, !reports.reporter().find(id).has_value());
    ASSERT_FALSE(report.sentences.empty());
    for (const ground::ReportSentence& sentence : report.sentences) {
      const auto views = desk.passages({sentence.place.passage});
      ASSERT_EQ(views.size(), 1u);
      EXPECT_EQ(views[0].chunk.id, sentence.chunk);
      EXPECT_NE(views[0].chunk.text.find(sentence.place.text), std::string::npos);
    }
    for (const ground::ReportFinding& finding : report.findings) {
      EXPECT_FALSE(finding.sentences.empty());
      for (const size_t number : finding.sentences) EXPECT_LT(number, report.sentences.size());
    }
  }
  // The same again costs nothing.
  const int64_t calls = reports.spent().calls;
  reports.make(ids, silent);
  EXPECT_EQ(reports.spent().calls, calls);
}

}  // namespace
}  // namespace ondol::app
