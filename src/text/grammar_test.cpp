#include "text/grammar.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "text/gbnf.h"
#include "text/grammar_matcher.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

using Builder = GrammarBuilder;

std::shared_ptr<const Grammar> one_rule(Builder& b, Builder::Expr expr) {
  const auto root = b.add_rule("root");
  b.define(root, expr);
  return b.build(root);
}

std::string utf8(char32_t code) {
  std::string out;
  append_utf8(out, code);
  return out;
}

// Every code point near an edge of UTF-8, in and outside of a range.
TEST(Grammar, CodePointsAreTheirUtf8) {
  const std::vector<char32_t> edges = {
      0,       1,        0x7F,    0x80, 0x7FF, 0x800,  0xFFF,   0x1000,  0xD7FF,  0xE000,  0xFFFF,
      0x10000, 0x10FFFF, 0x3FFFF, 'a',  0xE9,  0xAC00, 0x1F600, 0x40000, 0xFFFFF, 0x100000};
  for (const char32_t low : edges) {
    for (const char32_t high : edges) {
      if (low > high) continue;
      Builder b;
      const auto grammar = one_rule(b, b.one_of({{low, high}}));
      for (const char32_t at : edges) {
        for (const int step : {-1, 0, 1}) {
          const char32_t code = at + static_cast<char32_t>(step);
          if (code > kCodeMax || (code >= 0xD800 && code <= 0xDFFF)) continue;
          EXPECT_EQ(matches(grammar, utf8(code)), low <= code && code <= high)
              << uint32_t{low} << " " << uint32_t{high} << " " << uint32_t{code};
        }
      }
    }
  }
}

TEST(Grammar, RangesAreSortedJoinedAndWithoutSurrogates) {
  EXPECT_EQ(normal_ranges({{'d', 'f'}, {'a', 'c'}, {'x', 'b'}}),
            (std::vector<CodeRange>{{'a', 'f'}}));
  EXPECT_EQ(normal_ranges({{0xD000, 0xE000}}),
            (std::vector<CodeRange>{{0xD000, 0xD7FF}, {0xE000, 0xE000}}));
  EXPECT_EQ(other_ranges({{0, 0xD7FF}}), (std::vector<CodeRange>{{0xE000, kCodeMax}}));
  EXPECT_TRUE(other_ranges({{0, kCodeMax}}).empty());
  EXPECT_EQ(other_ranges(other_ranges({{'b', 'q'}})), (std::vector<CodeRange>{{'b', 'q'}}));
}

TEST(Grammar, RepetitionsAreExactWrittenOutAndCounted) {
  for (const uint32_t min : {0U, 1U, 2U, 30U, 70U}) {
    for (const uint32_t max : {1U, 2U, 31U, 70U, 71U, 300U, kRepeatMax}) {
      if (max < min) continue;
      Builder b;
      // Two bytes or three: a body of several states.
      const auto body = b.choice({b.literal("ab"), b.literal("abc")});
      const auto grammar =
          one_rule(b, b.sequence({b.literal("<"), b.repeat(body, min, max), b.literal(">")}));
      for (const uint32_t n :
           {0U, 1U, 2U, 3U, 29U, 30U, 31U, 32U, 69U, 70U, 71U, 72U, 299U, 300U, 301U, 400U}) {
        std::string text = "<";
        for (uint32_t i = 0; i < n; ++i) text += i % 3 == 0 ? "abc" : "ab";
        EXPECT_EQ(matches(grammar, text + ">"), min <= n && n <= max)
            << min << " " << max << " " << n;
      }
    }
  }
}

TEST(Grammar, ACountedBodyMayBeEmpty) {
  const auto grammar = parse_gbnf("root ::= \"<\" ([a-z0-9]{0,40}){50,60} \">\"");
  EXPECT_TRUE(matches(grammar, "<>"));
  EXPECT_TRUE(matches(grammar, "<" + std::string(2400, 'x') + ">"));
  EXPECT_FALSE(matches(grammar, "<" + std::string(2401, 'x') + ">"));
}

