#include "ground/entity_neighbours.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;

// Vectors by a table; what is not in it is far from everything.
class TableEmbedder final : public Embedder {
 public:
  std::map<std::string, std::vector<float>> table;
  EmbedResult embed(std::span<const std::string> texts, const EmbedOptions&) override {
    EmbedResult out;
    for (const std::string& text : texts) {
      asked.push_back(text);
      std::vector<float> vector(8, 0.0F);
      const auto known = table.find(text);
      if (known == table.end()) {
        vector[3 + asked.size() % 5] = 1;
      } else {
        vector = known->second;
        vector.resize(8);
      }
      float squares = 0;
      for (const float x : vector) squares += x * x;
      for (float& x : vector) x /= std::sqrt(squares);
      out.vectors.push_back(vector);
    }
    return out;
  }
  int64_t dimensions() const override { return 8; }
  int64_t tokens_max() const override { return 100; }
  int64_t count_tokens(const std::string& text) const override {
    return static_cast<int64_t>(text.size());
  }
  std::string id() const override { return "table"; }
  std::vector<std::string> languages() const override { return {"en"}; }
  std::vector<std::string> asked;
};

ResolvedGraph graph_of(const std::vector<std::pair<std::string, std::string>>& names) {
  store::GraphRows rows;
  int64_t id = 0;
  for (const auto& [label, type] : names) {
    ++id;
    std::string key = label;
    for (char& c : key) c = static_cast<char>(std::tolower(c));
    rows.entities.push_back({id, {key, type}});
    rows.mentions.push_back({id, id, 0, 5, 0, label});
  }
  ResolvedGraph out;
  out.graph = std::make_shared<EntityGraph>(rows, std::vector<store::Merge>{}, GraphOptions{});
  return out;
}

std::vector<std::string> proposals(const ResolvedGraph& graph, TableEmbedder& embedder,
                                   const std::vector<store::Merge>& log = {}) {
  SilentProgress silent;
  std::vector<std::string> out;
  for (const store::Merge& one : near_names(graph, log, embedder, {}, silent)) {
    EXPECT_EQ(one.method, "meaning");
    out.push_back(one.from.key + " > " + one.into.key);
  }
  return out;
}

TEST(NearNames, NearVectorsOfTheSameKindAreProposedOnce) {
  TableEmbedder embedder;
  embedder.table = {{"Lorry Depot", {1, 0.1F}},   {"Truck Yard", {1, 0.2F}},
                    {"Line 2", {0, 1}},           {"Line 3", {0, 1}},
                    {"Mercury Works", {0, 0, 1}}, {"Mercury God", {0, 0, 1}}};
  const ResolvedGraph graph = graph_of({{"Lorry Depot", ""},
                                        {"Truck Yard", ""},
                                        {"Line 2", ""},
                                        {"Line 3", ""},
                                        {"Mercury Works", "Place"},
                                        {"Mercury God", "Person"},
                                        {"서울시청", ""}});
  EXPECT_THAT(proposals(graph, embedder), ElementsAre("truck yard > lorry depot"));
  for (const std::string& text : embedder.asked) EXPECT_NE(text, "서울시청");
}

TEST(NearNames, WhatAPersonDecidedIsNotProposedAgain) {
  TableEmbedder embedder;
  embedder.table = {{"Lorry Depot", {1, 0.1F}}, {"Truck Yard", {1, 0.2F}}};
  ResolvedGraph graph = graph_of({{"Lorry Depot", ""}, {"Truck Yard", ""}});
  const store::Merge undone{1, {"lorry depot", ""}, {"truck yard", ""}, "user", 1, true};
  EXPECT_TRUE(proposals(graph, embedder, {undone}).empty());
  graph.names.doubtful = {undone};
  EXPECT_TRUE(proposals(graph, embedder).empty());
  EXPECT_TRUE(proposals(graph_of({}), embedder).empty());
}

}  // namespace
}  // namespace ondol::ground
