#include "text/unicode.h"

#include <gtest/gtest.h>

#include <string>

#include "text/tokenizer.h"  // complete_utf8_prefix
#include "text/utf8.h"

namespace ondol::text {
namespace {

using enum GeneralCategory;

TEST(Unicode, VersionIsPinned) { EXPECT_STREQ(unicode_version(), "16.0.0"); }

TEST(Unicode, CategoriesOfKnownCharacters) {
  struct Row {
    char32_t code;
    GeneralCategory category;
  };
  const Row rows[] = {
      {0, kCc},        {' ', kZs},       {'A', kLu},     {'z', kLl},      {'5', kNd},
      {'_', kPc},      {'-', kPd},       {'(', kPs},     {')', kPe},      {'!', kPo},
      {'+', kSm},      {'$', kSc},       {'^', kSk},     {0xA6, kSo},     {0xAB, kPi},
      {0xBB, kPf},     {0xB2, kNo},      {0x2163, kNl},  {0x1C5, kLt},    {0x2B0, kLm},
      {0xAC00, kLo},   {0x301, kMn},     {0x903, kMc},   {0x20DD, kMe},   {0x2028, kZl},
      {0x2029, kZp},   {0x200D, kCf},    {0xD800, kCs},  {0xE000, kCo},   {0x378, kCn},
      {0x1C89, kLu},   {0x1F600, kSo},   {0x31350, kLo}, {0x10FFFF, kCn}, {0x10FFFD, kCo},
      {0x110000, kCn}, {0xFFFFFFFF, kCn}};
  for (const Row& row : rows) {
    EXPECT_EQ(general_category(row.code), row.category) << std::hex << uint32_t{row.code};
  }
}

TEST(Unicode, WhiteSpaceHasTwentyFiveCharacters) {
  size_t count = 0;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) count += is_white_space(code) ? 1 : 0;
  EXPECT_EQ(count, 25U);  // PropList.txt 16.0
  EXPECT_TRUE(is_white_space(0x85));
  EXPECT_FALSE(is_white_space(0x1C));
  EXPECT_FALSE(is_white_space(0x200B));
}

TEST(Unicode, CountsOfLettersAndNumbers) {
  size_t letters = 0, numbers = 0;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    letters += is_letter(code) ? 1 : 0;
    numbers += is_number(code) ? 1 : 0;
  }
  EXPECT_EQ(letters, 141028U);  // what \p{L} and \p{N} match in tokenizers 0.23
  EXPECT_EQ(numbers, 1911U);
}

TEST(Unicode, LowerCase) {
  EXPECT_EQ(simple_lower('A'), U'a');
  EXPECT_EQ(simple_lower('['), U'[');
  EXPECT_EQ(simple_lower(0xC9), char32_t{0xE9});
  EXPECT_EQ(simple_lower(0xD7), char32_t{0xD7});  // the multiplication sign between two capitals
  EXPECT_EQ(simple_lower(0x100), char32_t{0x101});
  EXPECT_EQ(simple_lower(0x101), char32_t{0x101});  // inside a range of every second letter
  EXPECT_EQ(simple_lower(0x3A3), char32_t{0x3C3});
  EXPECT_EQ(simple_lower(0x1E9E), char32_t{0xDF});
  EXPECT_EQ(simple_lower(0x212A), U'k');
  EXPECT_EQ(simple_lower(0x10D50), char32_t{0x10D70});
  EXPECT_EQ(simple_lower(0xAC00), char32_t{0xAC00});
}

