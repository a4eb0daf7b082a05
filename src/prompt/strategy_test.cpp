#include "prompt/strategy.h"

#include <gmock/gmock.h>

#include "prompt/answer_text.h"
#include "prompt/test_support.h"

namespace ondol::prompt {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScriptedGenerator;

// One question through one strategy.
struct Case {
  StrategyConfig strategy;
  PromptConfig prompt;
  Query query{.text = "Which?"};
  DecodeConfig decode{.tokens_max = 9, .stop = {"\n\n"}, .sampler = {.top_k = 3, .seed = 5}};
  ScriptedGenerator generator;
  std::function<bool(const StreamEvent&)> on_text;
  std::vector<Evidence> evidence;

  Answer run() {
    const PromptBuilder builder(prompt, {}, nullptr);
    return make_strategy(strategy)->answer(generator, {query, evidence, builder, decode, on_text});
  }
};

TEST(Single, AsksOnceWithTheDecodingOfTheRecipe) {
  Case c;
  c.generator.text = [](const auto&, int64_t) { return " The answer is blue.\nTruly."; };
  std::string streamed;
  c.on_text = [&](const StreamEvent& event) {
    streamed += event.text;
    return true;
  };
  const Answer answer = c.run();
  EXPECT_EQ(answer.text, "blue.");
  EXPECT_FALSE(answer.refused);
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.usage.prompt_tokens, 10);
  EXPECT_EQ(answer.usage.completion_tokens, 3);
  EXPECT_EQ(answer.milliseconds_to_first_token, 2);
  EXPECT_EQ(streamed, " The answer is blue.\nTruly.");
  ASSERT_EQ(c.generator.requests.size(), 1U);
  const GenerateRequest& request = c.generator.requests[0];
  EXPECT_EQ(request.tokens_max, 9);
  EXPECT_EQ(request.stop, std::vector<std::string>{"\n\n"});
  EXPECT_EQ(request.sampler.top_k, 3);
  EXPECT_EQ(request.sampler.seed, 5U);
  EXPECT_EQ(request.samples, 1);
  EXPECT_EQ(std::get<Prompt>(request.prompt).messages.back().content, "Question: Which?");
}

TEST(Single, TakesWhatStandsAfterTheMarkerAndSeesRefusals) {
  Case c{.prompt = {.style = "cot"}};
  c.generator.text = [](const auto&, int64_t) { return "It is not mentioned.\nAnswer: 7 days\n"; };
  Answer answer = c.run();
  EXPECT_EQ(answer.text, "7 days");
  EXPECT_FALSE(answer.refused);
  c.generator.text = [](const auto&, int64_t) { return "Hm.\nAnswer: 문서에서 알 수 없습니다."; };
  EXPECT_TRUE(c.run().refused);
}

TEST(Choices, TheLikeliestOneIsTheAnswer) {
  Case c;
  c.query.choices = {"red", "blue", "green"};
  c.generator.log_likelihood = [](const std::string& text) {
    return text == " blue" ? -1.5 : -static_cast<double>(text.size());
  };
  Answer answer = c.run();
  EXPECT_EQ(answer.text, "blue");
  EXPECT_EQ(answer.choice_log_likelihoods, (std::vector<double>{-4, -1.5, -6}));
  EXPECT_TRUE(c.generator.requests.empty());
  ASSERT_EQ(c.generator.scored.size(), 1U);
  EXPECT_EQ(std::get<RawText>(c.generator.scored[0].prompt).text, "Question: Which?\nAnswer:");
  EXPECT_EQ(c.generator.scored[0].continuations,
            (std::vector<std::string>{" red", " blue", " green"}));
  // Equal ones: the first.
  c.generator.log_likelihood = [](const std::string&) { return -3.0; };
  EXPECT_EQ(c.run().text, "red");
}

TEST(Choices, AreWrittenOutWhereTheGeneratorCannotScore) {
  Case c;
  c.query.choices = {"red", "blue"};
  c.generator.can_score = false;
  c.generator.text = [](const auto&, int64_t) { return "blue"; };
  const Answer answer = c.run();
  EXPECT_EQ(answer.text, "blue");
  EXPECT_TRUE(answer.choice_log_likelihoods.empty());
  EXPECT_THAT(std::get<Prompt>(c.generator.requests.at(0).prompt).messages.back().content,
              HasSubstr("- red\n- blue"));
}

