#include "text/pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "base/error.h"
#include "text/number_automaton.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

bool holds(const CodeAutomaton& texts, const std::string& text) {
  return texts.accepts(to_codes(text));
}

struct Case {
  std::string pattern;
  std::vector<std::string> in, out;
};

TEST(Pattern, HoldsWhatItMatchesAnywhere) {
  const std::vector<Case> cases = {
      {"b", {"b", "abc"}, {"", "ac"}},
      {"^b", {"b", "bc"}, {"ab"}},
      {"b$", {"b", "ab"}, {"bc"}},
      {"^(a|b)*$", {"", "abba"}, {"abc"}},
      {"^A|B|C$", {"Ax", "xBx", "xC"}, {"xA", "Cx"}},
      {"^a{2}b{1,2}c{2,}$", {"aabcc", "aabbccc"}, {"abcc", "aabbbcc", "aabc"}},
      {"^a{,3}$", {"a{,3}"}, {"aaa", ""}},
      {"^[^a-c\\d_]$", {"d", "é", "-"}, {"b", "5", "_", ""}},
      {"^[\\w-]+$", {"a-Z_9"}, {"a b", ""}},
      {"^[a-\\d]$", {"a", "-", "7"}, {"b"}},
      {"^\\S\\s\\D\\W$", {"a b!", "- x "}, {"  b!", "ab5!"}},
      {"^.$", {"a", "한", "😀"}, {"\n", "ab", ""}},
      {"^\\x41\\u00e9\\u{1F600}\\ud83d\\ude00\\/\\-\\.$", {"Aé😀😀/-."}, {"A"}},
      {"^(?:x|(?<name>y))+?z??$", {"x", "xyxz"}, {"z"}},
      {"(^a|b)c$", {"ac", "xbc"}, {"xac"}},
      {"^(?!no)[a-z]+$", {"yes", "on"}, {"no", "nothing"}},
      {"^(?=.*[0-9])(?=.*[a-z]).{3,5}$", {"ab1", "1b222"}, {"abc", "123", "a1", "a12345"}},
      {"", {"", "anything"}, {}},
      {"^$", {""}, {"a"}},
      {"$^", {""}, {"a"}},
      {"a|^$", {"", "bab"}, {"b"}},
  };
  for (const Case& each : cases) {
    const CodeAutomaton texts = pattern_automaton(each.pattern);
    for (const auto& text : each.in) EXPECT_TRUE(holds(texts, text)) << each.pattern << " " << text;
    for (const auto& text : each.out) {
      EXPECT_FALSE(holds(texts, text)) << each.pattern << " " << text;
    }
  }
}

// Random patterns and texts against the standard library's ECMAScript.
TEST(Pattern, AgreesWithAnotherEngine) {
  std::mt19937 random(3);
  const auto one_of = [&](const std::vector<std::string>& all) {
    return all[random() % all.size()];
  };
  for (int round = 0; round < 400; ++round) {
    std::string pattern = one_of({"", "^"});
    for (size_t parts = 1 + random() % 4; parts > 0; --parts) {
      pattern += one_of({"a", "b", "[ab]", "[^a]", "(a|bc)", "(?:ab)", ".", "(^b|c)", "(a|b$)"});
      pattern += one_of({"", "*", "+", "?", "{2}", "{1,2}", "*?"});
      if (parts > 1) pattern += one_of({"", "", "|"});
    }
    pattern += one_of({"", "$"});
    const CodeAutomaton texts = pattern_automaton(pattern);
    const std::regex other(pattern, std::regex::ECMAScript);
    for (int i = 0; i < 40; ++i) {
      std::string text;
      for (size_t n = random() % 7; n > 0; --n) text += "abc"[random() % 3];
      EXPECT_EQ(holds(texts, text), std::regex_search(text, other)) << pattern << " " << text;
    }
  }
}

