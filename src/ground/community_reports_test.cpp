#include "ground/community_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ground/cite.h"
#include "ground/entity_name.h"
#include "ground/report_test_support.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kPlainReport;
using ::testing::Not;
using testing::ReportBench;
using testing::two_clubs;
using testing::user_text;

GeneratedSample said(std::string text, std::string reason = "stop") {
  return {std::move(text), {}, std::move(reason), {}};
}

ReportMaterial three_sentences() {
  ReportMaterial shown{.names = {"Tarn Club"}};
  for (const char* text :
       {"The first bell rings.", "The second bell rings.", "The third bell rings."}) {
    shown.sentences.push_back({7, {.text = text}});
  }
  return shown;
}

TEST(ReportForm, ReadsFindingsAndTheSentencesTheyRestOn) {
  std::string wrong;
  const auto report =
      read_report(said(R"({"title":" T ","summary":"S","rating":11,"findings":[)"
                       R"({"summary":"a bell","explanation":"b","sentences":[3,1,3]},)"
                       R"({"summary":"c bell","explanation":"","sentences":[1]}]})"),
                  three_sentences(), wrong);
  ASSERT_TRUE(report) << wrong;
  EXPECT_EQ(report->title, "T");
  EXPECT_EQ(report->rating, 10);
  EXPECT_FALSE(report->extractive);
  ASSERT_EQ(report->sentences.size(), 2u);
  EXPECT_EQ(report->sentences[0].place.text, "The third bell rings.");
  EXPECT_EQ(report->sentences[1].place.text, "The first bell rings.");
  EXPECT_THAT(report->findings.at(0).sentences, ElementsAre(0, 1));
  EXPECT_THAT(report->findings.at(1).sentences, ElementsAre(1));
  EXPECT_EQ(report_text(*report),
            "T\nS\n- a bell: b [1][2]\n- c bell [2]\n[1] The third bell rings.\n[2] The first bell "
            "rings.");
}

TEST(ReportForm, FindingsWithoutASentenceThatWasShownAreLeftOutAndCounted) {
  std::string wrong;
  const auto report = read_report(
      said(R"({"title":"T","summary":"S","rating":"high","findings":[)"
           R"({"summary":"a bell","explanation":"b","sentences":[0,4,-1,1e300,"2",null]},)"
           R"({"summary":"","explanation":"","sentences":[2]}, 5, "x",)"
           R"({"summary":"Cows","explanation":"They are red.","sentences":[1,2,3]},)"
           R"({"summary":"c bell","explanation":"d","sentences":[2]}]})"),
      three_sentences(), wrong);
  ASSERT_TRUE(report) << wrong;
  EXPECT_EQ(report->rating, 0);
  EXPECT_EQ(report->findings_dropped, 5);  // of cows none of the sentences speaks
  ASSERT_EQ(report->findings.size(), 1u);
  ASSERT_EQ(report->sentences.size(), 1u);
  EXPECT_EQ(report->sentences[0].place.text, "The second bell rings.");
}

TEST(ReportForm, LoopsAndDoublesAreLeftOut) {
  const std::string loop =
      "it is a part of the island and it is a part of the island and it is a part "
      "of the island and it is a part of the island";
  std::string wrong;
  const auto report = read_report(said(R"({"title":"T","summary":"S","rating":1,"findings":[)"
                                       R"({"summary":"a bell","explanation":"b","sentences":[1]},)"
                                       R"({"summary":"a bell","explanation":"b","sentences":[2]},)"
                                       R"({"summary":"c bell","explanation":")" +
                                       loop + R"(","sentences":[3]}]})"),
                                  three_sentences(), wrong);
  ASSERT_TRUE(report) << wrong;
  EXPECT_EQ(report->findings.size(), 1u);
  EXPECT_EQ(report->findings_dropped, 2);
  EXPECT_FALSE(read_report(said(R"({"title":"T","summary":")" + loop +
                                R"(","findings":[{"summary":"a bell","sentences":[1]}]})"),
                           three_sentences(), wrong));
  EXPECT_THAT(wrong, HasSubstr("over and over"));
  // A long text that says several things is none.
  EXPECT_TRUE(
      read_report(said(R"({"title":"T","summary":"The ferry sails at six, the office opens )"
                       R"(at seven, the last boat leaves at nine and the gate is shut.",)"
                       R"("findings":[{"summary":"a bell","sentences":[1]}]})"),
                  three_sentences(), wrong));
}

