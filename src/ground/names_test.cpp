// Names by their form: what tier 0 takes for an entity, in both languages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "ground/entity_name.h"
#include "ground/extraction.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> surfaces(const std::string& text, const std::string& title = "") {
  std::vector<std::string> out;
  for (const store::Mention& mention :
       make_extractor("names")->extract({.title = title, .text = text}).mentions) {
    out.push_back(mention.surface);
  }
  return out;
}

TEST(EntityKey, TheSameNameWrittenInManyWays) {
  EXPECT_EQ(entity_key("The Anglican  Communion's"), "anglican communion");
  EXPECT_EQ(entity_key("ANGLICAN-Communion"), "anglican communion");
  EXPECT_EQ(entity_key("Ａｎｇｌｉｃａｎ communion"), "anglican communion");
  EXPECT_EQ(entity_key("서울시청에서"), "서울시청");
  EXPECT_EQ(entity_key("서울시청"), "서울시청");
  EXPECT_EQ(entity_key("아이"), "아이");
  EXPECT_EQ(entity_key("The"), "the");
  EXPECT_EQ(entity_key(" ... "), "");
  EXPECT_THAT(key_words("a b c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(key_words(""), IsEmpty());
}

TEST(Names, RunsOfCapitalsWithWhatJoinsThem) {
  EXPECT_THAT(surfaces("She met Jan Philip Solovej at the University of the Arts on Monday."),
              ElementsAre("Jan Philip Solovej", "University of the Arts"));
  EXPECT_THAT(surfaces("A book by J. K. Rowling about Apollo 11 was sold."),
              ElementsAre("J. K. Rowling", "Apollo 11"));
  EXPECT_THAT(surfaces("It joined Alice and Bob."), ElementsAre("Alice", "Bob"));
  EXPECT_THAT(surfaces("New York and Great Britain, and The Who with New friends."),
              ElementsAre("New York", "Great Britain"));
}

TEST(Names, TheFirstWordOfASentenceCountsOnlyWithASecondSign) {
  EXPECT_THAT(surfaces("Employees leave. Tickets cost."), IsEmpty());
  EXPECT_THAT(surfaces("Boilers heat. The Boilers are hot."), ElementsAre("Boilers", "Boilers"));
  EXPECT_THAT(surfaces("In January 1960 The Tarn Society met."), ElementsAre("Tarn Society"));
}

TEST(Names, PhrasesInLowerCaseEndWithTheirHead) {
  EXPECT_THAT(surfaces("Ask at the lost property office or the desk."),
              ElementsAre("lost property office"));
  EXPECT_THAT(surfaces("the very long winding garden path"), ElementsAre("winding garden path"));
}

TEST(Names, KoreanNounsWithoutTheirParticles) {
  const auto found = surfaces("서울시청에서 박지민이 온돌을 설명했다. 온돌 바닥은 따뜻하다.");
  EXPECT_THAT(found, Contains("서울시청"));
  EXPECT_THAT(found, Contains("박지민"));
  EXPECT_EQ(std::count(found.begin(), found.end(), "온돌"), 2);
  for (const char* noise : {"따뜻하", "설명했다", "설명", "때문", "것"}) {
    EXPECT_THAT(found, Not(Contains(noise)));
  }
  EXPECT_THAT(surfaces("우리는 다음에 그것을 하는 것이 좋다."), IsEmpty());
  EXPECT_THAT(surfaces("회원 16명이 KT는 모른다."), ElementsAre("회원", "KT"));
}

TEST(Names, AliasesInParentheses) {
  const auto aliases = [](const std::string& text) {
    std::vector<std::string> out;
    for (const auto& p : make_extractor("names")->extract({.text = text}).properties) {
      EXPECT_EQ(p.name, "alias");
      out.push_back(p.entity.key + "=" + p.value);
    }
    return out;
  };
  EXPECT_THAT(aliases("She led the American Psychological Association (APA) in 1990."),
              ElementsAre("american psychological association=APA"));
  EXPECT_THAT(aliases("한국전력공사(KEPCO)는 전기를 한국전력공사를 통해 판다."),
              ElementsAre("한국전력공사=KEPCO"));
  EXPECT_THAT(aliases("He saw the Tarn Society (ABC) and Bob Lee (born 1960) and Cara Oh (CO"),
              IsEmpty());
}

TEST(Names, TheTitleNamesWhatTheChunkIsAbout) {
  const auto found =
      make_extractor("names")->extract({.title = "Green (album)", .text = "it was recorded."});
  ASSERT_EQ(found.mentions.size(), 1u);
  EXPECT_EQ(found.mentions[0].entity.key, "green");
  EXPECT_EQ(found.mentions[0].char_to, 0);
  EXPECT_EQ(found.extractor, "names");
}

// Every mention is where it says it is, in code points, whatever the text.
TEST(Names, MentionsStandWhereTheySay) {
  const std::string text =
      "온돌은 Ondol Heating이다. 서울의 Café de Flore — naïve Ångström units! 김치를 김치와.";
  const auto found = make_extractor("names")->extract({.text = text});
  ASSERT_GT(found.mentions.size(), 3u);
  for (const store::Mention& mention : found.mentions) {
    size_t from = 0;
    for (int64_t i = 0; i < mention.char_from; ++i) text::next_code_point(text, from);
    EXPECT_EQ(text.substr(from, mention.surface.size()), mention.surface);
    EXPECT_EQ(mention.char_to - mention.char_from,
              static_cast<int64_t>(text::count_code_points(mention.surface)));
    EXPECT_EQ(mention.entity.key, entity_key(mention.surface));
  }
}

TEST(Names, TextsOfOneKindOfCharacterAreTakenCalmly) {
  for (const std::string& text :
       {std::string(), std::string(5000, 'A'), std::string(5000, '.'), std::string("\n\n\n"),
        std::string("A A A A A A A A A A A A A A A A A A A A")}) {
    make_extractor("names")->extract({.title = text, .text = text});
  }
  std::string list;
  for (int i = 0; i < 600; ++i) list += "meet Name" + std::to_string(i) + "x, ";
  const auto found = make_extractor("names")->extract({.text = list});
  EXPECT_EQ(found.mentions.size(), 400u);
  EXPECT_EQ(found.rejected.begin()->second, 200);
  EXPECT_THROW(make_extractor("magic"), Error);
}

}  // namespace
}  // namespace ondol::ground
