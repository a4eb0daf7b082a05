// Searches that bring reports: graph-reports, and graph searches with a budget.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/fact_import.h"
#include "ground/report_test_support.h"
#include "ground/retrievers/graph_budget.h"

namespace ondol::ground {
namespace {

using ::testing::HasSubstr;
using testing::ReportBench;
using testing::two_clubs;
using testing::user_text;

GeneratedSample said(std::string text) { return {std::move(text), {}, "stop", {}}; }

TEST(GraphReports, AModelRatesFromTheTopDownWithinItsBudget) {
  ReportBench bench(two_clubs());
  bench.make_all();
  const size_t before = bench.model.requests.size();
  bench.model.answer = [](const GenerateRequest& request) {
    const bool fits = user_text(request).find("Bo Lee") != std::string::npos;
    return said(fits ? R"({"rating":4})" : R"({"rating":0})");
  };
  const auto found = make_retriever({.kind = "graph-reports", .rating = "model"}, bench.corpus())
                         ->retrieve({.text = "Tarn Club"}, 9);
  ASSERT_FALSE(found.empty());
  for (const Evidence& piece : found) EXPECT_EQ(piece.score, 4);
  for (const Evidence& piece : found) EXPECT_EQ(piece.document.substr(0, 4), "moor");
  EXPECT_GT(bench.model.requests.size(), before);
  for (size_t i = before; i < bench.model.requests.size(); ++i) {
    EXPECT_THAT(user_text(bench.model.requests[i]), HasSubstr("Question: Tarn Club"));
    EXPECT_FALSE(bench.model.requests[i].sources.empty());
  }
  // One that says no to all is believed; nonsense is a no.
  bench.model.answer = [](const GenerateRequest&) { return said("yes!"); };
  const auto none = make_retriever({.kind = "graph-reports", .rating = "model"}, bench.corpus())
                        ->retrieve({.text = "Something else"}, 9);
  EXPECT_TRUE(none.empty());
  // The budget.
  const size_t then = bench.model.requests.size();
  make_retriever({.kind = "graph-reports", .relevance_tests = 1, .rating = "model"}, bench.corpus())
      ->retrieve({.text = "A third question"}, 9);
  EXPECT_EQ(bench.model.requests.size(), then + 1);
}

TEST(GraphReports, LazyOnesAreMadeForWhatIsFoundAlone) {
  ReportBench bench(two_clubs());
  const auto plain = make_retriever({.kind = "graph-reports"}, bench.corpus())
                         ->retrieve({.text = "Who opens the fair of the Tarn Club?"}, 1);
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_THAT(plain[0].heading, HasSubstr("sentences of the documents"));
  EXPECT_TRUE(bench.model.requests.empty());
  const auto lazy = make_retriever({.kind = "graph-reports", .lazy = true}, bench.corpus())
                        ->retrieve({.text = "Who opens the fair of the Tarn Club?"}, 1);
  ASSERT_EQ(lazy.size(), 1u);
  EXPECT_EQ(lazy[0].title, "A title");
  EXPECT_THAT(lazy[0].heading, HasSubstr("report"));
  EXPECT_EQ(bench.model.requests.size(), 1u);
}

TEST(GraphReports, AQuestionThatSharesNoWordGetsTheLargest) {
  ReportBench bench(two_clubs());
  const auto found = make_retriever({.kind = "graph-reports"}, bench.corpus())
                         ->retrieve({.text = "Zusammenfassung?"}, 2);
  EXPECT_EQ(found.size(), 2u);
}

TEST(GraphBudget, ReportsPassagesAndFactsShareIt) {
  ReportBench bench(two_clubs());
  const Query query{.text = "What does the Tarn Club do?"};
  const auto passages =
      make_retriever({.kind = "hybrid-graph"}, bench.corpus())->retrieve(query, 9);
  const auto mixed = make_retriever({.kind = "hybrid-graph", .budget_tokens = 400}, bench.corpus())
                         ->retrieve(query, 9);
  ASSERT_GE(mixed.size(), 2u);
  EXPECT_LT(mixed[0].chunk_id, 0);
  EXPECT_FALSE(mixed[0].sources.empty());
  EXPECT_EQ(mixed[0].provider, "hybrid-graph");
  int64_t tokens = 0;
  std::vector<int64_t> own;
  for (const Evidence& piece : mixed) {
    tokens += estimate_tokens(piece.text);
    if (piece.chunk_id > 0) own.push_back(piece.chunk_id);
  }
  EXPECT_LE(tokens, 400);
  ASSERT_FALSE(own.empty());
  EXPECT_EQ(own[0], passages[0].chunk_id);
  // Nothing fits: nothing comes.
  EXPECT_TRUE(make_retriever({.kind = "hybrid-graph", .budget_tokens = 1}, bench.corpus())
                  ->retrieve(query, 9)
                  .empty());
  EXPECT_EQ(estimate_tokens("abcd efgh"), 3);
  EXPECT_EQ(estimate_tokens("온돌"), 2);
  EXPECT_EQ(estimate_tokens(""), 0);
}

TEST(GraphBudget, AFactComesWithTheSentenceThatProvesIt) {
  ReportBench bench(two_clubs());
  SilentProgress silent;
  import_facts(
      *bench.store, bench.shelf,
      std::vector<GivenFact>{
          {.document = "tarn1", .subject = "Ada Quill", .label = "founded", .object = "Tarn Club"}},
      silent);
  const auto mixed =
      make_retriever(
          {.kind = "graph-local", .budget_tokens = 2000, .report_share = 0, .passage_share = 0},
          bench.corpus())
          ->retrieve({.text = "Who founded the Tarn Club?"}, 9);
  ASSERT_EQ(mixed.size(), 1u);
  EXPECT_THAT(mixed[0].text, HasSubstr("Ada Quill founded Tarn Club [1]"));
  ASSERT_EQ(mixed[0].sources.size(), 1u);
  EXPECT_EQ(mixed[0].sources[0].quote, "The Tarn Club was founded by Ada Quill.");
  EXPECT_EQ(mixed[0].document, "tarn1");
}

}  // namespace
}  // namespace ondol::ground
