#include "app/graph_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/graph_test_support.h"
#include "ground/report_test_support.h"

namespace ondol::app {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

// A report of whoever is named, proved by the first sentence.
GeneratedSample report_of(const GenerateRequest& request) {
  const bool alice = ground::testing::user_text(request).find("Alice") != std::string::npos;
  const std::string name = alice ? "Alice Kim" : "Dora Shin";
  return {R"({"title":"About )" + name + R"(","summary":"They meet.","rating":3,"findings":[)" +
              R"({"summary":"Bob, Cara, Emil, Fred met","explanation":"So it is.",)" +
              R"("sentences":[1,2]}]})",
          {},
          "stop",
          {}};
}

TEST(GraphReports, AreKeptByADeskThatOnlyReads) {
  const TempFolder folder;
  const Workspace workspace =
      testing::make_graph_workspace(folder.path() / "w", testing::two_groups());
  ground::testing::ReportModel model;
  model.answer = report_of;
  SilentProgress silent;
  {
    GraphDesk desk(workspace, {.keep = true});
    GraphReports reports(desk, model);
    EXPECT_EQ(reports.current().first, 0);
    const auto ids = reports.levels(0, 0);
    ASSERT_GE(ids.size(), 1u);
    const ground::ReportsMade made = reports.make(ids, silent);
    EXPECT_GE(made.made, 1);
    EXPECT_TRUE(made.failed.empty());
    EXPECT_EQ(reports.spent().calls, static_cast<int64_t>(model.requests.size()));
  }
  // Another process, later: what is there is found, and nothing is asked.
  GraphDesk desk(workspace, {});
  GraphReports reports(desk, model);
  const auto asked = model.requests.size();
  EXPECT_GE(reports.current().first, 1);
  EXPECT_LE(reports.current().first, reports.current().second);
  EXPECT_THAT(reports.reporter().told(reports.levels(0, 0).at(0)).title, HasSubstr("About "));
  EXPECT_EQ(model.requests.size(), asked);
}

}  // namespace
}  // namespace ondol::app
