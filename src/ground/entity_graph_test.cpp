// The graph as a scope sees it: merging, pruning, weights; and that it depends on what is stored,
// never on how it came there.
#include "ground/entity_graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "ground/extraction.h"
#include "ground/fact_import.h"
#include "ground/fact_index.h"
#include "ground/ingest.h"
#include "ground/test_support.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempFolder;

class EntityGraphTest : public ::testing::Test {
 protected:
  EntityGraphTest()
      : store_(store::open_sqlite_store(folder_.path() / "s.db")),
        shelf_(store_->open_collection("c")),
        names_(make_extractor("names")) {}

  void ingest(const std::vector<WholeText>& texts) {
    SilentProgress silent;
    ingest_texts(*store_, shelf_, texts, nullptr, {.extractor = names_.get()}, silent);
  }
  EntityGraph graph(const GraphOptions& options = {}) {
    return EntityGraph(store_->graph_rows({shelf_, "", {}}), store_->merges(shelf_), options);
  }
  void merge(const std::string& from, const std::string& into) {
    store_->put_merge(shelf_, {0, {from, ""}, {into, ""}, "user", 1});
  }

  TempFolder folder_;
  std::unique_ptr<store::Store> store_;
  store::CollectionId shelf_;
  std::unique_ptr<Extractor> names_;
};

std::vector<std::string> labels(const EntityGraph& graph) {
  std::vector<std::string> out;
  for (const GraphEntity& entity : graph.entities()) out.push_back(entity.label);
  return out;
}

const std::vector<WholeText> kTwo = {{"a", "", "Then Alice Kim met Bob Lee."},
                                     {"b", "", "Later Bob Lee saw Cara Oh."},
                                     {"c", "", "Now the red gate opens."}};

TEST_F(EntityGraphTest, EntitiesTiesAndPhrases) {
  ingest(kTwo);
  const EntityGraph g = graph();
  EXPECT_THAT(labels(g), ElementsAre("Alice Kim", "Bob Lee", "Cara Oh"));  // "red gate" once only
  EXPECT_EQ(g.entities()[1].passages, 2);
  ASSERT_EQ(g.co_occurrences().size(), 2u);
  // 3 passages name something; Alice in 1, Bob in 2, together in 1:
  // ln(1 * 3 / (1 * 2)) / -ln(1 / 3).
  EXPECT_NEAR(g.co_occurrences()[0].weight, std::log(1.5) / std::log(3.0), 1e-12);
  EXPECT_EQ(g.walk().nodes(), 3 + 3);
  EXPECT_EQ(g.passage_of(987654), -1);
  EXPECT_EQ(graph({.phrase_passages_min = 1}).entities().size(), 4u);
}

TEST_F(EntityGraphTest, NamesInAQuestionLongestFirst) {
  ingest({{"a", "", "Then New York met York Minster and New York City Hall."},
          {"b", "", "그때 서울시청이 문을 열었다."}});
  const EntityGraph g = graph();
  const auto spotted = [&](const char* text) {
    std::vector<std::string> out;
    for (const int32_t e : g.spot(text)) out.push_back(g.entities()[size_t(e)].label);
    return out;
  };
  EXPECT_THAT(spotted("who built new york city hall in New York?"),
              ElementsAre("New York City Hall", "New York"));
  EXPECT_THAT(spotted("서울시청은 어디?"), ElementsAre("서울시청"));
  EXPECT_THAT(spotted("what is it"), IsEmpty());
  EXPECT_THAT(spotted(""), IsEmpty());
}

TEST_F(EntityGraphTest, MergesJoinAreUndoneAndNeverGoInCircles) {
  ingest(kTwo);
  merge("alice kim", "cara oh");
  EntityGraph g = graph();
  EXPECT_THAT(labels(g),
              ElementsAre("Bob Lee", "Alice Kim"));  // both spellings once: first by name
  EXPECT_THAT(g.entities()[1].aliases, ElementsAre("alice kim"));
  EXPECT_EQ(g.find("Alice Kim"), g.find("Cara Oh"));
  merge("cara oh", "bob lee");
  EXPECT_EQ(graph().entities().size(), 1u);
  merge("bob lee", "alice kim");  // would close the circle
  EXPECT_EQ(graph().entities().size(), 1u);
  for (const store::Merge& one : store_->merges(shelf_)) store_->undo_merge(shelf_, one.id);
  EXPECT_EQ(graph().entities().size(), 3u);
}

TEST_F(EntityGraphTest, WhatIsEverywhereIsKeptAndNotWalked) {
  std::vector<WholeText> texts;
  for (int i = 0; i < 30; ++i) {
    texts.push_back({std::to_string(i), "", fmt::format("Then Hub Town saw Name{}x Oh.", i)});
  }
  ingest(texts);
  const EntityGraph g = graph();
  const int32_t hub = g.find("Hub Town").at(0);
  EXPECT_TRUE(g.entities()[size_t(hub)].hub);
  EXPECT_EQ(g.walk().degree(hub), 0);
  EXPECT_EQ(graph({.hub_share = 1.0}).walk().degree(hub), 30);
}

