// What a larger model says of passages, held to the text; and calls that fail, limits and a service
// that misbehaves, through a workspace as a person has it.
#include "app/graph_tiers.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "app/graph.h"
#include "app/ingest.h"
#include "app/test_support.h"
#include "base/files.h"
#include "net/test_support.h"
#include "prompt/test_support.h"

namespace ondol::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;
using net::testing::chat_answer;
using net::testing::http_answer;
using net::testing::LoopbackServer;
using net::testing::Reply;
using net::testing::ServedRequest;

constexpr const char* kText =
    "In 1998 Mara Lind joined the Harbour Office. “She leads the Harbour\nOffice,” the mayor said.";

const ground::OntologyIndex& ontology() {
  static const ground::OntologyIndex kIndex([] {
    ground::Ontology o;
    o.classes = {{.name = "Person"}, {.name = "Organization"}};
    o.relations = {{.name = "leads", .patterns = {{"Person", "Organization"}}},
                   {.name = "works_for", .patterns = {{"Person", "Organization"}}}};
    return o;
  }());
  return kIndex;
}

Json fact(const std::string& subject, const std::string& relation, const std::string& object,
          const std::string& quote, const std::string& from = "") {
  return {{"subject", subject}, {"relation", relation}, {"object", object},
          {"quote", quote},     {"from", from},         {"to", ""}};
}

store::Extraction read(const Json& said, const std::string& text = kText,
                       prompt::testing::ScriptedGenerator* used = nullptr) {
  prompt::testing::ScriptedGenerator own;
  prompt::testing::ScriptedGenerator& model = used ? *used : own;
  model.follows_schemas = true;
  model.text = [&](const GenerateRequest&, int64_t) {
    return said.is_string() ? said.get<std::string>() : said.dump();
  };
  const auto open = ground::make_extractor("open", {.generator = &model, .ontology = &ontology()});
  return open->extract({.title = "Harbour notes", .heading = "", .text = text, .id = 5});
}

TEST(OpenExtractor, TakesWhatTheTextSaysWithItsPlace) {
  const Json said = {
      {"entities",
       {{{"name", "Mara Lind"}, {"class", "Person"}},
        {{"name", "harbour office"}, {"class", "Organization"}}}},
      {"facts",
       {fact("Mara Lind", "leads", "Harbour Office", "\"She leads the Harbour Office,\"", "1998")}},
      {"claims",
       {{{"subject", "Mara Lind"},
         {"object", "Harbour Office"},
         {"type", "statement"},
         {"status", "true"},
         {"claim", "The mayor said that she leads it."},
         {"quote", "the mayor said"},
         {"from", ""},
         {"to", ""}}}}};
  prompt::testing::ScriptedGenerator model;
  const store::Extraction found = read(said, kText, &model);
  EXPECT_THAT(model.requests.at(0).sources, ElementsAre(5));
  EXPECT_TRUE(found.rejected.empty());
  ASSERT_EQ(found.facts.size(), 1u);
  EXPECT_EQ(found.facts[0].subject, (store::EntityName{"mara lind", "Person"}));
  EXPECT_EQ(found.facts[0].object, (store::EntityName{"harbour office", "Organization"}));
  EXPECT_EQ(found.facts[0].valid_from, "1998");
  EXPECT_EQ(found.facts[0].char_from, 45);  // the quotation mark, in code points
  EXPECT_EQ(found.facts[0].char_to, 76);
  ASSERT_EQ(found.claims.size(), 1u);
  EXPECT_EQ(found.claims[0].status, "true");
  EXPECT_EQ(found.claims[0].object.key, "harbour office");
  // Every place of a name, also across a line break.
  EXPECT_EQ(found.mentions.size(), 3u);
}

