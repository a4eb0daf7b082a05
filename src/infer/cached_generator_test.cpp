#include "infer/cached_generator.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "infer/test_support.h"

namespace ondol {
namespace {

using testing::tiny_generator;

class MemoryOutputs final : public OutputCache {
 public:
  std::map<std::string, std::string> rows;
  std::vector<int64_t> last_sources;
  std::optional<std::string> find(const std::string& key) override {
    const auto row = rows.find(key);
    return row == rows.end() ? std::nullopt : std::optional(row->second);
  }
  void put(const std::string& key, const std::string& value,
           std::span<const int64_t> sources) override {
    rows[key] = value;
    last_sources.assign(sources.begin(), sources.end());
  }
};

GenerateRequest request(const std::string& text, int64_t tokens = 6) {
  GenerateRequest one;
  one.prompt = RawText{text};
  one.tokens_max = tokens;
  return one;
}

TEST(CachedGenerator, AsksOnceAndRemembersTheSame) {
  const auto base = tiny_generator();
  MemoryOutputs outputs;
  CachedGenerator model(*base, &outputs);
  GenerateRequest first = request("abc");
  first.sources = {7, 9};
  const GenerateResult asked = model.generate(first);
  EXPECT_EQ(outputs.last_sources, (std::vector<int64_t>{7, 9}));
  const GenerateResult again = model.generate(request("abc"));
  EXPECT_EQ(again.samples.at(0).text, asked.samples.at(0).text);
  EXPECT_EQ(again.samples.at(0).finish_reason, asked.samples.at(0).finish_reason);
  EXPECT_EQ(model.spent().calls, 1);
  EXPECT_EQ(model.spent().remembered, 1);
  const GenerationSpent once = model.spent();
  model.set_recall(false);
  model.generate(request("abc"));
  EXPECT_EQ(model.spent().calls, 2);
  model.set_recall(true);
  model.generate(request("abc"));
  EXPECT_EQ(model.spent().calls, 2);
  EXPECT_EQ(once.tokens(), asked.usage.prompt_tokens + asked.usage.completion_tokens);
}

TEST(CachedGenerator, AnythingThatDecidesTheAnswerIsInTheKey) {
  const auto base = tiny_generator();
  std::vector<GenerateRequest> all(8, request("abc"));
  all[1].prompt = RawText{"abd"};
  all[2].prompt = Prompt{.messages = {{"user", "abc", {}}}};
  all[3].tokens_max = 7;
  all[4].stop = {"x"};
  all[5].sampler.temperature = 0.5;
  all[6].sampler.seed = 3;
  all[7].json_schema = "{}";
  std::map<std::string, int> keys;
  for (const GenerateRequest& one : all) ++keys[output_key(*base, one)];
  EXPECT_EQ(keys.size(), all.size());
  GenerateRequest streamed = request("abc");
  streamed.on_text = [](const StreamEvent&) { return true; };
  EXPECT_EQ(output_key(*base, streamed), "");
}

TEST(CachedGenerator, WhatIsNotARowOfOursIsAskedAgain) {
  const auto base = tiny_generator();
  MemoryOutputs outputs;
  for (const char* broken : {"", "{", "[]", "{\"text\": 3, \"reason\": \"stop\"}"}) {
    outputs.rows[output_key(*base, request("abc"))] = broken;
    CachedGenerator model(*base, &outputs);
    EXPECT_FALSE(model.recall(request("abc")));
    EXPECT_FALSE(model.generate(request("abc")).samples.at(0).finish_reason.empty());
    EXPECT_EQ(model.spent().calls, 1) << broken;
  }
}

TEST(CachedGenerator, StopsBeforeALimitIsPassed) {
  const auto base = tiny_generator();
  CachedGenerator calls(*base, nullptr, {.calls_max = 2});
  calls.generate(request("a"));
  calls.generate(request("b"));
  EXPECT_THROW(calls.generate(request("c")), Error);
  CachedGenerator tokens(*base, nullptr, {.tokens_max = 20});
  EXPECT_THROW(tokens.generate(request("abc", 40)), Error);
  EXPECT_NO_THROW(tokens.generate(request("abc", 4)));
  // What could pass it together is refused while the first still runs.
  const int64_t prompt = base->count_tokens(RawText{"abc"});
  CachedGenerator both(*base, nullptr, {.tokens_max = prompt + 8});
  const auto running = both.submit(request("abc", 8));
  EXPECT_THROW(both.submit(request("abd", 8)), Error);
}

TEST(CachedGenerator, ADryRunCountsAndAsksNothing) {
  const auto base = tiny_generator();
  MemoryOutputs outputs;
  CachedGenerator(*base, &outputs).generate(request("known"));
  const auto rows = outputs.rows;
  CachedGenerator dry(*base, &outputs, {.tokens_max = 1, .dry = true});
  EXPECT_EQ(dry.generate(request("new", 9)).samples.at(0).finish_reason, "dry");
  dry.generate(request("known"));
  EXPECT_EQ(dry.spent().calls, 1);
  EXPECT_EQ(dry.spent().remembered, 1);
  EXPECT_EQ(dry.spent().prompt_tokens, base->count_tokens(RawText{"new"}));
  EXPECT_EQ(dry.spent().completion_tokens, 9);
  EXPECT_EQ(outputs.rows, rows);
}

TEST(CachedGenerator, ScoresAreCountedLimitedAndDry) {
  const auto base = tiny_generator();
  CachedGenerator counted(*base, nullptr, {.calls_max = 1});
  const ScoreRequest one{.prompt = RawText{"abc"}, .continuations = {"d", "e"}};
  EXPECT_EQ(counted.score(one).size(), 2u);
  EXPECT_GT(counted.spent().tokens(), 2);
  EXPECT_THROW(counted.score(one), LimitReached);
  CachedGenerator dry(*base, nullptr, {.dry = true});
  EXPECT_EQ(dry.score(one).at(1).log_likelihood, 0.0);
  EXPECT_EQ(dry.spent().calls, 1);
}

TEST(CachedGenerator, WhatIsNotToBeRememberedIsAskedAgain) {
  const auto base = tiny_generator();
  MemoryOutputs outputs;
  CachedGenerator model(*base, &outputs);
  GenerateRequest once = request("abc");
  once.remember = false;
  model.generate(once);
  model.generate(once);
  EXPECT_TRUE(outputs.rows.empty());
  EXPECT_EQ(model.spent().calls, 2);
}

TEST(LocalGenerator, AJsonSchemaIsFollowedLikeItsMask) {
  const auto base = tiny_generator();
  GenerateRequest one = request("abc", 40);
  one.json_schema = R"({"type": "array", "items": {"enum": ["ab", "c"]}, "maxItems": 2})";
  const std::string text = base->generate(one).samples.at(0).text;
  EXPECT_TRUE(text.starts_with("[") && text.ends_with("]")) << text;
  EXPECT_EQ(base->generate(one).samples.at(0).text, text);
  one.json_schema = "{\"type\": 3}";
  EXPECT_THROW(base->generate(one), Error);
}

}  // namespace
}  // namespace ondol