TEST(Pattern, WhatIsNotSupportedIsNamed) {
  const auto expect = [](const std::string& pattern, ErrorCode code, const std::string& part) {
    try {
      pattern_automaton(pattern);
      ADD_FAILURE() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  expect("a(?!b)c", ErrorCode::kUnsupported, "look-around");
  expect("(?<=a)b", ErrorCode::kUnsupported, "look-around");
  expect("\\bword", ErrorCode::kUnsupported, "\\b");
  expect("(a)\\1", ErrorCode::kUnsupported, "\\1");
  expect("\\p{L}", ErrorCode::kUnsupported, "\\p");
  expect("(?i)a", ErrorCode::kUnsupported, "(?");
  expect("\\ud800", ErrorCode::kUnsupported, "no character");
  expect("(a", ErrorCode::kInvalidArgument, "')'");
  expect("a)", ErrorCode::kInvalidArgument, "'('");
  expect("[a", ErrorCode::kInvalidArgument, "class without end");
  expect("[z-a]", ErrorCode::kInvalidArgument, "from high to low");
  expect("*a", ErrorCode::kInvalidArgument, "repetition of nothing");
  expect("a**", ErrorCode::kInvalidArgument, "repetition of a repetition");
  expect("a{3,1}", ErrorCode::kInvalidArgument, "n < m");
  expect("\\", ErrorCode::kInvalidArgument, "at the end");
  expect("\\xg1", ErrorCode::kInvalidArgument, "hexadecimal");
  expect("a{99999}", ErrorCode::kResourceExhausted, "10000");
  expect("((a{1000}){1000}){1000}", ErrorCode::kResourceExhausted, "too large");
  expect("[ab]*a[ab]{40}$", ErrorCode::kResourceExhausted, "states");
  expect(std::string(5000, '('), ErrorCode::kResourceExhausted, "groups in groups");
  expect("\xff", ErrorCode::kInvalidArgument, "UTF-8");
}

TEST(CodeAutomaton, SetsCombineLikeSets) {
  const CodeAutomaton a = pattern_automaton("^[ab]*$"), b = CodeAutomaton::lengths(2, 3);
  const CodeAutomaton c = CodeAutomaton::strings({U"ab", U"abc", U"", U"b", U"한"});
  std::vector<std::u32string> texts = {U"", U"한", U"한국"};
  for (const char32_t x : U"abc") {
    for (const char32_t y : U"abc") {
      texts.push_back({x, y});
      for (const char32_t z : U"abc") texts.push_back({x, y, z});
    }
  }
  for (const std::u32string& text : texts) {
    const bool in_a = a.accepts(text), in_b = b.accepts(text), in_c = c.accepts(text);
    EXPECT_EQ(in_b, text.size() == 2 || text.size() == 3);
    EXPECT_EQ(both(a, b).accepts(text), in_a && in_b);
    EXPECT_EQ(either(a, c).accepts(text), in_a || in_c);
    EXPECT_EQ(without(a, c).accepts(text), in_a && !in_c);
    EXPECT_EQ(without(CodeAutomaton::everything(), c).accepts(text), !in_c);
  }
  EXPECT_TRUE(both(c, CodeAutomaton::lengths(7, kRepeatMax)).states.empty());
  EXPECT_TRUE(without(c, CodeAutomaton::everything()).states.empty());
  EXPECT_TRUE(CodeAutomaton::nothing().empty());
  EXPECT_FALSE(c.empty());
}

// Every number of a grid against every bound, by value.
TEST(NumberAutomaton, ComparesLikeNumbers) {
  std::vector<std::string> texts = {"0.0", "-0.5", "1e2", "12.50", "99.999", "100.0001", "0.005"};
  for (int i = -130; i <= 130; ++i) texts.push_back(std::to_string(i));
  for (int i = -45; i <= 45; ++i) {
    texts.push_back((i < 0 ? "-" : "") + std::to_string(std::abs(i) / 10) + "." +
                    std::to_string(std::abs(i) % 10));
  }
  const std::vector<std::string> bounds = {"0",    "1",    "-1",  "9",   "10",  "-10",
                                           "99",   "100",  "-5",  "0.5", "1.5", "2.05",
                                           "-2.5", "-100", "1e2", "0.05"};
  for (const std::string& bound : bounds) {
    const double limit = std::stod(bound);
    for (const bool excluded : {false, true}) {
      const Bound each{*decimal_of(bound), excluded};
      const CodeAutomaton least = number_automaton({.min = {each}});
      const CodeAutomaton most = number_automaton({.max = {each}});
      const CodeAutomaton whole = number_automaton({.integer = true, .min = {each}});
      for (const std::string& text : texts) {
        const double value = std::stod(text);
        const bool exponent = text.find('e') != std::string::npos;
        if (exponent && limit != 0) continue;  // written without one
        if (text.starts_with("-0") && value == 0) continue;
        EXPECT_EQ(holds(least, text), excluded ? value > limit : value >= limit) << text << bound;
        EXPECT_EQ(holds(most, text), excluded ? value < limit : value <= limit) << text << bound;
        const bool digits = text.find_first_of(".e") == std::string::npos;
        EXPECT_EQ(holds(whole, text), digits && (excluded ? value > limit : value >= limit))
            << text << bound;
      }
    }
  }
}

TEST(NumberAutomaton, FormatsAndMultiples) {
  const CodeAutomaton integer = number_automaton({.integer = true});
  for (const char* text : {"0", "7", "-7", "1234567890123456", "-1234567890123456"}) {
    EXPECT_TRUE(holds(integer, text)) << text;
  }
  for (const char* text : {"-0", "00", "01", "1.0", "1e3", "+1", "", "-", "12345678901234567"}) {
    EXPECT_FALSE(holds(integer, text)) << text;
  }
  const CodeAutomaton number = number_automaton({});
  for (const char* text : {"0", "-0.5", "1e5", "1.25E-289", "3.0", "10e+08"}) {
    EXPECT_TRUE(holds(number, text)) << text;
  }
  for (const char* text : {"1e400", ".5", "1.", "1e", "--1", "0x1", "1e290", "01"}) {
    EXPECT_FALSE(holds(number, text)) << text;
  }
  const CodeAutomaton sevens =
      number_automaton({.integer = true, .multiple_of = {*decimal_of("7")}});
  const CodeAutomaton cents = number_automaton({.multiple_of = {*decimal_of("0.01")}});
  for (int i = -60; i < 60; ++i) {
    EXPECT_EQ(holds(sevens, std::to_string(i)), i % 7 == 0) << i;
  }
  for (const char* text : {"1", "1.5", "-1.25", "1.250"}) EXPECT_TRUE(holds(cents, text)) << text;
  EXPECT_FALSE(holds(cents, "1.255"));
  EXPECT_THROW(number_automaton({.multiple_of = {*decimal_of("0.3")}}), Error);
  EXPECT_THROW(number_automaton({.multiple_of = {*decimal_of("0")}}), Error);
  const Bound far{*decimal_of("1e300")}, below{*decimal_of("-1e300")};
  EXPECT_TRUE(holds(number_automaton({.min = {below}, .max = {far}}), "12"));
  EXPECT_TRUE(number_automaton({.min = {far}}).states.empty());
  EXPECT_TRUE(
      holds(number_automaton({.integer = true, .max = {{*decimal_of("9223372036854775807")}}}),
            "9223372036854775807"));
  EXPECT_FALSE(
      holds(number_automaton({.integer = true, .max = {{*decimal_of("9223372036854775807")}}}),
            "9223372036854775808"));
}

TEST(Decimal, IsTheNumberWrittenOut) {
  const auto text = [](const char* number) {
    const auto d = decimal_of(number);
    return !d ? "none" : (d->negative ? "-" : "") + d->whole + "." + d->fraction;
  };
  EXPECT_EQ(text("12.50"), "12.5");
  EXPECT_EQ(text("-0.0"), "0.");
  EXPECT_EQ(text("1.5e3"), "1500.");
  EXPECT_EQ(text("125e-2"), "1.25");
  EXPECT_EQ(text("-1e-3"), "-0.001");
  EXPECT_EQ(text("007"), "7.");
  for (const char* bad : {"", "-", "1e", "1e+", "x", "1.2.3", "1e99999", "1e+-3", "1 "}) {
    EXPECT_EQ(text(bad), "none") << bad;
  }
}

}  // namespace
}  // namespace ondol::text
