// Facts written by a small model under a grammar: always valid, always with a proof that stands in
// the text. Whether they are true is the model's affair (docs/results.md).
#include <gtest/gtest.h>

#include <set>

#include "app/graph_tiers.h"
#include "app/test_support.h"
#include "base/files.h"
#include "ground/entity_name.h"
#include "support/paths.h"
#include "text/segment.h"

namespace ondol::app {
namespace {

std::string cut(const std::string& text, int64_t from, int64_t to) {
  size_t begin = 0, at = 0;
  for (int64_t point = 0; at < text.size() && point < to; ++point) {
    if (point == from) begin = at;
    text::next_code_point(text, at);
  }
  return text.substr(begin, at - begin);
}

TEST(GraphTierModel, EveryFactStandsInTheOntologyAndInASentence) {
  const auto model = ondol::testing::smollm2_gguf();
  ONDOL_NEED_MODEL(model);
  const testing::TempFolder folder;
  init_workspace(folder.path() / "w", /*sample=*/true);
  const Workspace workspace = Workspace::open(folder.path() / "w");
  Session session(Home{folder.path() / "home"}, {.threads = 2});
  for (const char* name : {"1", "2"}) {
    const GraphTier tier(workspace, &session, {.tier = name, .model = model.string()});
    const auto made = ground::make_extractor(
        std::string_view(name) == "1" ? "choices" : "constrained",
        {.generator = &session.generator(model.string()), .ontology = tier.ontology()});
    const ground::Extractor& extractor = *made;
    std::vector<ground::ChunkText> chunks = {
        {"People", "", "Corin Vale leads the people office in Port Kellin. He was born in Vasker."},
        {"Boats", "", "The Tarrow Star and the Tarrow Moon sail from Port Kellin to Ennoch Slip."},
        {"Nothing", "", "it rains."}};
    const auto found = extractor.extract_all(chunks);
    ASSERT_EQ(found.size(), 3u);
    for (size_t i = 0; i < chunks.size(); ++i) {
      std::set<store::EntityName> mentioned;
      for (const store::Mention& m : found[i].mentions) mentioned.insert(m.entity);
      for (const store::Fact& fact : found[i].facts) {
        EXPECT_NE(tier.ontology()->find_relation(fact.label), nullptr) << fact.label;
        EXPECT_NE(fact.subject, fact.object);
        EXPECT_TRUE(mentioned.contains(fact.subject) && mentioned.contains(fact.object));
        const std::string proof = cut(chunks[i].text, fact.char_from, fact.char_to);
        const std::string key = " " + ground::entity_key(proof) + " ";
        EXPECT_NE(key.find(fact.subject.key), std::string::npos) << proof;
        EXPECT_NE(key.find(fact.object.key), std::string::npos) << proof;
      }
    }
    EXPECT_TRUE(found[2].facts.empty());
    // The same again: the same.
    EXPECT_EQ(extractor.extract(chunks[0]).facts, found[0].facts);
  }
  EXPECT_THROW(GraphTier(workspace, nullptr, {.tier = "9"}), Error);
}

}  // namespace
}  // namespace ondol::app