TEST(Unicode, NormalForms) {
  struct Row {
    std::u32string text, nfd, nfc;
  };
  const Row rows[] = {
      {U"abc", U"abc", U"abc"},
      {U"\u00e9", U"e\u0301", U"\u00e9"},
      {U"e\u0301", U"e\u0301", U"\u00e9"},
      {U"\u1ec7", U"e\u0323\u0302", U"\u1ec7"},
      {U"e\u0302\u0323", U"e\u0323\u0302", U"\u1ec7"},  // marks change places first
      {U"q\u0307\u0323", U"q\u0323\u0307", U"q\u0323\u0307"},
      {U"e\u0301\u0301", U"e\u0301\u0301", U"\u00e9\u0301"},  // the second is blocked
      {U"\uac01", U"\u1100\u1161\u11a8", U"\uac01"},
      {U"\u1100\u1161", U"\u1100\u1161", U"\uac00"},
      {U"\uac00\u11a8", U"\u1100\u1161\u11a8", U"\uac01"},
      {U"\uac00\u11a7", U"\u1100\u1161\u11a7", U"\uac00\u11a7"},
      {U"\u212b", U"A\u030a", U"\u00c5"},             // singleton
      {U"\u0958", U"\u0915\u093c", U"\u0915\u093c"},  // excluded from composition
      {U"\u0301a", U"\u0301a", U"\u0301a"},
      {U"\ufb01", U"\ufb01", U"\ufb01"},  // compatibility forms stay
      {U"\U000110ab", U"\U000110a5\U000110ba", U"\U000110ab"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(nfd(row.text), row.nfd) << to_utf8(row.text);
    EXPECT_EQ(nfc(row.text), row.nfc) << to_utf8(row.text);
    EXPECT_EQ(nfc_utf8(to_utf8(row.text)), to_utf8(row.nfc));
  }
}

TEST(Unicode, NormalFormsAreStableForEveryCharacter) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    const std::u32string apart = nfd(std::u32string(1, code));
    const std::u32string together = nfc(std::u32string(1, code));
    ASSERT_EQ(nfd(apart), apart) << std::hex << uint32_t{code};
    ASSERT_EQ(nfc(together), together) << std::hex << uint32_t{code};
    ASSERT_EQ(nfd(together), apart) << std::hex << uint32_t{code};
    ASSERT_EQ(nfc(apart), together) << std::hex << uint32_t{code};
  }
}

TEST(Unicode, NfcKeepsBytesThatAreNotUtf8) {
  EXPECT_EQ(nfc_utf8("e\xFF\xCC\x81"), "e\xFF\xCC\x81");  // the accent does not reach over 0xFF
  EXPECT_EQ(nfc_utf8("e\xCC\x81\xC3"), "\xC3\xA9\xC3");
}

TEST(Utf8, ReadsOnlyWellFormedCharacters) {
  struct Row {
    std::string bytes;
    char32_t code;
    uint32_t size;
  };
  const Row rows[] = {
      {"a", U'a', 1},
      {"\xC3\xA9", 0xE9, 2},
      {"\xEA\xB0\x80", 0xAC00, 3},
      {"\xF0\x9F\x98\x80", 0x1F600, 4},
      {"\xF4\x8F\xBF\xBF", 0x10FFFF, 4},
      {"\x80", kInvalidUtf8, 1},
      {"\xC0\x80", kInvalidUtf8, 1},          // overlong
      {"\xE0\x9F\xBF", kInvalidUtf8, 1},      // overlong
      {"\xED\xA0\x80", kInvalidUtf8, 1},      // surrogate
      {"\xF4\x90\x80\x80", kInvalidUtf8, 1},  // above U+10FFFF
      {"\xE2\x82", kInvalidUtf8, 1},          // cut short
      {"\xC3(", kInvalidUtf8, 1},
      {"\xFF", kInvalidUtf8, 1},
  };
  for (const Row& row : rows) {
    const Utf8Char c = read_utf8(row.bytes, 0);
    EXPECT_EQ(c.code, row.code) << ::testing::PrintToString(row.bytes);
    EXPECT_EQ(c.size, row.size) << ::testing::PrintToString(row.bytes);
    EXPECT_EQ(is_utf8(row.bytes), row.code != kInvalidUtf8);
    if (row.code != kInvalidUtf8) {
      EXPECT_EQ(to_utf8(std::u32string(1, row.code)), row.bytes);
    }
  }
}

TEST(Utf8, CompletePrefixHoldsBackOnlyWhatMayBeFinished) {
  struct Row {
    std::string bytes;
    size_t prefix;
  };
  const Row rows[] = {
      {"", 0},
      {"abc", 3},
      {"a\xC3", 1},
      {"a\xC3\xA9", 3},
      {"\xEA", 0},
      {"\xEA\xB0", 0},
      {"\xEA\xB0\x80", 3},
      {"x\xF0\x9F\x98", 1},
      {"x\xF0\x9F\x98\x80", 5},
      {"x\xF0", 1},
      {"\x80\x80\x80", 3},  // never becomes a character
      {"a\xFF", 2},
      {"a\xC0", 2},
      {"\xE0\x80", 2},  // overlong whatever follows
      {"\xED\xA0", 2},  // a surrogate whatever follows
      {"\xC3\xC3", 1},
      {"\xF0\x9F\xC3", 2},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(complete_utf8_prefix(row.bytes), row.prefix) << ::testing::PrintToString(row.bytes);
  }
}

}  // namespace
}  // namespace ondol::text
