#include "ground/kg/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ground/kg/facts.h"
#include "ground/kg/kg_test_support.h"
#include "ground/kg/lookup.h"
#include "ground/kg/names.h"
#include "ground/retriever.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_graph;
using testing::small_graph;
using testing::TempFolder;

TEST(Names, AreFoldedTheSameInLabelsAndQuestions) {
  EXPECT_EQ(fold_name("  St. Louis’s "), "st louis");
  EXPECT_EQ(fold_name("McDonald's"), "mcdonald");
  EXPECT_EQ(fold_name("rock 'n' roll"), "rock n roll");
  EXPECT_EQ(fold_name("O'Sullivan"), "o sullivan");
  EXPECT_EQ(fold_name("ＡＣ/ＤＣ"), "ac dc");
  EXPECT_EQ(fold_name("C++"), "c++");
  EXPECT_EQ(fold_name("온돌(난방)"), "온돌 난방");
  EXPECT_EQ(fold_name("!!!"), "!!!");
  EXPECT_EQ(fold_name(""), "");
  EXPECT_EQ(short_id("http://x/a#b"), "b");
  EXPECT_EQ(short_id("http://x/"), "http://x/");
  EXPECT_EQ(short_id("urn"), "urn");
  EXPECT_EQ(readable_id("http://dbpedia.org/ontology/birthPlace"), "birth place");
  EXPECT_EQ(readable_id("http://dbpedia.org/resource/New_York"), "New York");
}

TEST(Lookup, GoesFromNameToBeginningToWords) {
  const TempFolder folder;
  const auto graph = make_graph(folder, small_graph());
  const auto first = [&](const char* term) {
    const auto found = lookup_entities(*graph, term, {.languages = {"en"}});
    return found.empty() ? std::string()
                         : short_id(found[0].term.text) + " " + kg_match_name(found[0].match);
  };
  EXPECT_EQ(first("Busan"), "Q3 name");
  EXPECT_EQ(first("부산"), "Q3 name");
  EXPECT_EQ(first("Bus"), "Q3 beginning");
  EXPECT_EQ(first("korea"), "Q4 words");
  EXPECT_EQ(first("민국"), "Q4 words");  // two syllables inside a word
  EXPECT_EQ(first("Q3"), "Q3 identifier");
  EXPECT_EQ(first("http://www.wikidata.org/entity/Q3"), "Q3 identifier");
  EXPECT_EQ(first("A Lee"), "Q1 name");
  EXPECT_EQ(first("zyzzyva"), "");
  EXPECT_EQ(first(""), "");

  const auto both = lookup_entities(*graph, "ann lee", {.languages = {"ko"}, .facts = 1});
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].name, "앤 리");  // the same degree: the order of the IRIs
  EXPECT_EQ(both[0].facts.size(), 1u);
  const auto busan = lookup_entities(*graph, "Busan", {.languages = {"ko"}});
  ASSERT_EQ(busan[0].facts.size(), 5u);
  EXPECT_EQ(busan[0].facts[0].text, "부산 - 국가 - 대한민국 (Q3, Q4)");
  EXPECT_EQ(busan[0].degree, 5);
}

std::vector<std::string> linked(store::KnowledgeGraph& graph, const char* question) {
  std::vector<std::string> out;
  for (const KgMention& mention : link_entities(graph, question, {})) {
    out.push_back(mention.surface + "=" + short_id(graph.term(mention.term)->text));
  }
  return out;
}

TEST(Link, LongestMentionsWithTheirParticles) {
  const TempFolder folder;
  const auto graph = make_graph(folder, small_graph());
  EXPECT_THAT(linked(*graph, "What is the population of Busan, South Korea?"),
              ElementsAre("population=P1082", "busan=Q3", "south korea=Q4"));
  EXPECT_THAT(linked(*graph, "부산에서는 대한민국의 무엇이 보이나?"),
              ElementsAre("부산=Q3", "대한민국=Q4"));
  EXPECT_THAT(linked(*graph, "Tell me about q3"), ElementsAre("q3=Q3"));
  EXPECT_THAT(linked(*graph, "what is it?"), IsEmpty());
  EXPECT_THAT(linked(*graph, ""), IsEmpty());
}

TEST(Link, TheQuestionDecidesBetweenTwoOfOneName) {
  const TempFolder folder;
  const auto graph = make_graph(folder, small_graph());
  EXPECT_THAT(linked(*graph, "Is Ann Lee a famous physicist?"),
              ElementsAre("ann lee=Q2", "physicist=Q6"));
  EXPECT_THAT(linked(*graph, "Is Ann Lee a famous painter?"),
              ElementsAre("ann lee=Q1", "painter=Q5"));
}

std::vector<std::string> facts(store::KnowledgeGraph& graph, const char* question, size_t k) {
  std::vector<std::string> out;
  for (const Evidence& e : find_facts(graph, {.text = question}, {}, k)) out.push_back(e.text);
  return out;
}