TEST(Choices, AreScoredAfterTheReasoning) {
  Case c{.prompt = {.style = "cot"}};
  c.query.choices = {"red", "blue"};
  c.generator.text = [](const auto&, int64_t) { return " Sky. Answer: red"; };
  c.generator.log_likelihood = [](const std::string& text) { return text == " blue" ? -1 : -2; };
  EXPECT_EQ(c.run().text, "blue");
  EXPECT_EQ(std::get<Prompt>(c.generator.scored.at(0).prompt).prefill,
            "Let's think step by step. Sky. \nAnswer:");
}

TEST(TwoStage, ReasonsThenConcludes) {
  Case c{.strategy = {.kind = "two-stage", .reasoning_tokens_max = 77}, .prompt = {.style = "cot"}};
  c.generator.text = [&](const GenerateRequest& request, int64_t) {
    return request.tokens_max == 77 ? " Two and two." : " four.\nBye";
  };
  const Answer answer = c.run();
  EXPECT_EQ(answer.text, "four.");
  ASSERT_EQ(c.generator.requests.size(), 2U);
  const GenerateRequest& first = c.generator.requests[0];
  const GenerateRequest& second = c.generator.requests[1];
  EXPECT_EQ(std::get<Prompt>(first.prompt).prefill, "Let's think step by step.");
  EXPECT_TRUE(first.stop.empty());  // a stop string of the answer must not end the reasoning
  EXPECT_EQ(second.tokens_max, 9);
  EXPECT_EQ(second.stop, std::vector<std::string>{"\n\n"});
  EXPECT_EQ(std::get<Prompt>(second.prompt).prefill,
            "Let's think step by step. Two and two.\nTherefore, the answer is");
  EXPECT_EQ(answer.usage.prompt_tokens, 20);
  EXPECT_EQ(answer.usage.completion_tokens, 6);
  ASSERT_EQ(answer.trace.size(), 2U);
  EXPECT_EQ(answer.trace[0].text, " Two and two.");

  c.query.choices = {"four", "five"};
  c.generator.log_likelihood = [](const std::string& text) { return text == " five" ? -1 : -2; };
  EXPECT_EQ(c.run().text, "five");
  EXPECT_EQ(c.generator.scored.size(), 1U);
}

std::function<std::string(const GenerateRequest&, int64_t)> say(std::vector<std::string> texts) {
  return [texts = std::move(texts)](const GenerateRequest&, int64_t sample) {
    return texts.at(static_cast<size_t>(sample));
  };
}

TEST(SelfConsistency, TheMajorityWins) {
  const struct {
    std::vector<std::string> samples;
    const char* expected;
  } rows[] = {
      {{"a", "b", "b.", "c", "B"}, "b"},
      {{"a", "b", "c", "d", "e"}, "a"},  // all equal: the first
      {{"b", "a", "A", "B", "c"}, "b"},  // two and two: the one drawn first
      {{"서울", "부산", "부산.", "서울", "부산"}, "부산"},
      {{"", "x", "x", "", "x"}, "x"},
  };
  for (const bool adaptive : {false, true}) {
    for (const auto& row : rows) {
      Case c{.strategy = {.kind = "self-consistency", .samples = 5, .adaptive = adaptive}};
      c.generator.text = say(row.samples);
      EXPECT_EQ(c.run().text, row.expected) << "adaptive " << adaptive;
      ASSERT_EQ(c.generator.requests.size(), 1U);  // one prefill
      EXPECT_EQ(c.generator.requests[0].samples, 5);
      EXPECT_EQ(c.generator.requests[0].sampler.temperature, 0.7);
      EXPECT_EQ(c.generator.requests[0].sampler.top_k, 3);
    }
  }
}

