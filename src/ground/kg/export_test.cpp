#include "ground/kg/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ground/kg/kg_test_support.h"

namespace ondol::ground {
namespace {

using ::testing::Contains;
using testing::make_graph;
using testing::small_graph;
using testing::TempFolder;
using ::testing::UnorderedElementsAre;

struct Rows {
  std::vector<std::string> lines;
  KgExportReport report;
};

Rows exported(const std::string& content, const KgExportOptions& options) {
  const TempFolder folder;
  const auto graph = make_graph(folder, content);
  SilentProgress silent;
  Rows rows;
  rows.report = export_facts(
      *graph, options, [&](std::string_view line) { rows.lines.emplace_back(line); }, silent);
  return rows;
}

TEST(KgExport, FactsAsSentences) {
  const Rows rows = exported(small_graph(), {.predicates = {"P106", "P1082"}});
  EXPECT_THAT(rows.lines, UnorderedElementsAre(R"({"text":"Ann Lee - occupation - painter"})",
                                               R"({"text":"Ann Lee - occupation - physicist"})",
                                               R"({"text":"Busan - population - 3349016"})"));
  EXPECT_EQ(rows.report.rows, 3);
  EXPECT_EQ(rows.report.without_name, 0);
}

TEST(KgExport, QuestionsInBothLanguages) {
  EXPECT_THAT(exported(small_graph(), {.style = "qa"}).lines,
              Contains(R"({"question":"What is the country of Busan?","answer":"South Korea"})"));
  const Rows korean = exported(small_graph(), {.style = "qa", .languages = {"ko", "en"}});
  EXPECT_THAT(korean.lines,
              Contains(R"({"question":"부산의 인구는 무엇인가?","answer":"3349016"})"));
  EXPECT_THAT(korean.lines,
              Contains(R"({"question":"앤 리의 직업은 무엇인가?","answer":"painter"})"));
  // Q7 and Q8 have no name.
  EXPECT_EQ(korean.report.without_name, 2);
}

TEST(KgExport, SeveralObjectsAreOneAnswerUnlessTheyAreTooMany) {
  std::string content = testing::label("Q1", "club", "en") + testing::label("Q2", "hub", "en") +
                        testing::label("P1", "member", "en");
  for (int i = 10; i < 40; ++i) {
    const std::string id = "Q" + std::to_string(i);
    content += testing::label(id, "n" + std::to_string(i), "en");
    content += testing::triple("Q2", "P1", id);
    if (i < 12) content += testing::triple("Q1", "P1", id);
  }
  const Rows rows = exported(content, {.style = "qa"});
  ASSERT_EQ(rows.lines.size(), 1u);
  EXPECT_THAT(rows.lines[0], ::testing::HasSubstr("n10"));
  EXPECT_THAT(rows.lines[0], ::testing::HasSubstr("n11"));
  EXPECT_EQ(rows.report.facts, 2);
  EXPECT_EQ(rows.report.too_many_objects, 30);
}

TEST(KgExport, ParticlesFollowTheLastSound) {
  EXPECT_EQ(with_topic_particle("출생지"), "출생지는");
  EXPECT_EQ(with_topic_particle("직업"), "직업은");
  EXPECT_EQ(with_topic_particle("P19"), "P19은(는)");
  EXPECT_THROW(exported(small_graph(), {.style = "poem"}), Error);
}

}  // namespace
}  // namespace ondol::ground