TEST(ReportForm, WhatIsNoReportIsSaid) {
  const struct {
    GeneratedSample sample;
    const char* wrong;
  } rows[] = {
      {said(""), "no JSON object"},
      {said("Here is the report you asked for."), "no JSON object"},
      {said("[1,2]"), "no JSON object"},
      {said("{\"title\":\"\xff\"}"), "no JSON object"},
      {said(R"({"title":"T","summary":"S","fin)", "length"), "was cut"},
      {said(R"({"title":"T","summary":" ","findings":[]})"), "no title or no summary"},
      {said(R"({"title":3,"summary":"S","findings":[]})"), "no title or no summary"},
      {said(R"({"title":"T","summary":"S","findings":"none"})"), "no finding"},
      {said(R"({"title":"T","summary":"S","findings":[{"summary":"a bell","sentences":[9]}]})"),
       "no finding"}};
  for (const auto& row : rows) {
    std::string wrong;
    EXPECT_FALSE(read_report(row.sample, three_sentences(), wrong)) << row.sample.text;
    EXPECT_THAT(wrong, HasSubstr(row.wrong)) << row.sample.text;
  }
}

TEST(Reports, AreMadeOnceAndFoundAgain) {
  ReportBench bench(two_clubs());
  const ReportsMade first = bench.make_all();
  EXPECT_GE(first.made, 2);
  EXPECT_THAT(first.failed, IsEmpty());
  EXPECT_EQ(static_cast<size_t>(first.made), bench.model.requests.size());
  const ReportsMade again = bench.make_all();
  EXPECT_EQ(again.made, 0);
  EXPECT_EQ(again.known, first.made);
  EXPECT_EQ(static_cast<size_t>(first.made), bench.model.requests.size());
  const ReportView view = bench.view();
  for (const int32_t id : view.reporter->wanted(0, 0)) {
    const CommunityReport report = view.reporter->told(id);
    EXPECT_FALSE(report.extractive);
    EXPECT_EQ(report.title, "A title");
  }
}

TEST(Reports, ThePromptShowsNamesAndNumberedSentencesOfTheCommunityAlone) {
  ReportBench bench(two_clubs());
  const ReportView view = bench.view();
  bool tarn = false;
  for (const int32_t id : view.reporter->wanted(0, 0)) {
    const GenerateRequest request = view.reporter->request(id);
    const std::string text = user_text(request);
    EXPECT_THAT(text, HasSubstr("Sentences:\n1. "));
    EXPECT_THAT(text, HasSubstr("English"));
    EXPECT_FALSE(request.sources.empty());
    EXPECT_NE(text.find("Tarn Club") == std::string::npos,
              text.find("Moor Band") == std::string::npos);
    tarn |= text.find("Ada Quill") != std::string::npos;
    // The same again, and from a reporter of its own.
    EXPECT_EQ(user_text(bench.view().reporter->request(id)), text);
  }
  EXPECT_TRUE(tarn);
}

TEST(Reports, AKoreanCommunityIsToldInKorean) {
  ReportBench bench({{"a", "설명회", "서울시청에서 박지민이 온돌을 설명했다. 사람이 많았다."},
                     {"b", "강연", "박지민이 서울시청에서 온돌을 다시 설명했다."},
                     {"c", "도서관", "도서관은 저녁에 문을 닫는다."},
                     {"d", "시장", "시장은 아침에 문을 연다."}});
  bench.model.answer = [](const GenerateRequest&) {
    return said(R"({"title":"온돌 설명회","summary":"박지민이 설명했다.","rating":5,)"
                R"("findings":[{"summary":"온돌","explanation":"서울시청에서 설명했다.",)"
                R"("sentences":[1]}]})");
  };
  EXPECT_GE(bench.make_all().made, 1);
  ASSERT_FALSE(bench.model.requests.empty());
  EXPECT_THAT(user_text(bench.model.requests[0]), HasSubstr("한국어"));
  const auto found = make_retriever({.kind = "graph-reports"}, bench.corpus())
                         ->retrieve({.text = "박지민은 온돌을 어디에서 설명했나?"}, 3);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].title, "온돌 설명회");
  EXPECT_THAT(found[0].text, HasSubstr("서울시청에서 설명했다. [1]"));
  ASSERT_FALSE(found[0].sources.empty());
  const auto citations = cite("서울시청에서 설명했다", found);
  ASSERT_FALSE(citations.empty());
  EXPECT_EQ(citations[0].quote, found[0].sources[0].quote);
}