TEST(SelfConsistency, StopsOnceNoOtherAnswerCanWin) {
  const struct {
    std::vector<std::string> samples;
    size_t counted;
  } rows[] = {
      {{"a", "a", "a", "b", "b"}, 3},
      {{"a", "b", "a", "a", "b"}, 4},
      {{"a", "a", "b", "b", "a"}, 5},
      {{"a", "b", "c", "d", "e"}, 5},
  };
  for (const auto& row : rows) {
    Case c{.strategy = {.kind = "self-consistency", .samples = 5}};
    c.generator.text = say(row.samples);
    const Answer answer = c.run();
    EXPECT_EQ(answer.text, "a");
    EXPECT_EQ(answer.trace.size(), row.counted + 1);  // the samples and the vote
    EXPECT_EQ(answer.trace.back().stage, "vote");
  }
}

TEST(Strategies, ErrorsNameTheField) {
  const auto make = [](StrategyConfig config) {
    return error_text([&] { make_strategy(config); });
  };
  EXPECT_THAT(make({.kind = "triple"}),
              HasSubstr("'triple'; expected one of single, two-stage, self-consistency"));
  EXPECT_THAT(make({.kind = "self-consistency", .samples = 1}), HasSubstr("samples is 1"));
  EXPECT_THAT(make({.kind = "self-consistency", .samples = 65}), HasSubstr("2 to 64"));
  EXPECT_THAT(make({.kind = "self-consistency", .temperature = 0}), HasSubstr("temperature"));
  EXPECT_THAT(make({.kind = "two-stage", .reasoning_tokens_max = 0}),
              HasSubstr("reasoning_tokens_max is 0"));
  Case c{.strategy = {.kind = "two-stage"}};
  EXPECT_THAT(error_text([&] { c.run(); }), HasSubstr("try style = \"cot\""));
  EXPECT_EQ(strategy_registry().size(), 5U);
}

TEST(Strategies, ErrorsOfTheGeneratorComeThrough) {
  for (const StrategyInfo& info : strategy_registry()) {
    Case c{.strategy = {.kind = std::string(info.kind)}, .prompt = {.style = "cot"}};
    c.generator.follows_schemas = true;
    c.evidence = {Evidence{.text = "It is so."}};
    c.generator.text = [](const auto&, int64_t) -> std::string {
      throw Error(ErrorCode::kResourceExhausted, "no room");
    };
    EXPECT_EQ(error_text([&] { c.run(); }, ErrorCode::kResourceExhausted), "no room") << info.kind;
  }
}

// ---- map-reduce ----

struct MapReduceCase : Case {
  MapReduceCase() {
    strategy = {.kind = "map-reduce", .batch_tokens = 20};  // two pieces: each counts as 10
    generator.follows_schemas = true;
    for (int i = 0; i < 5; ++i) {
      Evidence piece;
      piece.chunk_id = i == 4 ? -9 : i + 1;
      if (i == 4) piece.sources = {{"d4", "", 40, 0, 3, "The"}};
      piece.title = "T" + std::to_string(i);
      piece.text = "Text " + std::to_string(i) + ".";
      evidence.push_back(piece);
    }
  }
  static bool maps(const GenerateRequest& request) { return !request.json_schema.empty(); }
  static std::string user(const GenerateRequest& request) {
    return std::get<Prompt>(request.prompt).messages.back().content;
  }
};