TEST(OpenExtractor, WhatIsNotInTheTextIsLeftOutAndCounted) {
  const auto reasons = [](const Json& one) {
    std::vector<std::string> all;
    const store::Extraction found = read(
        {{"entities", Json::array()}, {"facts", Json::array({one})}, {"claims", Json::array()}});
    EXPECT_TRUE(found.facts.empty());
    for (const auto& [why, count] : found.rejected) all.push_back(why);
    return all;
  };
  EXPECT_THAT(reasons(fact("Tom Hale", "leads", "Harbour Office", "She leads")),
              ElementsAre("the name is not there"));
  EXPECT_THAT(reasons(fact("Mara", "leads", "Mara", "She leads")),
              ElementsAre("both ends are the same"));
  EXPECT_THAT(reasons(fact("Mara Lind", "leads", "Harbour Office", "Lind is its head")),
              ElementsAre("the quote is not in the text"));
  EXPECT_THAT(reasons(fact("Alma Quist-Rue", "leads", "Harbour Office", "She leads")),
              ElementsAre("copied from the prompt's example"));
  EXPECT_THAT(reasons(fact("--", "leads", "Harbour Office", "She leads")),
              ElementsAre("a name has no letters or digits"));
  // A part of a word is not a name.
  EXPECT_THAT(reasons(fact("arbour", "leads", "Mara Lind", "She leads")),
              ElementsAre("the name is not there"));
  const store::Extraction wrong_way =
      read({{"entities",
             {{{"name", "Mara Lind"}, {"class", "Person"}},
              {{"name", "Harbour Office"}, {"class", "Organization"}}}},
            {"facts",
             {fact("Harbour Office", "leads", "Mara Lind", "She leads"),
              fact("Mara Lind", "leads", "Harbour Office", "She leads", "yesterday")}},
            {"claims", Json::array()}});
  ASSERT_EQ(wrong_way.facts.size(), 1u);
  EXPECT_EQ(wrong_way.facts[0].valid_from, "");
  EXPECT_EQ(wrong_way.rejected.at("the ontology does not allow it"), 1);
  EXPECT_EQ(wrong_way.rejected.at("a date is none"), 1);
  EXPECT_EQ(read("{\"entities\": [").rejected.size(), 1u);
  EXPECT_EQ(read({{"entities", 3}}).rejected.at("the answer is not what was asked for"), 1);
}

TEST(OpenExtractor, KoreanNamesStayKorean) {
  const std::string text = "김민수는 1998년부터 서울시청에서 일한다.";
  const store::Extraction found =
      read({{"entities",
             {{{"name", "김민수"}, {"class", "Person"}},
              {{"name", "서울시청"}, {"class", "Organization"}}}},
            {"facts", {fact("김민수", "works for", "서울시청", "서울시청에서 일한다")}},
            {"claims", Json::array()}},
           text);
  ASSERT_EQ(found.facts.size(), 1u);
  EXPECT_EQ(found.facts[0].subject.key, "김민수");
  EXPECT_EQ(found.facts[0].char_from, 13);
}

// A workspace of three documents whose model is behind an endpoint.
class EndpointWorkspace : public ::testing::Test {
 protected:
  EndpointWorkspace() {
    init_workspace(folder_.path() / "w", /*sample=*/false);
    for (const char* name : {"Mara Lind", "Tom Hale", "Uta Berg"}) {
      write_file_atomic(folder_.path() / "w/documents" / (std::string(name) + ".md"),
                        "# Notes\n\nIn 1998 " + std::string(name) + " led the Harbour Office.\n");
    }
  }
  Workspace workspace(const std::string& url, const std::string& more = "") {
    write_file_atomic(
        folder_.path() / "w/ondol.toml",
        "[workspace]\nname = \"w\"\nmodel = \"endpoint:big\"\n[endpoint.big]\nurl = \"" + url +
            "\"\nmodel = \"m\"\nconcurrency = 1\nattempts = 1\n" + more);
    return Workspace::open(folder_.path() / "w");
  }
  GraphTierReport build(const Workspace& workspace, const GenerationLimits& limits = {}) {
    Session session(Home{folder_.path() / "home"}, {.threads = 1});
    const auto store = workspace.open_store(store::OpenMode::kReadWrite);
    const GraphTier tier(workspace, &session, {.tier = "3", .limits = limits});
    return tier.build(*store, store->open_collection(kDocumentsCollection), progress_);
  }
  void ingest(const Workspace& workspace) {
    Session session(Home{folder_.path() / "home"}, {.threads = 1});
    ingest_workspace(workspace, session, {.graph = true}, progress_);
  }
  // The one fact of the passage that the request shows.
  static std::string answer(const ServedRequest& request) {
    for (const char* name : {"Mara Lind", "Tom Hale", "Uta Berg"}) {
      if (request.body.find(name) == std::string::npos) continue;
      const Json said = {
          {"entities",
           {{{"name", name}, {"class", "Person"}},
            {{"name", "Harbour Office"}, {"class", "Organization"}}}},
          {"facts", {fact(name, "leads", "Harbour Office", std::string(name) + " led")}},
          {"claims", Json::array()}};
      return chat_answer(Json(said.dump()).dump());
    }
    return http_answer(500, "{}");
  }

  testing::TempFolder folder_;
  SilentProgress progress_;
};

TEST_F(EndpointWorkspace, FactsOfAServiceComeIntoTheGraphOnce) {
  LoopbackServer server([](const ServedRequest& r, int) { return Reply{{answer(r)}}; });
  const Workspace w = workspace(server.url());
  ingest(w);
  const GraphTierReport dry = build(w, {.dry = true});
  EXPECT_EQ(dry.spent.calls, 3);
  EXPECT_GT(dry.spent.prompt_tokens, 300);
  EXPECT_EQ(server.served(), 0);
  const GraphTierReport first = build(w);
  EXPECT_EQ(first.facts, 3);
  EXPECT_EQ(first.spent.calls, 3);
  EXPECT_EQ(server.served(), 3);
  EXPECT_EQ(build(w).spent.calls, 0);
  GraphDesk desk(w, {});
  EXPECT_EQ(desk.graph().facts().size(), 3u);
  EXPECT_EQ(desk.graph().find("Harbour Office").size(), 1u);  // of both tiers one entity
  std::filesystem::remove(w.documents() / "Tom Hale.md");
  ingest(w);
  EXPECT_EQ(GraphDesk(w, {}).graph().facts().size(), 2u);
}

