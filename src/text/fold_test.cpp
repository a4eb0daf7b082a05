#include "text/fold.h"

#include <gtest/gtest.h>

namespace ondol::text {
namespace {

TEST(Fold, SameWordsBecomeSameBytes) {
  const struct {
    const char* in;
    const char* out;
  } rows[] = {
      {"ＡＢＣ Straße", "abc strasse"},
      {"１２３．５", "123.5"},
      {"\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국"},  // conjoining jamo
      {"ﬁnal", "final"},
      {"", ""},
      {"a\xff"
       "b",
       "a\uFFFD"
       "b"},
  };
  for (const auto& row : rows) EXPECT_EQ(nfkc_casefold(row.in), row.out) << row.in;
}

TEST(Fold, CodePointsRoundTrip) {
  const std::string text = "a한\U0001F600";
  const std::u32string points = to_code_points(text);
  EXPECT_EQ(points.size(), 3u);
  std::string back;
  for (const char32_t c : points) append_utf8(back, c);
  EXPECT_EQ(back, text);
}

TEST(Fold, PunctuationOfOtherScripts) {
  EXPECT_TRUE(is_punctuation(U'。'));
  EXPECT_TRUE(is_punctuation(U'.'));
  EXPECT_FALSE(is_punctuation(U'$'));
  EXPECT_FALSE(is_punctuation(U'가'));
}

}  // namespace
}  // namespace ondol::text
