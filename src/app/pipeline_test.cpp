#include "app/pipeline.h"

#include <gmock/gmock.h>

#include "app/test_support.h"
#include "ground/ingest.h"
#include "prompt/test_support.h"

namespace ondol::app {
namespace {

using prompt::testing::ScriptedGenerator;
using testing::error_text;
using ::testing::HasSubstr;

// Three one-line documents in a store, searched by words; a generator that follows a script.
class Pipeline : public ::testing::Test {
 protected:
  Pipeline() {
    generator.text = [](const auto&, int64_t) { return "Members get 25 days."; };
    ingest("Members get 25 days of leave.");
  }

  void ingest(const std::string& leave) {
    const std::vector<ground::WholeText> texts = {{"leave.md", "Leave", leave},
                                                  {"lunch.md", "Lunch", "Lunch is at noon."},
                                                  {"desk.md", "Desks", "Desks are blue."}};
    SilentProgress progress;
    ground::ingest_texts(*store, store->open_collection("documents"), texts, nullptr, {}, progress);
  }

  Recipe recipe(const std::string& tables =
                    "knowledge = [{kind='bm25', top_k=2}]\n"
                    "refuse = {mode='off'}\n") const {
    return parse_recipes("[recipe.r]\nmodel='m'\n" + tables, "test").recipe("r");
  }
  CompiledRecipe compiled(const Recipe& of) {
    return CompiledRecipe(of, {.generator = &generator, .corpus = &corpus, .train = train});
  }
  std::string fingerprint(const Recipe& of, const Query& asked, uint64_t repeat = 0) {
    const CompiledRecipe pipe = compiled(of);
    return pipe.fingerprint(asked, pipe.retrieve_all(std::span(&asked, 1))[0], repeat);
  }