TEST_F(EndpointWorkspace, AFailedCallIsToldAndReadAgainTheRestGoesOn) {
  LoopbackServer server([](const ServedRequest& r, int n) {
    if (r.body.find("Tom Hale") != std::string::npos && n < 3) {
      return Reply{{chat_answer("\"I would rather not.\"")}};
    }
    return Reply{{answer(r)}};
  });
  const Workspace w = workspace(server.url());
  ingest(w);
  const GraphTierReport first = build(w);
  EXPECT_EQ(first.facts, 2);
  EXPECT_EQ(first.failed, 1);
  EXPECT_THAT(first.rejected.begin()->first, HasSubstr("does not follow the JSON Schema"));
  const GraphTierReport second = build(w);
  EXPECT_EQ(second.facts, 1);
  EXPECT_EQ(second.failed, 0);
  EXPECT_EQ(GraphDesk(w, {}).graph().facts().size(), 3u);
}

TEST_F(EndpointWorkspace, AFailureLeavesWhatWasReadBefore) {
  std::atomic<bool> broken{false};
  LoopbackServer server([&](const ServedRequest& r, int) {
    return Reply{{broken ? http_answer(400, "{}") : answer(r)}};
  });
  const Workspace w = workspace(server.url());
  ingest(w);
  EXPECT_EQ(build(w).facts, 3);
  broken = true;
  // Another ontology is another version: everything is to be read again.
  write_file_atomic(w.folder() / "ontology.toml", "[relation.leads]\n");
  EXPECT_EQ(build(w).failed, 3);
  EXPECT_EQ(GraphDesk(w, {}).graph().facts().size(), 3u);
}

TEST_F(EndpointWorkspace, ALimitStopsTheRunAndTheNextGoesOn) {
  LoopbackServer server([](const ServedRequest& r, int) { return Reply{{answer(r)}}; });
  const Workspace w = workspace(server.url());
  ingest(w);
  const GraphTierReport first = build(w, {.calls_max = 2});
  EXPECT_THAT(first.stopped, HasSubstr("limit of 2 calls"));
  const GraphTierReport second = build(w);
  EXPECT_TRUE(second.stopped.empty());
  EXPECT_EQ(second.facts, 3);
  EXPECT_EQ(server.served(), 3);  // what was answered before the limit was remembered
}

TEST_F(EndpointWorkspace, ALimitOfTheEndpointHoldsEverywhere) {
  LoopbackServer server([](const ServedRequest& r, int) { return Reply{{answer(r)}}; });
  const Workspace w = workspace(server.url(), "max_calls = 1\n");
  ingest(w);
  EXPECT_THAT(build(w).stopped, HasSubstr("limit of 1 calls"));
  EXPECT_LE(server.served(), 1);
}

TEST_F(EndpointWorkspace, AKeyThatIsNotSetIsSaidBeforeAnythingIsAsked) {
  LoopbackServer server([](const ServedRequest& r, int) { return Reply{{answer(r)}}; });
  const Workspace w = workspace(server.url(), "key_env = \"ONDOL_TEST_KEY_UNSET\"\n");
  ingest(w);
  try {
    build(w);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ONDOL_TEST_KEY_UNSET is not set"));
  }
  EXPECT_EQ(server.served(), 0);
}

TEST(Endpoints, WrongTablesAreRefusedByName) {
  const auto error_of = [](const std::string& toml) {
    try {
      parse_recipes(toml, "ondol.toml");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(
      error_of("[workspace]\nmodel = \"endpoint:bog\"\n[endpoint.big]\nurl = \"http://h\"\n"),
      HasSubstr("did you mean 'big'?"));
  EXPECT_THAT(error_of("[endpoint.big]\nurll = \"http://h\"\n"), HasSubstr("unknown key 'urll'"));
  EXPECT_THAT(error_of("[roles]\njugde = \"m\"\n"), HasSubstr("did you mean 'judge'?"));
  const RecipeBook book =
      parse_recipes("[workspace]\nmodel = \"m\"\n[roles]\nextract = \"x\"\nembed = \"e\"\n", "t");
  EXPECT_EQ(book.roles.extract, "x");
  EXPECT_EQ(book.roles.summarise, "m");
  EXPECT_EQ(book.roles.judge, "m");
  EXPECT_EQ(book.embedder, "e");
}

}  // namespace
}  // namespace ondol::app