TEST(Reports, ADeletedDocumentTakesItsReports) {
  ReportBench bench(two_clubs());
  bench.make_all();
  const auto key_of = [&] {
    std::map<std::string, bool> keys;
    const ReportView view = bench.view();
    for (const int32_t id : view.reporter->wanted(0, 100)) {
      const GenerateRequest request = view.reporter->request(id);
      keys[output_key(bench.cached.base(), request)] =
          user_text(request).find("Tarn") != std::string::npos;
    }
    return keys;
  };
  const auto before = key_of();
  auto texts = two_clubs();
  texts.erase(texts.begin() + 1);  // tarn2
  bench.put(texts);
  for (const auto& [key, of_tarn] : before) {
    EXPECT_EQ(bench.store->find_output(bench.shelf, key).has_value(), !of_tarn);
  }
  const ReportView view = bench.view();
  for (const int32_t id : view.reporter->wanted(0, 0)) {
    const bool tarn = user_text(view.reporter->request(id)).find("Tarn") != std::string::npos;
    EXPECT_EQ(view.reporter->find(id).has_value(), !tarn);
    EXPECT_EQ(view.reporter->told(id).extractive, tarn);
  }
}

// The report of the one who sees everything is not that of the one who does not.
TEST(Reports, AHiddenDocumentIsInNoReportOfOthers) {
  auto texts = two_clubs();
  texts.push_back({"secret", "Tarn Club", "Ada Quill sold the Tarn Club to Vera Moss in secret."});
  ReportBench bench(texts, {{.prefix = "secret", .principals = {"kim"}}});
  bench.model.answer = [](const GenerateRequest& request) {
    const bool knows = user_text(request).find("Vera Moss") != std::string::npos;
    std::string text = kPlainReport;
    return said(knows ? text.replace(text.find("A summary"), 9, "Vera Moss bought it") : text);
  };
  bench.make_all("kim");
  const auto all_text = [&](const std::string& principal) {
    std::string text;
    for (const Evidence& piece : make_retriever({.kind = "graph-reports"}, bench.corpus())
                                     ->retrieve({.text = "Tarn Club", .principal = principal}, 9)) {
      text += piece.title + piece.text + piece.document;
      for (const Citation& source : piece.sources) text += source.document + source.quote;
    }
    return text;
  };
  EXPECT_THAT(all_text("kim"), HasSubstr("Vera Moss bought it"));
  const size_t asked = bench.model.requests.size();
  EXPECT_THAT(all_text("lee"), Not(HasSubstr("Vera Moss")));
  bench.make_all("lee");
  ASSERT_GT(bench.model.requests.size(), asked);
  for (size_t i = asked; i < bench.model.requests.size(); ++i) {
    EXPECT_THAT(user_text(bench.model.requests[i]), Not(HasSubstr("Vera")));
  }
  EXPECT_THAT(all_text("lee"), HasSubstr("A title"));
  EXPECT_THAT(all_text("lee"), Not(HasSubstr("Vera Moss")));
  EXPECT_THAT(all_text("lee"), Not(HasSubstr("secret")));
}

TEST(Reports, OneThatFailsLosesNothingOfTheOthers) {
  ReportBench bench(two_clubs());
  bench.model.answer = [](const GenerateRequest& request) -> GeneratedSample {
    if (user_text(request).find("Moor Band") != std::string::npos) {
      throw Error(ErrorCode::kUnavailable, "[net] the line is dead");
    }
    return said(kPlainReport);
  };
  const ReportsMade done = bench.make_all();
  EXPECT_GE(done.made, 1);
  ASSERT_GE(done.failed.size(), 1u);
  EXPECT_THAT(done.failed[0].second, HasSubstr("the line is dead"));
  EXPECT_EQ(done.stopped, "");
  bench.model.answer = [](const GenerateRequest&) { return said("nonsense"); };
  const ReportsMade again = bench.make_all();
  EXPECT_EQ(again.known, done.made);
  EXPECT_EQ(again.failed.size(), done.failed.size());
  EXPECT_THAT(again.failed.at(0).second, HasSubstr("no JSON object"));
}

TEST(Reports, ALimitKeepsWhatWasMadeAndTheNextRunGoesOn) {
  ReportBench bench(two_clubs());
  SilentProgress silent;
  CachedGenerator limited(bench.model, &bench.outputs, {.calls_max = 1});
  const ReportView view = open_reports(bench.corpus(), {}, &limited);
  const auto ids = view.reporter->wanted(0, 0);
  ASSERT_GE(ids.size(), 2u);
  const ReportsMade done = view.reporter->make(ids, silent);
  EXPECT_EQ(done.made, 1);
  EXPECT_THAT(done.stopped, HasSubstr("limit of 1 calls"));
  const ReportsMade rest = bench.make_all();
  EXPECT_EQ(rest.known, 1);
  EXPECT_EQ(rest.stopped, "");
  EXPECT_TRUE(bench.view().reporter->find(ids.back()));
}

