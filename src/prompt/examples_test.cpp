#include "prompt/examples.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "prompt/test_support.h"

namespace ondol::prompt {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using Ids = std::vector<std::string>;

std::vector<Example> examples() {
  std::vector<Example> all;
  for (const char* question : {"aaaa", "bbbb", "aabb", "cccc", "abcd", "zzzz", "aaab"}) {
    all.push_back({"q" + std::to_string(all.size()), question, "yes", {}});
  }
  return all;
}

Ids chosen(const ExampleSelector& selector, const Query& query) {
  Ids ids;
  for (const Example* example : selector.select(query)) ids.push_back(example->id);
  return ids;
}

TEST(Examples, FixedAreTheFirstOnes) {
  const ExampleSelector selector(examples(), {.shots = 3, .select = "fixed"}, nullptr);
  EXPECT_EQ(chosen(selector, {.text = "zzzz"}), (Ids{"q2", "q1", "q0"}));
  const ExampleSelector none(examples(), {.shots = 0}, nullptr);
  EXPECT_TRUE(none.select({.text = "x"}).empty());
}

TEST(Examples, RandomFollowsItsSeed) {
  const auto of_seed = [](uint64_t seed) {
    return chosen(
        ExampleSelector(examples(), {.shots = 4, .select = "random", .seed = seed}, nullptr),
        {.text = "x"});
  };
  std::set<Ids> different;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Ids ids = of_seed(seed);
    EXPECT_EQ(of_seed(seed), ids);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 4U);
    different.insert(ids);
  }
  EXPECT_GT(different.size(), 10U);
}

TEST(Examples, TheNearestStandsLast) {
  testing::LetterEmbedder embedder;
  const ExampleSelector selector(examples(), {.shots = 3, .select = "nearest"}, &embedder);
  EXPECT_EQ(embedder.texts_embedded, 7);
  EXPECT_EQ(chosen(selector, {.text = "a"}), (Ids{"q2", "q6", "q0"}));
  EXPECT_EQ(chosen(selector, {.text = "bb"}).back(), "q1");
  EXPECT_EQ(chosen(selector, {.text = "zz"}).back(), "q5");
}

TEST(Examples, AQuestionNeverSeesItself) {
  testing::LetterEmbedder embedder;
  for (const char* select : {"fixed", "random", "nearest"}) {
    const ExampleSelector selector(examples(), {.shots = 6, .select = select}, &embedder);
    for (const Example& example : examples()) {
      const Ids ids = chosen(selector, {.id = example.id, .text = example.question});
      EXPECT_EQ(ids.size(), 6U);
      EXPECT_EQ(std::count(ids.begin(), ids.end(), example.id), 0) << select;
    }
  }
}

TEST(Examples, Errors) {
  const auto make = [](PromptConfig config) {
    return error_text([&] { ExampleSelector(examples(), config, nullptr); });
  };
  EXPECT_THAT(make({.shots = 8}), HasSubstr("shots is 8; the train split has 7"));
  EXPECT_THAT(make({.shots = -1}), HasSubstr("shots is -1"));
  EXPECT_THAT(make({.shots = 1, .select = "best"}), HasSubstr("select is 'best'; expected fixed"));
  EXPECT_THAT(make({.shots = 1, .select = "nearest"}), HasSubstr("needs an embedder"));
}

}  // namespace
}  // namespace ondol::prompt
