#include "ground/ontology_suggest.h"

#include <gmock/gmock.h>

#include "ground/extraction.h"
#include "ground/test_support.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The graph that tier 0 makes of these passages, and what it proposes.
OntologySuggestion suggest(const std::vector<std::string>& passages,
                           const SuggestionOptions& options = {}) {
  store::GraphRows rows;
  std::map<store::EntityName, int64_t> ids;
  const auto names = make_extractor("names");
  for (size_t p = 0; p < passages.size(); ++p) {
    for (const store::Mention& m : names->extract({.text = passages[p]}).mentions) {
      const auto [id, fresh] = ids.emplace(m.entity, static_cast<int64_t>(ids.size()) + 1);
      if (fresh) rows.entities.push_back({id->second, m.entity});
      rows.mentions.push_back(
          {id->second, static_cast<int64_t>(p) + 1, m.char_from, m.char_to, m.sentence, m.surface});
    }
  }
  const EntityGraph graph(rows, {}, {});
  return suggest_ontology(
      graph, [&](int32_t p) { return passages[static_cast<size_t>(p)]; }, options);
}

std::vector<std::string> relation_names(const OntologySuggestion& s) {
  std::vector<std::string> out;
  for (const SuggestedRelation& one : s.relations) out.push_back(one.name);
  return out;
}

const std::vector<std::string> kPassages = {
    "Alma Rue works for the Harrow Mill. Bertil Oss works for Vasker Mill.",
    "Corin Vale founded Tarrow Mill. Later Dora Shin founded the Ennoch Mill.",
    "Alma Rue and Bertil Oss met. Emil Park, who is old, saw Gil Yoon.",
    "Hana Oh works for Tarrow Mill, and Ida Moe left Ennoch Mill."};

TEST(OntologySuggest, WordsThatJoinTwoPairsAreRelationsAndSharedLastWordsClasses) {
  const OntologySuggestion s = suggest(kPassages);
  EXPECT_THAT(relation_names(s), ElementsAre("works_for", "founded"));
  EXPECT_EQ(s.relations[0].pairs, 3);
  EXPECT_THAT(s.relations[1].examples, ElementsAre("Corin Vale founded Tarrow Mill.",
                                                   "Later Dora Shin founded the Ennoch Mill."));
  ASSERT_EQ(s.classes.size(), 1u);
  EXPECT_EQ(s.classes[0].name, "Mill");
  EXPECT_EQ(s.classes[0].names, 4);
  EXPECT_NO_THROW(OntologyIndex(s.ontology));
  EXPECT_EQ(s.ontology.relations[0].labels.at("en"), "works for");
}

TEST(OntologySuggest, KoreanRelationsStandBehindTheSecondName) {
  const OntologySuggestion s =
      suggest({"김민수는 서울시청에서 일한다. 이영희는 부산시청에서 일한다.",
               "박철수는 대구시청에서 일한다."});
  EXPECT_THAT(relation_names(s), ElementsAre("에서_일한다"));
  EXPECT_EQ(s.ontology.relations[0].labels.at("ko"), "에서 일한다");
}

TEST(OntologySuggest, NothingComesOfNothing) {
  EXPECT_THAT(suggest({}).relations, IsEmpty());
  EXPECT_THAT(suggest({"it rains.", ""}).relations, IsEmpty());
  EXPECT_THAT(suggest({"Port Kellin - Ennoch Slip", "Ennoch Slip - Vasker"}).relations, IsEmpty());
  EXPECT_THAT(suggest(kPassages, {.pairs_min = 9}).relations, IsEmpty());
}

}  // namespace
}  // namespace ondol::ground
