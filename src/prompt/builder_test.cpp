#include "prompt/builder.h"

#include <gmock/gmock.h>

#include "prompt/test_support.h"

namespace ondol::prompt {
namespace {

using testing::error_text;
using ::testing::HasSubstr;

const std::vector<Evidence> kEvidence = {
    {.document = "b.md", .title = "B", .text = "second", .ordinal = 0, .score = 9},
    {.document = "a.md", .title = "A", .heading = "Two", .text = "first, later", .ordinal = 4},
    {.document = "a.md", .title = "A", .heading = "A", .text = "first", .ordinal = 1},
    {.document = "c.md", .text = "third", .ordinal = 0},
};
constexpr const char* kPassages =
    "Passage (A):\nfirst\n\nPassage (A > Two):\nfirst, later\n\nPassage (B):\nsecond\n\n"
    "Passage (c.md):\nthird\n\n";

const std::vector<Example> kExamples = {{"e1", "One?", "1", {}}, {"e2", "Two?", "2", {"2", "3"}}};

using Messages = std::vector<std::pair<std::string, std::string>>;
Messages messages_of(const Prompt& prompt) {
  Messages all;
  for (const auto& message : prompt.messages) all.emplace_back(message.role, message.content);
  return all;
}

TEST(Builder, PassagesStandInTheOrderOfTheDocuments) {
  EXPECT_EQ(passages_text(kEvidence), kPassages);
  EXPECT_EQ(passages_text({}), "");
}

TEST(Builder, OrderOfSystemExamplesHistoryAndQuestion) {
  const PromptBuilder builder({.system = "Be brief.",
                               .user_template = "{passages}Question: {question}{choices}",
                               .shots = 2},
                              kExamples, nullptr);
  const Query query{.text = "Which?",
                    .choices = {"x", "y"},
                    .history = {{"user", "Before?", {}}, {"assistant", "That.", {}}}};
  EXPECT_EQ(messages_of(builder.build(query, kEvidence)),
            (Messages{{"system", "Be brief."},
                      {"user", "Question: Two?\nChoices:\n- 2\n- 3"},
                      {"assistant", "2"},
                      {"user", "Question: One?"},
                      {"assistant", "1"},
                      {"user", "Before?"},
                      {"assistant", "That."},
                      {"user", std::string(kPassages) + "Question: Which?\nChoices:\n- x\n- y"}}));
}

TEST(Builder, StylesHaveTheirOwnTexts) {
  for (const Style& style : styles()) {
    const PromptBuilder builder({.style = std::string(style.name)}, {}, nullptr);
    const Prompt bare = builder.build({.text = "Why?"}, {});
    EXPECT_EQ(bare.messages.front().content, style.system);
    EXPECT_EQ(bare.messages.back().content, "Question: Why?");
    EXPECT_EQ(bare.prefill, style.prefill);
    EXPECT_EQ(builder.build({.text = "Why?"}, kEvidence).messages.front().content,
              style.system_grounded);
    EXPECT_EQ(&builder.style(), &find_style(style.name));
  }
  const PromptBuilder cot({.style = "cot", .shots = 1}, kExamples, nullptr);
  EXPECT_EQ(cot.build({.text = "Why?"}, {}).messages[2].content, "Answer: 1");
}

TEST(Builder, TemplatesOfTheRecipe) {
  const PromptBuilder builder({.system = "You are {name}. {{strict}}",
                               .user_template = "{question} [{passages}] {choices}",
                               .variables = {{"name", "Kim"}}},
                              {}, nullptr);
  EXPECT_EQ(messages_of(builder.build({.text = "{name}?"}, {})),
            (Messages{{"system", "You are Kim. {strict}"}, {"user", "{name}? [] "}}));
}

TEST(Builder, ChoicesAreScoredAfterPlainText) {
  const PromptBuilder bare({}, {}, nullptr);
  EXPECT_EQ(bare.build_for_choices({.text = "Which?", .choices = {"x", "y"}}, {}).text,
            "Question: Which?\nAnswer:");
  const PromptBuilder builder({.shots = 2}, kExamples, nullptr);
  EXPECT_EQ(builder.build_for_choices({.text = "Which?"}, kEvidence).text,
            std::string(kPassages) + "Question: Two?\nAnswer: 2\n\nQuestion: One?\nAnswer: 1\n\n" +
                "Question: Which?\nAnswer:");
}

TEST(Builder, ErrorsComeBeforeTheFirstQuestion) {
  const auto make = [](PromptConfig config) {
    return error_text([&] { PromptBuilder(config, {}, nullptr); });
  };
  EXPECT_THAT(make({.style = "cott"}), HasSubstr("style is 'cott'; expected one of direct, cot"));
  EXPECT_THAT(make({.system = "{nobody}"}), HasSubstr("unknown variable '{nobody}'"));
  EXPECT_THAT(make({.user_template = "{question"}), HasSubstr("never closed"));
  EXPECT_THAT(make({.shots = 1}), HasSubstr("the train split has 0"));
}

}  // namespace
}  // namespace ondol::prompt
