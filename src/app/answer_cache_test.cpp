#include "app/answer_cache.h"

#include <gmock/gmock.h>

#include <thread>

#include "app/test_support.h"

namespace ondol::app {
namespace {

using testing::TempFolder;

Answer answer_of(const std::string& text) {
  Answer answer;
  answer.text = text;
  answer.refused = text.size() % 2 == 1;
  answer.choice_log_likelihoods = {-1.25, -0.1};
  answer.usage = {.prompt_tokens = 7, .completion_tokens = 3, .cached_tokens = 1};
  answer.milliseconds = 12.5;
  answer.milliseconds_to_first_token = 3.25;
  answer.finish_reason = "length";
  answer.trace = {{"generate", "a\n\"b\"", 2.5}};
  return answer;
}

void expect_same(const std::optional<Answer>& got, const Answer& expected) {
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->text, expected.text);
  EXPECT_EQ(got->refused, expected.refused);
  EXPECT_EQ(got->choice_log_likelihoods, expected.choice_log_likelihoods);
  EXPECT_EQ(got->usage.prompt_tokens, expected.usage.prompt_tokens);
  EXPECT_EQ(got->usage.completion_tokens, expected.usage.completion_tokens);
  EXPECT_EQ(got->usage.cached_tokens, expected.usage.cached_tokens);
  EXPECT_EQ(got->milliseconds, expected.milliseconds);
  EXPECT_EQ(got->milliseconds_to_first_token, expected.milliseconds_to_first_token);
  EXPECT_EQ(got->finish_reason, expected.finish_reason);
  ASSERT_EQ(got->trace.size(), expected.trace.size());
  EXPECT_EQ(got->trace[0].text, expected.trace[0].text);
}

TEST(AnswerCache, KeepsAnswersBetweenRuns) {
  const TempFolder folder;
  const auto file = folder.path() / "new" / "answers.jsonl";
  {
    AnswerCache cache(file);
    EXPECT_FALSE(cache.find("k1").has_value());
    cache.put("k1", answer_of("first"));
    cache.put("k2", answer_of("온돌\n\"quoted\"\\ \t"));
    cache.put("k1", answer_of("again"));  // the last one wins
    cache.put_text("cost", "[1,2]");
    expect_same(cache.find("k1"), answer_of("again"));
  }
  const AnswerCache cache(file);
  expect_same(cache.find("k1"), answer_of("again"));
  expect_same(cache.find("k2"), answer_of("온돌\n\"quoted\"\\ \t"));
  EXPECT_EQ(cache.find_text("cost"), "[1,2]");
  EXPECT_FALSE(cache.find("cost").has_value());  // no answer
  EXPECT_FALSE(cache.find("k3").has_value());
}

TEST(AnswerCache, BytesThatAreNoCharacterAreReplaced) {
  const TempFolder folder;
  const auto file = folder.path() / "answers.jsonl";
  AnswerCache(file).put("k", answer_of("a\xFF"));
  EXPECT_EQ(AnswerCache(file).find("k")->text, "a\xEF\xBF\xBD");
}

TEST(AnswerCache, ATornLineCostsOneAnswerOnly) {
  const TempFolder folder;
  const auto file = folder.path() / "answers.jsonl";
  { AnswerCache(file).put("k1", answer_of("one")); }
  const size_t one = read_file(file).size();
  { AnswerCache(file).put("k2", answer_of("two")); }
  const std::string whole = read_file(file);
  // Cut everywhere in the last line, also before its line end.
  for (size_t size = one; size < whole.size(); ++size) {
    write_file_atomic(file, whole.substr(0, size));
    {
      AnswerCache cache(file);
      expect_same(cache.find("k1"), answer_of("one"));
      EXPECT_EQ(cache.find("k2").has_value(), size == whole.size() - 1) << size;
      cache.put("k3", answer_of("three"));
    }
    const AnswerCache again(file);
    expect_same(again.find("k1"), answer_of("one"));
    expect_same(again.find("k3"), answer_of("three"));
  }
}

TEST(AnswerCache, DamagedLinesAreSkipped) {
  const TempFolder folder;
  const auto file = folder.path() / "answers.jsonl";
  { AnswerCache(file).put("k", answer_of("kept")); }
  const std::string good = read_file(file);
  const std::string rows[] = {"",
                              "\n",
                              "null\n",
                              "[]\n",
                              "{}\n",
                              "{\"key\": 1, \"value\": {}}\n",
                              "{\"key\": null, \"value\": 3}\n",
                              "{\"key\": \"k\"}\n",
                              "not json\n",
                              std::string("\0\0\0\n", 4),
                              "\xFF\xFE\n",
                              "{\"key\": \"other\", \"value\": {\"text\": 7}}\n",
                              std::string(100'000, '[') + "\n"};
  for (const std::string& row : rows) {
    write_file_atomic(file, row + good + row);
    const AnswerCache cache(file);
    expect_same(cache.find("k"), answer_of("kept"));
    EXPECT_FALSE(cache.find("other").has_value());
  }
}

TEST(AnswerCache, ThreadsAndTwoProgramsMayWrite) {
  const TempFolder folder;
  const auto file = folder.path() / "answers.jsonl";
  {
    AnswerCache first(file), second(file);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        AnswerCache& cache = t % 2 ? first : second;
        for (int i = 0; i < 50; ++i) {
          const std::string key = std::to_string(t) + "-" + std::to_string(i);
          cache.put(key, answer_of(key));
          EXPECT_EQ(cache.find(key)->text, key);
        }
      });
    }
  }
  const AnswerCache cache(file);
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 50; ++i) {
      const std::string key = std::to_string(t) + "-" + std::to_string(i);
      expect_same(cache.find(key), answer_of(key));
    }
  }
}

TEST(AnswerCache, SaysWhereItCannotWrite) {
  const TempFolder folder;
  write_file_atomic(folder.path() / "file", "x");
  EXPECT_THAT(testing::error_text([&] { AnswerCache(folder.path() / "file" / "answers.jsonl"); },
                                  ErrorCode::kResourceExhausted),
              ::testing::HasSubstr("answers.jsonl"));
  EXPECT_THAT(
      testing::error_text([&] { AnswerCache(folder.path()); }, ErrorCode::kResourceExhausted),
      ::testing::HasSubstr("cannot write"));
}

}  // namespace
}  // namespace ondol::app
