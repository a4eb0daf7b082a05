#include "prompt/text_template.h"

#include <gmock/gmock.h>

#include "prompt/test_support.h"

namespace ondol::prompt {
namespace {

using ::testing::HasSubstr;

TEST(TextTemplate, FillsVariables) {
  const std::map<std::string, std::string> values = {
      {"question", "Why?"}, {"passages", ""}, {"brace", "{question}"}, {"이름", "온돌"}};
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"{question}", "Why?"},
      {"{passages}Question: {question}", "Question: Why?"},
      {"{question}{question}", "Why?Why?"},
      {"{{question}}", "{question}"},
      {"{{{question}}}", "{Why?}"},
      {"{{}}", "{}"},
      {"{brace}", "{question}"},  // values are not looked at again
      {"안녕 {이름}", "안녕 온돌"},
  };
  for (const auto& [source, expected] : rows) {
    EXPECT_EQ(fill_template(source, values), expected) << source;
  }
}

TEST(TextTemplate, ErrorsNameTheHole) {
  const std::map<std::string, std::string> values = {{"question", ""}, {"passages", ""}};
  const std::pair<const char*, const char*> rows[] = {
      {"{contexts}", "unknown variable '{contexts}'; known: {passages}, {question}"},
      {"{}", "unknown variable '{}'"},
      {"{ question }", "unknown variable '{ question }'"},
      {"ab{question", "'{' at byte 2 is never closed"},
      {"{", "'{' at byte 0 is never closed"},
      {"a}b", "'}' at byte 1 closes nothing"},
      {"{question}}", "'}' at byte 10 closes nothing"},
  };
  for (const auto& [source, expected] : rows) {
    EXPECT_THAT(testing::error_text([&, s = source] { fill_template(s, values); }),
                HasSubstr(expected))
        << source;
  }
}

}  // namespace
}  // namespace ondol::prompt
