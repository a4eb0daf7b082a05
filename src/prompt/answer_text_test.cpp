#include "prompt/answer_text.h"

#include <gtest/gtest.h>

namespace ondol::prompt {
namespace {

TEST(ExtractAnswer, Table) {
  const struct {
    const char *text, *marker, *expected;
  } rows[] = {
      {"Paris", "", "Paris"},
      {"  Paris.\n\nIt is large.", "", "Paris."},
      {"\n\n\"Paris\"\n", "", "Paris"},
      {"**Paris**", "", "Paris"},
      {"The answer is 42.", "", "42."},
      {"the final answer is: 42", "", "42"},
      {"Therefore, the answer is blue", "", "blue"},
      {"Answer: \"25 days\"", "", "25 days"},
      {"The answer isn't in the text", "", "The answer isn't in the text"},
      {"The answer isolates", "", "The answer isolates"},
      {"The answer is", "", ""},
      {"", "", ""},
      {" \n ", "", ""},
      {"First 2, then 3.\nAnswer: 5", "Answer:", "5"},
      {"Answer: 1. No. Answer: 2\nSure.", "Answer:", "2"},
      {"no marker here\nsecond line", "Answer:", "no marker here"},
      {"so\nAnswer:", "Answer:", ""},
      {"서울", "", "서울"},
      {"먼저 생각하면\nAnswer: 서울입니다.\n끝", "Answer:", "서울입니다."},
  };
  for (const auto& row : rows) EXPECT_EQ(extract_answer(row.text, row.marker), row.expected);
}

TEST(SaysUnknown, Table) {
  const std::pair<const char*, bool> rows[] = {
      {"The documents do not say.", true},
      {"THE PASSAGE DOES NOT SAY HOW", true},
      {"I don't know.", true},
      {"It is not mentioned in the passages", true},
      {"This cannot be answered.", true},
      {"알 수 없습니다.", true},
      {"문서에 나와 있지 않습니다.", true},
      {"잘 모르겠습니다", true},
      {"25 days", false},
      {"He did not go.", false},
      {"", false},
      {"서울입니다.", false},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(says_unknown(text), expected) << text;
  EXPECT_TRUE(says_unknown(kRefusal));
}

TEST(VoteKey, Table) {
  const std::pair<const char*, const char*> rows[] = {
      {"Paris", "paris"},
      {" paris. ", "paris"},
      {"25  days!", "25 days"},
      {"New-York", "new york"},
      {"...", ""},
      {"", ""},
      {"서울.", "서울"},
      {"서울 특별시", "서울 특별시"},
      {"Café", "café"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(vote_key(text), expected) << text;
}

}  // namespace
}  // namespace ondol::prompt
