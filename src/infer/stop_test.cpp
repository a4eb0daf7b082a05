#include "infer/stop.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ondol {
namespace {

TEST(StopFilter, HoldsBackWhatMayBecomeAStopString) {
  StopFilter filter({"</end>", "\n\n"});
  EXPECT_EQ(filter.push("abc</"), "abc");
  EXPECT_EQ(filter.push("e"), "");
  EXPECT_EQ(filter.push("x"), "</ex");  // it was not the stop string after all
  EXPECT_EQ(filter.push("\n"), "");
  EXPECT_EQ(filter.push("\nrest"), "");
  EXPECT_TRUE(filter.stopped());
  EXPECT_EQ(filter.push("more"), "");
  EXPECT_EQ(filter.text(), "abc</ex");
}

// In one piece, byte by byte, and in every two pieces.
void expect_text(const std::vector<std::string>& stops, const std::string& bytes,
                 const std::string& expected, bool stopped) {
  for (size_t cut = 0; cut <= bytes.size() + 1; ++cut) {
    StopFilter filter(stops);
    if (cut > bytes.size()) {
      for (const char byte : bytes) filter.push(std::string_view(&byte, 1));
    } else {
      filter.push(bytes.substr(0, cut));
      filter.push(bytes.substr(cut));
    }
    EXPECT_EQ(filter.stopped(), stopped) << cut;
    filter.finish();
    EXPECT_EQ(filter.text(), expected) << "cut at " << cut;
  }
}

TEST(StopFilter, TheStringCompletedFirstEndsTheText) {
  expect_text({"long stop", "op"}, "a long stop", "a ", true);  // both at once: the longer one
  expect_text({"abcd", "bc"}, "xabcd", "xa", true);
  expect_text({"bc", "abcd"}, "xabcd", "xa", true);
  expect_text({"cd", "b"}, "abcd", "a", true);
  expect_text({"aab"}, "aaab", "a", true);
  expect_text({"끝"}, "온돌끝.", "온돌", true);
  expect_text({"끝", "zz"}, "온돌z", "온돌z", false);
}

TEST(StopFilter, BytesThatAreNoCharacterAreReplaced) {
  const std::string r = "\xEF\xBF\xBD";
  expect_text({},
              "a\xFF"
              "b",
              "a" + r + "b", false);
  expect_text({}, "\x80\x80", r + r, false);
  expect_text({},
              "\xEC\x98"
              "a",
              r + "a", false);  // a character that does not go on
  expect_text({}, "\xEC\xEC\x98\xA8", r + "온", false);
  expect_text({}, "\xED\xA0\x80", r + r + r, false);  // a surrogate
  expect_text({}, "\xF0\x9F\x94", r, false);
}

TEST(StopFilter, ShowsWholeCharactersOnly) {
  StopFilter filter({});
  const std::string text = "온돌🔥";
  std::string shown;
  for (char byte : text) {
    const std::string piece = filter.push(std::string_view(&byte, 1));
    EXPECT_TRUE(piece.empty() || piece.size() >= 3);
    shown += piece;
  }
  EXPECT_EQ(shown, text);
  EXPECT_EQ(filter.finish(), "");
}

TEST(StopFilter, ACutCharacterAtTheEndIsReplaced) {
  StopFilter filter({});
  EXPECT_EQ(filter.push("a\xEC\x98"), "a");
  EXPECT_EQ(filter.finish(), "\xEF\xBF\xBD");
}

TEST(StopFilter, WhatIsHeldIsGivenAtTheEnd) {
  StopFilter filter({"stop"});
  EXPECT_EQ(filter.push("do not sto"), "do not ");
  EXPECT_EQ(filter.finish(), "sto");
  EXPECT_EQ(filter.text(), "do not sto");
}

}  // namespace
}  // namespace ondol
