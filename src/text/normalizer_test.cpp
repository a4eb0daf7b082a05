#include "text/normalizer.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/unicode.h"

namespace ondol::text {
namespace {

std::string normalized(const NormalizerStep& step, std::string_view text) {
  return Normalizer({step}).apply(text);
}

TEST(Normalizer, CompatibilityForms) {
  EXPECT_EQ(nfkc(U"\uFB01\uFF21\u2460\u3392\u00BD"), U"fiA1MHz1\u20442");
  // The example of UAX #15, figure 6: a long s with a dot above, then a dot below.
  EXPECT_EQ(nfkd(U"\u1E9B\u0323"), U"s\u0323\u0307");
  EXPECT_EQ(nfkc(U"\u1E9B\u0323"), U"\u1E69");
  EXPECT_EQ(nfc(U"\u1E9B\u0323"), U"\u1E9B\u0323");
  EXPECT_EQ(nfkc(U"\u1112\u1161\u11AB \uFFA1"), U"\uD55C \u1100");  // half-width Hangul
  EXPECT_EQ(nfkd(U"\uFB2C"), U"\u05E9\u05BC\u05C1");
  EXPECT_EQ(normalized({.kind = NormalizerKind::kNfkc}, "\xFF\xEF\xBC\xA1\xFE"),
            "\xFF"
            "A\xFE");
}

TEST(Normalizer, StepsOfTheirOwn) {
  using Kind = NormalizerKind;
  EXPECT_EQ(normalized({.kind = Kind::kNmt},
                       "a\tb\x01\xE2\x80\x8B"
                       "c\x7F\xE2\x96\x81"),
            "a b c"
            " ");
  EXPECT_EQ(normalized({.kind = Kind::kLowercase}, "AB\xC3\x84\xC4\xB0\xFF"),
            "ab\xC3\xA4i\xCC\x87\xFF");
  EXPECT_EQ(normalized({.kind = Kind::kStripAccents}, "e\xCC\x81\xE0\xA4\xBE"), "e");
  EXPECT_EQ(normalized({.kind = Kind::kPrepend, .to = "_"}, "a"), "_a");
  EXPECT_EQ(normalized({.kind = Kind::kPrepend, .to = "_"}, ""), "");
  EXPECT_EQ(normalized({.kind = Kind::kReplace, .from = "aa", .to = "b"}, "aaaxa"), "baxa");
  EXPECT_EQ(normalized({.kind = Kind::kReplaceSpaces, .to = "_"}, " a  b   \t  "), " a_b_\t_");
  EXPECT_EQ(normalized({.kind = Kind::kReplaceWhite, .to = "_"}, " a\xC2\xA0\n b"), "_a_b");
  EXPECT_THROW(normalized({.kind = Kind::kReplace, .to = "b"}, "a"), Error);
}

TEST(Normalizer, StripTakesWhiteSpaceOffTheEndsAskedFor) {
  const auto strip = [](std::string_view text, bool left, bool right) {
    return normalized({.kind = NormalizerKind::kStrip, .left = left, .right = right}, text);
  };
  EXPECT_EQ(strip(" \n a b\xE3\x80\x80 ", true, true), "a b");
  EXPECT_EQ(strip(" a ", true, false), "a ");
  EXPECT_EQ(strip(" a ", false, true), " a");
  EXPECT_EQ(strip(" a ", false, false), " a ");
  EXPECT_EQ(strip("  ", true, true), "");
  EXPECT_EQ(strip("  ", false, true), "");
  EXPECT_EQ(strip("  ", true, false), "");
  EXPECT_EQ(strip("", true, true), "");
}

}  // namespace
}  // namespace ondol::text