TEST(MapReduce, TheBestPointsOfAllBatchesMakeTheAnswer) {
  MapReduceCase c;
  c.generator.text = [&](const GenerateRequest& request, int64_t) -> std::string {
    if (!c.maps(request)) return "It is both.";
    if (c.user(request).find("Text 0") != std::string::npos) {
      return R"({"points":[{"text":"weak text","score":10,"ids":[1]},{"text":"none text","score":0,"ids":[1]}]})";
    }
    if (c.user(request).find("Text 2") != std::string::npos) {
      return R"({"points":[{"text":"strong text","score":90,"ids":[7,2]},{"text":"unproved text","score":99,"ids":[9]}]})";
    }
    return "I would rather not";
  };
  const Answer answer = c.run();
  EXPECT_EQ(answer.text, "It is both.");
  EXPECT_FALSE(answer.refused);
  ASSERT_EQ(c.generator.requests.size(), 4U);  // three batches of 2, 2 and 1
  EXPECT_THAT(c.user(c.generator.requests[0]), HasSubstr("1. (T0) Text 0.\n\n2. (T1) Text 1."));
  EXPECT_EQ(c.generator.requests[1].sources, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(c.generator.requests[2].sources, (std::vector<int64_t>{40}));
  const std::string reduced = c.user(c.generator.requests[3]);
  EXPECT_THAT(reduced, HasSubstr("Passage (T3):\nstrong text\n\nPassage (T0):\nweak text\n"));
  EXPECT_THAT(reduced, Not(HasSubstr("none text")));
  EXPECT_THAT(reduced, Not(HasSubstr("unproved")));
  EXPECT_THAT(reduced, Not(HasSubstr("Text 0")));
  EXPECT_EQ(c.generator.requests[3].tokens_max, 9);
  EXPECT_EQ(answer.usage.prompt_tokens, 40);
  EXPECT_EQ(answer.usage.completion_tokens, 12);
  ASSERT_EQ(answer.trace.size(), 4U);
  EXPECT_EQ(answer.trace[2].stage, "map");
  EXPECT_THAT(answer.trace[2].text, HasSubstr("no points: I would rather not"));
  EXPECT_EQ(answer.trace[3].stage, "reduce");
  EXPECT_EQ(answer.milliseconds_to_first_token, 7);  // of the longest map, then 2
}

TEST(MapReduce, OnlyWhatFitsIsReduced) {
  MapReduceCase c;
  c.strategy.reduce_tokens = 20;
  int number = 0;
  c.generator.text = [&](const GenerateRequest& request, int64_t) -> std::string {
    if (!c.maps(request)) return "Yes.";
    ++number;
    return R"({"points":[{"text":"text point )" + std::to_string(number) + R"(","score":)" +
           std::to_string(number) + R"(,"ids":[1]}]})";
  };
  c.run();
  const std::string reduced = c.user(c.generator.requests.back());
  EXPECT_THAT(reduced, HasSubstr("point 3"));
  EXPECT_THAT(reduced, HasSubstr("point 2"));
  EXPECT_THAT(reduced, Not(HasSubstr("point 1")));
}

TEST(MapReduce, NothingLeftIsTheRefusal) {
  for (const char* said :
       {"", "{", "[]", "{\"points\":[]}", "{\"points\":7}", "{\"points\":[3]}",
        R"({"points":[{"text":"x text","score":0,"ids":[1]}]})",
        R"({"points":[{"text":"x text","score":"9","ids":[1]}]})",
        R"({"points":[{"text":"x text","score":9,"ids":[0,-1,1e99]}]})",
        R"({"points":[{"text":"The lamps are lit at dusk.","score":90,"ids":[1]}]})",
        R"({"points":[{"text":"x text","score":9,"ids":[1)"}) {
    MapReduceCase c;
    c.generator.text = [&](const auto&, int64_t) { return std::string(said); };
    std::string streamed;
    c.on_text = [&](const StreamEvent& event) {
      streamed += event.text;
      return true;
    };
    const Answer answer = c.run();
    EXPECT_TRUE(answer.refused) << said;
    EXPECT_EQ(answer.text, kRefusal);
    EXPECT_EQ(streamed, kRefusal);
    EXPECT_EQ(c.generator.requests.size(), 3U);
  }
  MapReduceCase none;
  none.evidence.clear();
  EXPECT_TRUE(none.run().refused);
  EXPECT_TRUE(none.generator.requests.empty());
}

TEST(MapReduce, NeedsAModelThatFollowsASchema) {
  MapReduceCase c;
  c.generator.follows_schemas = false;
  EXPECT_THAT(error_text([&] { c.run(); }, ErrorCode::kUnsupported), HasSubstr("follows none"));
  for (StrategyConfig wrong : {StrategyConfig{.kind = "map-reduce", .batch_tokens = 0},
                               StrategyConfig{.kind = "map-reduce", .points_tokens_max = -1},
                               StrategyConfig{.kind = "map-reduce", .reduce_tokens = 0}}) {
    EXPECT_THAT(error_text([&] { make_strategy(wrong); }), HasSubstr("expected 1 or more"));
  }
}

}  // namespace
}  // namespace ondol::prompt