  testing::TempFolder folder;
  std::unique_ptr<store::Store> store = store::open_sqlite_store(folder.path() / "store.db", {});
  ground::Corpus corpus{*store, store->open_collection("documents"), nullptr};
  ScriptedGenerator generator;
  std::vector<eval::Question> train;
  const Query query{.id = "q1", .text = "How many days of leave do members get?"};
};

TEST_F(Pipeline, AnAnswerBringsEvidenceCitationsAndCosts) {
  const Answer answer = compiled(recipe()).answer(query, {});
  EXPECT_EQ(answer.text, "Members get 25 days.");
  EXPECT_FALSE(answer.refused);
  ASSERT_FALSE(answer.evidence.empty());
  EXPECT_EQ(answer.evidence[0].document, "leave.md");
  ASSERT_FALSE(answer.citations.empty());
  EXPECT_EQ(answer.citations[0].document, "leave.md");
  EXPECT_EQ(answer.usage.prompt_tokens, 10);
  ASSERT_GE(answer.trace.size(), 2U);
  EXPECT_EQ(answer.trace[0].stage, "retrieve");
  EXPECT_GE(answer.milliseconds_to_first_token, 2);
  const auto& prompt = std::get<Prompt>(generator.requests.at(0).prompt);
  EXPECT_THAT(prompt.messages.back().content, HasSubstr("Members get 25 days of leave."));
  EXPECT_THAT(prompt.messages.back().content, HasSubstr(query.text));
}

TEST_F(Pipeline, TheTraceSaysWhatARouterChoseAndWhatAModelFailedAt) {
  CachedGenerator cached(generator, nullptr);
  ground::Corpus asking({.store = store.get(),
                         .collection = store->open_collection("documents"),
                         .model = [&]() -> CachedGenerator& { return cached; }});
  const Recipe of = recipe(
      "knowledge = [{kind='auto', top_k=2, query='multi-query', expand='parent'}]\n"
      "refuse = {mode='off'}\n");
  const CompiledRecipe pipe(of, {.generator = &generator, .corpus = &asking, .train = train});
  const Answer answer = pipe.answer(query, {});
  EXPECT_EQ(answer.evidence.at(0).document, "leave.md");
  EXPECT_THAT(answer.trace.at(0).text, HasSubstr("passages of auto:bm25"));
  EXPECT_THAT(answer.trace.at(1).text, HasSubstr("nothing usable for 1 of 1"));
  EXPECT_TRUE(pipe.take_notices().empty());  // told
}

TEST_F(Pipeline, WithoutKnowledgeNothingIsSearched) {
  const CompiledRecipe pipe(recipe(""), {.generator = &generator});
  const Answer answer = pipe.answer(query, {});
  EXPECT_TRUE(answer.evidence.empty());
  EXPECT_TRUE(answer.citations.empty());
  EXPECT_FALSE(pipe.refuses(query, {}));
}

TEST_F(Pipeline, RefusesWhenTheEvidenceIsAboutSomethingElse) {
  const Recipe strict =
      recipe("knowledge = [{kind='bm25'}]\nrefuse = {mode='fixed', threshold=0.2}");
  const CompiledRecipe pipe = compiled(strict);
  std::string streamed;
  const Query other{.text = "Who painted the Mona Lisa?"};
  const Answer answer = pipe.answer(other, {.on_text = [&](const StreamEvent& event) {
                                      streamed += event.text;
                                      return true;
                                    }});
  EXPECT_TRUE(answer.refused);
  EXPECT_EQ(answer.text, "The documents do not say.");
  EXPECT_EQ(streamed, answer.text);
  EXPECT_TRUE(answer.citations.empty());
  EXPECT_TRUE(generator.requests.empty());  // nothing was spent on it
  EXPECT_FALSE(pipe.answer(query, {}).refused);
  EXPECT_EQ(generator.requests.size(), 1U);
  // What the model itself refuses is a refusal too.
  generator.text = [](const auto&, int64_t) { return "The passages do not say."; };
  const Answer said = pipe.answer(query, {});
  EXPECT_TRUE(said.refused);
  EXPECT_TRUE(said.citations.empty());
}

TEST_F(Pipeline, SeveralProvidersGiveEachPassageOnce) {
  const CompiledRecipe pipe = compiled(
      recipe("knowledge = [{kind='bm25', top_k=1}, {kind='bm25', top_k=3}]\nrefuse={mode='off'}"));
  const Query wide{.text = "days of leave, lunch at noon, blue desks"};
  const auto found = pipe.retrieve_all(std::span(&wide, 1))[0];
  std::set<int64_t> chunks;
  for (const Evidence& piece : found) chunks.insert(piece.chunk_id);
  EXPECT_EQ(found.size(), 3U);
  EXPECT_EQ(chunks.size(), 3U);
}

TEST_F(Pipeline, TheFingerprintChangesWithWhatDecidesTheAnswer) {
  const std::string base = fingerprint(recipe(), query);
  EXPECT_EQ(fingerprint(recipe(), query), base);
  const std::string knowledge = "knowledge = [{kind='bm25', top_k=2}]\nrefuse = {mode='off'}\n";
  for (const std::string& tables : {
           "prompt = {system='Be brief.'}\n" + knowledge, "prompt = {style='cot'}\n" + knowledge,
           "prompt = {user_template='{passages}{question}'}\n" + knowledge,
           "decode = {max_tokens=7}\n" + knowledge, "decode = {temperature=0.5}\n" + knowledge,
           "decode = {seed=3}\n" + knowledge, "decode = {stop=['x']}\n" + knowledge,
           "strategy = {kind='self-consistency', samples=3}\n" + knowledge,
           std::string("refuse = {mode='off'}\n"),  // no knowledge, no passages
       }) {
    EXPECT_NE(fingerprint(recipe(tables), query), base) << tables;
  }
  EXPECT_NE(fingerprint(recipe(), {.text = "When is lunch?"}), base);
  Query with_choices = query;
  with_choices.choices = {"25", "26"};
  EXPECT_NE(fingerprint(recipe(), with_choices), base);
  Query follow_up = query;
  follow_up.history = {{"user", "Hello", {}}, {"assistant", "Hi", {}}};
  EXPECT_NE(fingerprint(recipe(), follow_up), base);
  generator.name = "scripted-2";
  EXPECT_NE(fingerprint(recipe(), query), base);
  generator.name = "scripted-1";
  EXPECT_EQ(fingerprint(recipe(), query), base);
  ingest("Members get 26 days of leave.");
  EXPECT_NE(fingerprint(recipe(), query), base);
}

TEST_F(Pipeline, TheFingerprintDoesNotChangeWithNames) {
  const std::string base = fingerprint(recipe(), query);
  Recipe renamed = recipe();
  renamed.name = "other";
  renamed.description = "something else";
  EXPECT_EQ(fingerprint(renamed, query), base);
  Query other_id = query;
  other_id.id = "q2";
  EXPECT_EQ(fingerprint(recipe(), other_id), base);
}

TEST_F(Pipeline, RepeatsDifferWhereSomethingIsRandom) {
  EXPECT_EQ(fingerprint(recipe(), query, 0), fingerprint(recipe(), query, 1));
  EXPECT_FALSE(compiled(recipe()).is_random());
  for (const char* tables :
       {"decode = {temperature=0.5}", "strategy = {kind='self-consistency', samples=3}"}) {
    EXPECT_TRUE(compiled(recipe(tables)).is_random());
    EXPECT_NE(fingerprint(recipe(tables), query, 0), fingerprint(recipe(tables), query, 1));
    compiled(recipe(tables)).answer(query, {.repeat = 2});
    EXPECT_EQ(generator.requests.back().sampler.seed, 2U);
  }
}

TEST_F(Pipeline, ExamplesAreTheSolvedTrainQuestions) {
  train = {{.id = "t1", .question = "One?", .answers = {"1", "one"}},
           {.id = "t2", .question = "Nobody knows?"},
           {.id = "t3", .question = "Pick?", .answer_index = 1, .choices = {"a", "b"}}};
  const auto examples = to_examples(train);
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0].answer, "1");
  EXPECT_EQ(examples[1].answer, "b");
  compiled(recipe("prompt = {shots=2}")).answer(query, {});
  EXPECT_EQ(std::get<Prompt>(generator.requests.at(0).prompt).messages.size(), 6U);
  EXPECT_THAT(
      error_text([&] { compiled(recipe("prompt = {shots=3}")); }, ErrorCode::kInvalidArgument),
      HasSubstr("shots is 3; the train split has 2"));
}

TEST_F(Pipeline, Errors) {
  EXPECT_THAT(error_text([&] { CompiledRecipe(recipe(), {.generator = &generator}); },
                         ErrorCode::kNotFound),
              HasSubstr("try `ondol ingest`"));
  EXPECT_THAT(error_text([&] { compiled(recipe("knowledge = [{kind='vector'}]")); },
                         ErrorCode::kInvalidArgument),
              HasSubstr("embedder"));
}

}  // namespace
}  // namespace ondol::app