TEST(Reports, ADryRunAsksNothingAndCounts) {
  ReportBench bench(two_clubs());
  SilentProgress silent;
  CachedGenerator dry(bench.model, &bench.outputs, {.dry = true});
  const ReportView view = open_reports(bench.corpus(), {}, &dry);
  const ReportsMade done = view.reporter->make(view.reporter->wanted(0, 0), silent);
  EXPECT_EQ(done.made, 0);
  EXPECT_THAT(done.failed, IsEmpty());
  EXPECT_TRUE(bench.model.requests.empty());
  EXPECT_GE(dry.spent().calls, 2);
  EXPECT_GT(dry.spent().prompt_tokens, 0);
}

// A ring of neighbours: communities are arcs of it, which split into shorter ones.
std::vector<WholeText> many_neighbours() {
  std::vector<WholeText> texts;
  const auto name = [](int i) {
    return "Keeper " + std::string{static_cast<char>('A' + i / 6), static_cast<char>('a' + i % 6)} +
           "mond";
  };
  for (int i = 0; i < 36; ++i) {
    texts.push_back({"d" + std::to_string(i), "Wall",
                     name(i) + " walks with " + name((i + 1) % 36) + " along the wall each day."});
  }
  return texts;
}

TEST(Reports, AWholeThatDoesNotFitIsToldByTheReportsOfItsParts) {
  ReportBench bench(many_neighbours());
  int number = 0;
  bench.model.answer = [&](const GenerateRequest&) {
    std::string text = kPlainReport;
    return said(text.replace(text.find("A summary"), 9, "Summary " + std::to_string(++number)));
  };
  SilentProgress silent;
  const auto graph = bench.corpus().graph({});
  const auto communities = std::make_shared<Communities>(find_communities(*graph, {.size_max = 3}));
  const auto text_of = [&](int32_t p) {
    const ScoredChunk chunk[] = {{graph->passages()[static_cast<size_t>(p)], 0}};
    return bench.corpus().resolve({}, chunk, "").at(0).text;
  };
  CommunityReporter reporter(graph, communities, text_of, &bench.cached, {.prompt_tokens = 50});
  int32_t whole = -1;
  for (const int32_t id : reporter.wanted(0, 0)) {
    if (communities->tree.communities[static_cast<size_t>(id)].children_end > 0) whole = id;
  }
  ASSERT_GE(whole, 0) << "no community has parts";
  EXPECT_THAT(user_text(reporter.request(whole)), HasSubstr("Parts:\n- "));
  EXPECT_THAT(user_text(reporter.request(whole)), Not(HasSubstr("Summary 1")));
  const int32_t one[] = {whole};
  const ReportsMade done = reporter.make(one, silent);
  EXPECT_GT(done.made, 1);  // its parts first
  EXPECT_THAT(user_text(bench.model.requests.back()), HasSubstr("A title: Summary 1"));
  EXPECT_TRUE(reporter.find(whole));
  EXPECT_LT(bench.model.count_tokens(bench.model.requests.back().prompt), 50 + 250);
}

TEST(Reports, AModelWithoutSchemasIsRefused) {
  ReportBench bench(two_clubs());
  bench.model.follows_schemas = false;
  EXPECT_THROW(bench.view(), Error);
}

// What a passage says beyond relations is shown too, and goes with the passage.
TEST(Reports, ClaimsAreShown) {
  ReportBench bench(two_clubs());
  const store::ChunkId chunk = bench.store->chunk_ids({bench.shelf, "", {}}).at(0);
  const store::EntityName club{entity_key("Tarn Club"), ""};
  store::Extraction said{.extractor = "open", .version = "1"};
  said.mentions = {{club, "Tarn Club", 4, 13, 0}};
  said.claims = {{club, {}, "statement", "suspected", "It owes the lake.", "", "", 0, 13}};
  const std::vector<store::ChunkExtraction> rows = {{chunk, said}};
  bench.store->put_extractions(bench.shelf, rows);
  bench.make_all();
  const auto shown = [&] {
    return std::count_if(bench.model.requests.begin(), bench.model.requests.end(),
                         [](const GenerateRequest& request) {
                           return user_text(request).find("claim (suspected): It owes the lake.") !=
                                  std::string::npos;
                         });
  };
  EXPECT_EQ(shown(), 1);
  bench.store->remove_document(bench.shelf, "tarn1");
  bench.model.requests.clear();
  bench.make_all();
  EXPECT_EQ(shown(), 0);
}

}  // namespace
}  // namespace ondol::ground
