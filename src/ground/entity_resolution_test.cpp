// Which names become one, which wait for a person, which stay apart.
#include "ground/entity_resolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/entity_name.h"
#include "ground/extraction.h"
#include "ground/ingest.h"
#include "ground/test_support.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempFolder;
using ::testing::UnorderedElementsAre;

std::string capitals(std::string name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (i == 0 || name[i - 1] == ' ') name[i] = static_cast<char>(std::toupper(name[i]));
  }
  return name;
}

class ResolutionTest : public ::testing::Test {
 protected:
  ResolutionTest()
      : store_(store::open_sqlite_store(folder_.path() / "s.db")),
        shelf_(store_->open_collection("c")) {}

  // A passage that mentions these names, one a sentence.
  void passage(const std::string& uri, const std::vector<store::EntityName>& names,
               const std::vector<store::Property>& properties = {}) {
    SilentProgress silent;
    texts_.push_back({uri, "", "text of " + uri});
    ingest_texts(*store_, shelf_, texts_, nullptr, {}, silent);
    store::Extraction extraction{.extractor = "import", .version = "1", .properties = properties};
    for (size_t i = 0; i < names.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      extraction.mentions.push_back(
          {names[i], capitals(names[i].key), at, at + 1, static_cast<int32_t>(i)});
    }
    const auto document = store_->find_document(shelf_, uri);
    const std::vector<store::ChunkExtraction> rows = {
        {store_->chunks_of(document->id).at(0).id, extraction}};
    store_->put_extractions(shelf_, rows);
  }
  ResolvedGraph load(const ResolutionOptions& options = {}) {
    return load_graph(*store_, {shelf_, "", {}}, {.phrase_passages_min = 1}, options);
  }
  static std::vector<std::string> pairs(const std::vector<store::Merge>& merges) {
    std::vector<std::string> out;
    for (const auto& m : merges) out.push_back(m.from.key + "->" + m.into.key);
    return out;
  }

  TempFolder folder_;
  std::unique_ptr<store::Store> store_;
  store::CollectionId shelf_;
  std::vector<WholeText> texts_;
};

TEST(NameSimilarity, ByHand) {
  EXPECT_DOUBLE_EQ(name_similarity("abcd", "abdc"), 0.75);  // one swap
  EXPECT_DOUBLE_EQ(name_similarity("온돌방", "온돌"), 1.0 - 1.0 / 3);
  EXPECT_DOUBLE_EQ(name_similarity("", ""), 1.0);
  EXPECT_DOUBLE_EQ(name_similarity("abc", ""), 0.0);
}

TEST_F(ResolutionTest, SpellingsBecomeOneNumbersNever) {
  passage("a", {{"night bus", ""},
                {"line 2", ""},
                {"world war ii", ""},
                {"organisation of states", ""},
                {"north korea", ""},
                {"king david", ""}});
  passage("b", {{"night bus", ""},
                {"nightbus", ""},
                {"night buses", ""},
                {"line 3", ""},
                {"world war i", ""},
                {"organization of states", ""},
                {"south korea", ""},
                {"david", ""},
                {"captain marit oskell", ""},
                {"marit oskell", ""}});
  const ResolvedGraph found = load();
  EXPECT_THAT(
      pairs(found.names.accepted),
      UnorderedElementsAre("nightbus->night bus", "organization of states->organisation of states",
                           "marit oskell->captain marit oskell"));
  EXPECT_THAT(pairs(found.names.doubtful), IsEmpty());
  EXPECT_EQ(found.graph->find("nightbus"), found.graph->find("night bus"));
  EXPECT_NE(found.graph->find("line 2"), found.graph->find("line 3"));
}

TEST_F(ResolutionTest, WhatTheDocumentsSayAndWhatTheyOnlySuggest) {
  passage("a", {{"american psychological association", ""}, {"apa", ""}},
          {{{"american psychological association", ""}, "alias", "APA"}});
  passage("b", {{"oskell", ""}, {"marit oskell", ""}, {"apa", ""}});
  passage("c", {{"kim", ""}, {"ada kim", ""}, {"bo kim", ""}});  // two full names: nothing
  const ResolvedGraph found = load();
  ASSERT_THAT(pairs(found.names.accepted), ElementsAre("american psychological association->apa"));
  EXPECT_EQ(found.names.accepted[0].method, "alias");
  EXPECT_THAT(pairs(found.names.doubtful), ElementsAre("oskell->marit oskell"));
}

TEST_F(ResolutionTest, ClassesStayApart) {
  passage("a", {{"jordan", "Person"}, {"jordan", "Place"}, {"jordan", ""}});
  EXPECT_THAT(load().names.accepted, IsEmpty());  // which of the two it is nobody knows
  passage("b", {{"riverton", "Place"},
                {"riverton", ""},
                {"rivertown club", "Place"},
                {"rivertown club", "Team"},
                {"river town club", "Place"}});
  EXPECT_THAT(pairs(load().names.accepted),
              UnorderedElementsAre("riverton->riverton", "rivertown club->river town club"));
}

// a-b and b-c are near, a-c is not: the chain must not join them.
TEST_F(ResolutionTest, NoChainOfSmallStepsJoinsWhatIsFarApart) {
  const std::string a = "abcdefghijklmnop", b = "abcdefghijklmnoq", c = "abcdefghijklmnrq";
  passage("x", {{a, ""}, {b, ""}, {c, ""}});
  const ResolvedGraph found = load();
  EXPECT_EQ(found.names.accepted.size(), 1u);
  EXPECT_EQ(found.names.doubtful.size(), 2u);  // b-c and a-c wait for a person
  EXPECT_EQ(found.graph->entities().size(), 2u);
}

TEST_F(ResolutionTest, ThresholdsOfAClassAndRefusalsHold) {
  passage("x", {{"riverside gardens", "Place"}, {"riverside garden", "Place"}});
  EXPECT_EQ(load().names.accepted.size(), 1u);
  EXPECT_THAT(load({.accept_by_type = {{"Place", 0.99}}}).names.accepted, IsEmpty());
  store_->put_merge(
      shelf_,
      {0, {"riverside garden", "Place"}, {"riverside gardens", "Place"}, "spelling", 0.98, true});
  EXPECT_THAT(load().names.accepted, IsEmpty());
  EXPECT_THAT(load().names.doubtful, IsEmpty());
}

// The reason of a merge stands in a document that lee may not see: for lee the names are two.
TEST_F(ResolutionTest, AHiddenDocumentMergesNothingForOthers) {
  SilentProgress silent;
  const auto names = make_extractor("names");
  IngestOptions options{.rules = {{.prefix = "secret", .principals = {"kim"}}},
                        .extractor = names.get()};
  ingest_texts(*store_, shelf_,
               std::vector<WholeText>{{"secret", "", "We run the Grey Heron Trust (GHT) at night."},
                                      {"open", "", "Ask the Grey Heron Trust. Ask the GHT."}},
               nullptr, options, silent);
  EXPECT_EQ(load_graph(*store_, {shelf_, "kim", {}}).names.accepted.size(), 1u);
  EXPECT_THAT(load_graph(*store_, {shelf_, "lee", {}}).names.accepted, IsEmpty());
}

}  // namespace
}  // namespace ondol::ground