TEST_F(EntityGraphTest, GivenFactsHaveProofOrAreCounted) {
  ingest(kTwo);
  SilentProgress silent;
  const std::vector<GivenFact> facts = {
      {"a", "Alice Kim", "met", "Bob Lee"},  {"a", "the gate", "is", "green"},
      {"a", "Bob Lee", "is", "the Bob Lee"}, {"a", "...", "is", "Bob Lee"},
      {"a", "Bob Lee", "", "Alice Kim"},     {"nowhere", "Alice Kim", "met", "Bob Lee"}};
  const FactImport done = import_facts(*store_, shelf_, facts, silent);
  EXPECT_EQ(done.taken, 1);
  int64_t rejected = 0;
  for (const auto& [reason, count] : done.rejected) rejected += count;
  EXPECT_EQ(rejected, 5);
  EXPECT_EQ(done.rejected.size(), 5u);
  const EntityGraph g = graph();
  ASSERT_EQ(g.facts().size(), 1u);
  EXPECT_EQ(g.facts()[0].label, "met");
  EXPECT_THAT(g.facts()[0].proof, ElementsAre(GraphPlace{g.facts()[0].proof[0].passage, 0, 27}));
  EXPECT_EQ(fact_text(g, 0), "Alice Kim met Bob Lee");
  const std::vector<std::string> terms = {"bob", "met"};
  EXPECT_EQ(FactIndex(g).search(terms, 5).size(), 1u);
  import_facts(*store_, shelf_, facts, silent);  // again: the same
  EXPECT_EQ(graph().facts().size(), 1u);
}

// ---- any order of adding, changing and deleting gives what building from scratch gives ----

std::string describe(const EntityGraph& g, store::Store& store, store::CollectionId shelf) {
  std::map<int64_t, std::string> uri;
  for (const store::ChunkView& view : store.chunks({shelf, "", {}}, g.passages())) {
    uri[view.chunk.id] = fmt::format("{}#{}", view.uri, view.chunk.ordinal);
  }
  std::string out;
  for (const GraphEntity& entity : g.entities()) {
    out += fmt::format("{}|{}|{}|{}:", entity.name.key, entity.label, entity.passages, entity.hub);
    std::vector<std::string> places;
    for (const GraphPlace& place : entity.mentions) {
      places.push_back(
          fmt::format("{}@{}", uri.at(g.passages()[size_t(place.passage)]), place.char_from));
    }
    std::sort(places.begin(), places.end());
    for (const std::string& place : places) out += " " + place;
    out += "\n";
  }
  for (const CoOccurrence& tie : g.co_occurrences()) {
    out += fmt::format("{}~{} {} {:.12f}\n", g.entities()[size_t(tie.first)].name.key,
                       g.entities()[size_t(tie.second)].name.key, tie.passages, tie.weight);
  }
  for (size_t f = 0; f < g.facts().size(); ++f) {
    out += fact_text(g, int32_t(f)) + fmt::format(" {}\n", g.facts()[f].proof.size());
  }
  return out;
}

std::string random_text(Rng& rng) {
  const char* names[] = {"Alice Kim", "Bob Lee", "Cara Oh", "New York", "York Minster", "온돌을"};
  std::string text;
  for (uint64_t i = 0, n = 1 + rng.below(4); i < n; ++i) {
    text += fmt::format("Then {} met {} near the {} gate. ", names[rng.below(6)],
                        names[rng.below(6)], rng.below(2) ? "red brick" : "old stone");
  }
  return text;
}

TEST_F(EntityGraphTest, AThousandChangesEqualBuildingFromScratch) {
  Rng rng(7);
  std::map<std::string, std::string> texts;
  const auto all = [&] {
    std::vector<WholeText> list;
    for (const auto& [uri, text] : texts) list.push_back({uri, "Doc " + uri, text});
    return list;
  };
  for (int step = 1; step <= 1000; ++step) {
    const std::string uri = std::to_string(rng.below(12));
    if (rng.below(3) == 0)
      texts.erase(uri);
    else
      texts[uri] = random_text(rng);
    ingest(all());
    if (step % 100 != 0) continue;
    TempFolder fresh_folder;
    auto fresh = store::open_sqlite_store(fresh_folder.path() / "s.db");
    const store::CollectionId shelf = fresh->open_collection("c");
    SilentProgress silent;
    ingest_texts(*fresh, shelf, all(), nullptr, {}, silent);
    const GraphBuildReport built = build_graph(*fresh, shelf, *names_, silent);
    EXPECT_EQ(built.extracted, built.chunks);
    const EntityGraph scratch(fresh->graph_rows({shelf, "", {}}), {}, {});
    ASSERT_EQ(describe(graph(), *store_, shelf_), describe(scratch, *fresh, shelf)) << step;
  }
}

TEST_F(EntityGraphTest, BuildingGoesOnWhereItStoppedAndNamesWhatSaidNothing) {
  SilentProgress silent;
  std::string dull;
  for (int i = 0; i < 60; ++i) dull += "of the ";
  ingest_texts(*store_, shelf_,
               std::vector<WholeText>{{"a", "", "Then Alice Kim came."}, {"b", "", dull}}, nullptr,
               {}, silent);
  GraphBuildReport report = build_graph(*store_, shelf_, *names_, silent);
  EXPECT_EQ(report.chunks, 2);
  EXPECT_EQ(report.extracted, 2);
  EXPECT_EQ(report.mentions, 1);
  EXPECT_EQ(report.empty, 1);
  EXPECT_EQ(store_->jobs(shelf_)[1].state, "failed");
  report = build_graph(*store_, shelf_, *names_, silent);
  EXPECT_EQ(report.extracted, 0);
}

}  // namespace
}  // namespace ondol::ground
