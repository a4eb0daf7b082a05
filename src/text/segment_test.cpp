#include "text/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace ondol::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> cut(const std::string& text, const std::vector<Span>& spans) {
  std::vector<std::string> out;
  for (const Span& s : spans) out.push_back(text.substr(s.from, s.to - s.from));
  return out;
}

TEST(Segment, WordsOfManyScripts) {
  const Segmenter segmenter;
  const struct {
    std::string text;
    std::vector<std::string> words;
  } rows[] = {
      {"", {}},
      {" -- !? ", {}},
      {"The oven's door, 3.5 kg!", {"The", "oven's", "door", "3.5", "kg"}},
      {"mp3 and 23–16", {"mp3", "and", "23", "16"}},
      {"2015년의 온돌은 따뜻하다.", {"2015", "년의", "온돌은", "따뜻하다"}},
      {"黑豹队的防守丢了308分", {"黑豹队的防守丢了", "308", "分"}},
      {"東京タワーへ", {"東京タワーへ"}},
      {"привет мир", {"привет", "мир"}},
      {"KB국민은행", {"KB", "국민은행"}},
      {"1,234 eggs", {"1,234", "eggs"}},
      {"cafe\xCC\x81 x", {"cafe\xCC\x81", "x"}},
  };
  for (const auto& row : rows) EXPECT_EQ(cut(row.text, segmenter.words(row.text)), row.words);
}

TEST(Segment, SentencesKeepAbbreviationsWhole) {
  const Segmenter segmenter;
  const std::string english = "Dr. Kim heats the floor.  It costs 3.5 won! Does it? Yes.\n";
  EXPECT_THAT(cut(english, segmenter.sentences(english)),
              ElementsAre("Dr. Kim heats the floor.", "It costs 3.5 won!", "Does it?", "Yes."));
  const std::string korean = "온돌은 따뜻하다. 겨울에 쓴다.";
  EXPECT_THAT(cut(korean, segmenter.sentences(korean)),
              ElementsAre("온돌은 따뜻하다.", "겨울에 쓴다."));
  const std::string chinese = "黑豹队输了。野马队赢了！";
  EXPECT_THAT(cut(chinese, segmenter.sentences(chinese)),
              ElementsAre("黑豹队输了。", "野马队赢了！"));
  EXPECT_TRUE(segmenter.sentences(" \n\t ").empty());
}

TEST(Segment, FoldingIsTheSameForEqualLookingText) {
  EXPECT_EQ(fold_for_search("ＯＮＤＯＬ"), "ondol");
  EXPECT_EQ(fold_for_search("Straße"), "strasse");
  EXPECT_EQ(fold_for_search("6½"), "61⁄2");
  // Decomposed jamo become the syllable: macOS file names and text come that way.
  EXPECT_EQ(fold_for_search("\u1112\u1161\u11AB"), "한");
  EXPECT_EQ(normalize_nfc("\u1112\u1161\u11AB A"), "한 A");
  EXPECT_EQ(fold_for_search("so\u00ADft"), "soft");  // soft hyphen
}

TEST(Segment, Scripts) {
  EXPECT_EQ(script_of(U'a'), Script::kLatin);
  EXPECT_EQ(script_of(U'é'), Script::kLatin);
  EXPECT_EQ(script_of(U'7'), Script::kDigit);
  EXPECT_EQ(script_of(U'한'), Script::kHangul);
  EXPECT_EQ(script_of(U'漢'), Script::kHan);
  EXPECT_EQ(script_of(U'ー'), Script::kKana);
  EXPECT_EQ(script_of(U'я'), Script::kOther);
  EXPECT_EQ(script_of(U' '), Script::kCommon);
}

TEST(Segment, InvalidUtf8IsFoundWhereItIs) {
  const struct {
    std::string bytes;
    std::optional<size_t> offset;
  } rows[] = {
      {"", std::nullopt},      {"한국어 ok", std::nullopt},
      {"ab\xFFz", 2},          {"a\xC0\xAF", 1},
      {"\xED\xA0\x80", 0},     {"ab\xE2\x82", 2},
      {"\xF4\x90\x80\x80", 0}, {std::string("a\0b", 3), std::nullopt},
  };
  for (const auto& row : rows) EXPECT_EQ(invalid_utf8_offset(row.bytes), row.offset);
  EXPECT_THROW(Segmenter().words("a\xFF"), Error);
  EXPECT_THROW(fold_for_search("\xE2\x82"), Error);
}

TEST(Segment, Utf16BothWays) {
  const std::string little("A\0\x5C\xD5\x3D\xD8\x00\xDE", 8);  // A, U+D55C, U+1F600
  EXPECT_EQ(utf16_to_utf8(little, false), "A한\xF0\x9F\x98\x80");
  const std::string big("\0A\xD5\x5C\xD8\x3D\xDE\x00", 8);
  EXPECT_EQ(utf16_to_utf8(big, true), "A한\xF0\x9F\x98\x80");
  const struct {
    std::string bytes;
    const char* message;
  } rows[] = {
      {std::string("A\0B", 3), "byte 2"},
      {std::string("A\0\x3D\xD8", 4), "byte 2"},
      {std::string("A\0\x3D\xD8\x41\0", 6), "byte 2"},
      {std::string("\x00\xDE", 2), "byte 0"},
  };
  for (const auto& row : rows) {
    try {
      utf16_to_utf8(row.bytes, false);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), HasSubstr(row.message));
    }
  }
}

TEST(Segment, CodePointsComeBack) {
  std::string text;
  for (const char32_t c : {U'a', U'é', U'한', U'\U0001F600'}) append_code_point(text, c);
  EXPECT_EQ(count_code_points(text), 4u);
  size_t at = 0;
  EXPECT_EQ(next_code_point(text, at), U'a');
  EXPECT_EQ(next_code_point(text, at), U'é');
  EXPECT_EQ(next_code_point(text, at), U'한');
  EXPECT_EQ(next_code_point(text, at), U'\U0001F600');
  EXPECT_EQ(at, text.size());
}

}  // namespace
}  // namespace ondol::text
