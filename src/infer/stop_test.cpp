#include "infer/stop.h"

#include <gtest/gtest.h>

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

TEST(StopFilter, TheEarliestStopStringWins) {
  StopFilter filter({"long stop", "op"});
  EXPECT_EQ(filter.push("a long stop"), "a long st");
  EXPECT_TRUE(filter.stopped());
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