TEST(Facts, TheLikeliestFirstInTheLanguageOfTheQuestion) {
  const TempFolder folder;
  const auto graph = make_graph(folder, small_graph());
  EXPECT_EQ(facts(*graph, "How many people, what population, has Busan?", 1).at(0),
            "Busan - population - 3349016 (Q3)");
  EXPECT_EQ(facts(*graph, "부산의 인구는?", 1).at(0), "부산 - 인구 - 3349016 (Q3)");
  // Two steps: the country of the town where the painter was born.
  const auto two = facts(*graph, "In which country was A. Lee born?", 3);
  EXPECT_THAT(two, ::testing::Contains("Busan - country - South Korea (Q3, Q4)"));
  EXPECT_THAT(facts(*graph, "Who are you?", 5), IsEmpty());
}

TEST(Facts, OfTheSecondStepAreComparedWithTheWayThere) {
  const TempFolder folder;
  const auto graph = make_graph(folder, small_graph());
  std::vector<std::string> compared;
  find_facts(
      *graph, {.text = "A. Lee"},
      [&](const std::string&, std::span<const std::string> texts) {
        compared.assign(texts.begin(), texts.end());
        return std::vector<double>(texts.size(), 0.5);
      },
      5);
  EXPECT_THAT(compared, ::testing::Contains("Ann Lee - place of birth - Busan"));
  EXPECT_THAT(compared, ::testing::Contains(
                            "Ann Lee - place of birth - Busan; Busan - country - South Korea"));
}

TEST(Facts, AreEvidenceWithIdsOfTheirOwn) {
  const TempFolder folder;
  const auto graph = make_graph(folder, small_graph());
  const auto found = find_facts(*graph, {.text = "Busan"}, {}, 10);
  ASSERT_GE(found.size(), 5u);
  std::set<int64_t> ids;
  for (const Evidence& e : found) {
    EXPECT_LT(e.chunk_id, 0);
    EXPECT_TRUE(ids.insert(e.chunk_id).second);
    EXPECT_EQ(e.provider, "kg");
    EXPECT_THAT(e.document, HasSubstr("http://www.wikidata.org/entity/Q"));
    EXPECT_GT(e.char_to, 0);
  }
  EXPECT_THAT(find_facts(*graph, {.text = "Busan", .filter = {{"format", "md"}}}, {}, 5),
              IsEmpty());
  EXPECT_THAT(find_facts(*graph, {.text = "Busan"}, {}, 0), IsEmpty());
}

TEST(Facts, AHubIsNotWalkedThrough) {
  const TempFolder folder;
  std::string content =
      testing::label("Q1", "small town", "en") + testing::triple("Q1", "P1", "Q9");
  for (int i = 100; i < 400; ++i) content += testing::triple("Q9", "P2", "Q" + std::to_string(i));
  const auto graph = make_graph(folder, content);
  KgFactOptions options;
  EXPECT_EQ(find_facts(*graph, {.text = "small town"}, {}, 1000, options).size(),
            1 + options.facts_of_neighbour);
  options.hub_degree = 200;
  EXPECT_EQ(find_facts(*graph, {.text = "small town"}, {}, 1000, options).size(), 1u);
}

TEST(KgRetriever, AnswersFromTheGraphWithAndWithoutEmbedder) {
  const TempFolder folder;
  const auto graph = make_graph(folder, small_graph());
  testing::HashEmbedder embedder{{"en"}};
  for (Embedder* used : {static_cast<Embedder*>(nullptr), static_cast<Embedder*>(&embedder)}) {
    Corpus corpus({.embedder = used, .knowledge = graph.get()});
    const auto retriever = make_retriever({.kind = "kg"}, corpus);
    EXPECT_EQ(retriever->kind(), "kg");
    const std::vector<Query> queries = {
        {.text = "Busan population"}, {.text = "부산의 인구"}, {.text = "nothing here"}};
    const auto found = retriever->retrieve_all(queries, 2);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].at(0).text, "Busan - population - 3349016 (Q3)");
    EXPECT_EQ(found[1].at(0).text, "부산 - 인구 - 3349016 (Q3)");
    EXPECT_THAT(found[2], IsEmpty());
    for (size_t i = 1; i < found[0].size(); ++i) {
      EXPECT_GE(found[0][i - 1].score, found[0][i].score);
    }
  }
  EXPECT_GT(embedder.texts_embedded, 0);
}

TEST(KgRetriever, SaysWhatIsMissing) {
  Corpus empty{CorpusSources{}};
  EXPECT_THROW(make_retriever({.kind = "kg"}, empty), Error);
  EXPECT_THROW(make_retriever({.kind = "bm25"}, empty)->retrieve({.text = "a"}, 3), Error);
}

}  // namespace
}  // namespace ondol::ground