TEST(Grammar, WhatCannotEndIsNotBegun) {
  const auto grammar = parse_gbnf(
      "root ::= \"a\" endless | \"b\" | \"c\" none | \"d\" half\n"
      "endless ::= \"x\" endless\nnone ::= []\nhalf ::= \"e\" none | \"f\"\n");
  GrammarMatcher matcher(grammar);
  EXPECT_EQ(matcher.next().count(), 2U);
  EXPECT_TRUE(matcher.accept("d"));
  EXPECT_EQ(matcher.forced(10), "f");
  EXPECT_FALSE(matcher.accept("e"));
  EXPECT_TRUE(matcher.accept("f"));
  EXPECT_TRUE(matcher.may_end());
}

TEST(Grammar, ForcedTextGoesOnUntilAChoiceOrAnEnd) {
  GrammarMatcher matcher(
      parse_gbnf("root ::= \"{\\\"name\\\":\" [ab] \"}\" tail?\ntail ::= \"!\""));
  EXPECT_EQ(matcher.forced(100), "{\"name\":");
  EXPECT_EQ(matcher.forced(3), "{\"n");
  EXPECT_TRUE(matcher.accept("{\"name\":a"));
  EXPECT_EQ(matcher.forced(100), "}");
  EXPECT_FALSE(matcher.accept("}x"));
  EXPECT_TRUE(matcher.accept("}"));
  EXPECT_TRUE(matcher.may_end());
  EXPECT_EQ(matcher.forced(100), "");
}

// Nested far deeper than any stack of calls would take.
TEST(Grammar, NestingHasNoLimitOfItsOwn) {
  const auto grammar = parse_gbnf("root ::= \"(\" root? \")\" \"!\"*");
  const std::string open(50'000, '('), close(50'000, ')');
  EXPECT_TRUE(matches(grammar, open + close));
  EXPECT_FALSE(matches(grammar, open + close + ")"));
  EXPECT_FALSE(matches(grammar, open));
}

TEST(Grammar, LongTextsStayWithinMemory) {
  const auto grammar = parse_gbnf("root ::= item*\nitem ::= \"(\" item* \")\" | [a-z]\n");
  GrammarMatcher matcher(grammar);
  for (int i = 0; i < 300'000; ++i) ASSERT_TRUE(matcher.accept(i % 3 == 0 ? "((" : "a)"));
}

void expect_exhausted(const std::string& source, const std::string& text) {
  const auto grammar = parse_gbnf(source);
  try {
    GrammarMatcher(grammar).accept(text);
    ADD_FAILURE() << source;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted) << error.what();
  }
}

TEST(Grammar, TooManyWaysToReadAreAnError) {
  expect_exhausted("root ::= x | y | \"a\"\nx ::= \"a\" root \"b\"\ny ::= \"a\" root \"c\"\n",
                   std::string(60, 'a'));
}

TEST(Grammar, AmbiguityThatMeetsAgainIsNone) {
  const auto grammar =
      parse_gbnf("root ::= (a | b | c)*\na ::= \"x\"\nb ::= \"xx\"\nc ::= \"x\" a\n");
  EXPECT_TRUE(matches(grammar, std::string(10'000, 'x')));
}

// A pattern whose joined states would be 2^18: they stay apart.
TEST(Grammar, JoinsStatesOnlyAsFarAsThatStaysSmall) {
  const auto grammar = parse_gbnf("root ::= [ab]* \"a\" [ab]{18} \"!\"");
  EXPECT_LT(grammar->states(), 20'000U);
  std::string text = "abbabbabbbaabababbaaababba";
  for (int i = 0; i < 8; ++i, text = text.substr(1)) {
    EXPECT_EQ(matches(grammar, text + "!"), text[text.size() - 19] == 'a') << text;
  }
}

TEST(Grammar, SatisfiableIsAskedWithoutAnError) {
  Builder b;
  const auto root = b.add_rule("root"), other = b.add_rule("other"), loop = b.add_rule("loop");
  b.define(root, b.choice({b.call(loop), b.nothing()}));
  b.define(loop, b.sequence({b.literal("x"), b.call(loop)}));
  b.define(other, b.empty());
  EXPECT_FALSE(b.satisfiable(root));
  EXPECT_TRUE(b.satisfiable(other));
}

}  // namespace
}  // namespace ondol::text
