#include "ground/cite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/refusal.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

Evidence piece(const std::string& document, const std::string& text, int64_t char_from = 0) {
  Evidence evidence;
  evidence.document = document;
  evidence.heading = "H";
  evidence.text = text;
  evidence.char_from = char_from;
  return evidence;
}

TEST(Cite, TheSentenceThatHoldsTheAnswer) {
  const std::vector<Evidence> evidence = {
      piece("a.md", "The hall is open daily. 온돌방은 겨울에만 연다. It closes at nine.", 100),
      piece("b.md", "The keeper of the hall is Mina Park.")};
  const struct {
    const char* answer;
    const char* quote;
    const char* document;
    int64_t from;
  } rows[] = {{"Mina Park", "The keeper of the hall is Mina Park.", "b.md", 0},
              {"mina park.", "The keeper of the hall is Mina Park.", "b.md", 0},
              {"It is at nine that it closes", "It closes at nine.", "a.md", 138},
              {"온돌방은 겨울에 연다", "온돌방은 겨울에만 연다.", "a.md", 124}};
  for (const auto& row : rows) {
    const std::vector<Citation> citations = cite(row.answer, evidence);
    ASSERT_FALSE(citations.empty()) << row.answer;
    EXPECT_EQ(citations[0].quote, row.quote);
    EXPECT_EQ(citations[0].document, row.document);
    EXPECT_EQ(citations[0].char_from, row.from);
    EXPECT_EQ(citations[0].char_to - citations[0].char_from,
              static_cast<int64_t>(text::count_code_points(row.quote)));
  }
}

TEST(Cite, NothingRatherThanSomethingWrong) {
  const std::vector<Evidence> evidence = {piece("a.md", "The hall is open daily.")};
  EXPECT_TRUE(cite("Mina Park in 2010", evidence).empty());
  EXPECT_TRUE(cite("", evidence).empty());
  EXPECT_TRUE(cite("anything", {}).empty());
  // "10" stands inside "2010" but is another number.
  const std::vector<Evidence> number = {piece("a.md", "Founded in 2010.")};
  EXPECT_TRUE(cite("10", number).empty());
  EXPECT_EQ(cite("2010", number).size(), 1u);
}

TEST(Cite, SeveralSentencesWhenNoneSaysAll) {
  const std::vector<Evidence> evidence = {
      piece("a.md", "Kim runs the kitchen. Lee runs the garden. Rain fell.")};
  const auto citations = cite("Kim kitchen, Lee garden", evidence, {.support_min = 0.4});
  EXPECT_EQ(citations.size(), 2u);
}

TEST(Refusal, SupportIsHighWhereTheQuestionIsTalkedAbout) {
  const std::vector<Evidence> evidence = {
      piece("a.md", "The winter timetable of the ferry begins in November."),
      piece("b.md", "Tickets for the ferry cost 3,000 won.")};
  const double about =
      evidence_support({.text = "When does the winter timetable begin?"}, evidence);
  const double beside = evidence_support({.text = "Who founded the ferry museum?"}, evidence);
  EXPECT_GT(about, 0.6);
  EXPECT_LT(beside, about);
  EXPECT_EQ(evidence_support({.text = "When?"}, {}), 0.0);
  EXPECT_EQ(evidence_support({.text = "보일러"}, evidence), 0.0);
}

// A report is cited as the documents' sentences: by their words, or by its own line about them.
TEST(Cite, OfAReportItsSources) {
  Evidence report = piece("a.md",
                          "Boats\n- The fleet is kept ashore in winter: for repairs [2][1]\n"
                          "[1] The boats are lifted out in November.\n"
                          "[2] Mina Park mends them in the shed.");
  report.sources = {{"a.md", "Yard", 7, 40, 79, "The boats are lifted out in November."},
                    {"b.md", "Shed", 9, 5, 40, "Mina Park mends them in the shed."}};
  const std::vector<Evidence> evidence = {report};
  const auto own = cite("lifted out in November", evidence);
  ASSERT_EQ(own.size(), 1u);
  EXPECT_EQ(own[0].document, "a.md");
  EXPECT_EQ(own[0].chunk_id, 7);
  EXPECT_EQ(own[0].char_from, 40);
  EXPECT_EQ(own[0].quote, "The boats are lifted out in November.");
  // Words of the line alone: what it rests on, in its order, each once.
  const auto line = cite("The fleet is kept ashore for repairs", evidence, {.citations_max = 5});
  ASSERT_GE(line.size(), 1u);
  EXPECT_EQ(line[0].document, "b.md");
  for (size_t i = 1; i < line.size(); ++i) EXPECT_NE(line[i].document, line[0].document);
  EXPECT_TRUE(cite("volcano", evidence).empty());
  // Marks that name no source are words like others.
  Evidence wrong = piece("c.md", "The gate opens at nine [7]\n[x] [1");
  wrong.sources = {{"c.md", "", 3, 0, 4, "Gate."}};
  EXPECT_TRUE(cite("opens at nine", std::vector<Evidence>{wrong}).empty());
}

}  // namespace
}  // namespace ondol::ground
