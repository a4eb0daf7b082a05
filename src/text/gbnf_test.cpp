#include "text/gbnf.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/grammar_matcher.h"

namespace ondol::text {
namespace {

void expect_error(const std::string& source, ErrorCode code,
                  const std::vector<std::string>& parts) {
  try {
    parse_gbnf(source);
    ADD_FAILURE() << source.substr(0, 200);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << error.what() << "\nlacks " << part;
    }
  }
}

void expect_syntax(const std::string& source, const std::vector<std::string>& parts) {
  expect_error(source, ErrorCode::kInvalidArgument, parts);
}

TEST(Gbnf, ReadsEveryForm) {
  struct Case {
    std::string source;
    std::vector<std::string> accepted, refused;
  };
  const std::vector<Case> cases = {
      {"root ::= \"a\" | \"b\" # comment\n", {"a", "b"}, {"", "ab", "c"}},
      {"# first\n\nroot ::= x-1 x_2\nx-1 ::= \"1\"\r\nx_2 ::= \"2\"\r\n", {"12"}, {"1", "21"}},
      {"root ::= [a-c_\\]\\-] [^a-c\\n]", {"a1", "]-", "_d", "-\r"}, {"d1", "ab", "a\n", "a"}},
      {"root ::= [a-]", {"a", "-"}, {"b"}},
      {"root ::= .", {"x", "\n", "é", "한", "😀"}, {"", "xx", "\xff", "\xed\xa0\x80"}},
      {"root ::= \"\\x41\\u00e9\\U0001F600\\t\\\"\\\\\"", {"Aé😀\t\"\\"}, {"A"}},
      {"root ::= (\"a\" |\n  \"b\"\n)+ \"c\"?", {"a", "abac", "bc"}, {"", "c", "acc"}},
      {"root ::= \"ab\"{2} [0-9]{1,} \"x\"{ 0 , 2 }", {"abab1", "abab12xx"}, {"ab1", "abab1xxx"}},
      {"root ::= | \" \" | \"\\n\" [ \\t]{0,3}", {"", " ", "\n \t "}, {"\n    ", "  "}},
      {"root ::=\n  \"a\" |\n  \"b\"\n", {"a", "b"}, {"ab"}},
      {"root ::= \"a\"{2}{3}", {"aaaaaa"}, {"aa", "aaaaa", "aaaaaaa"}},
      {"root ::= \"a\"{0} \"b\"", {"b"}, {"ab"}},
      {"root ::= ( [x]* )*", {"", "x", "xx"}, {"y", "xy"}},
      {"root ::= \"\" empty\nempty ::= \"\"", {""}, {"a"}},
      {"root ::= [가-힣]+", {"온돌"}, {"온돌a", "\xec\x98"}},
  };
  for (const Case& each : cases) {
    const auto grammar = parse_gbnf(each.source);
    for (const auto& text : each.accepted) EXPECT_TRUE(matches(grammar, text)) << text;
    for (const auto& text : each.refused) EXPECT_FALSE(matches(grammar, text)) << text;
  }
}

TEST(Gbnf, ErrorsNameLineAndColumn) {
  expect_syntax("", {"no rule is called 'root'"});
  expect_syntax("start ::= \"a\"", {"no rule is called 'root'"});
  expect_syntax("root ::= \"a\"\nb = \"c\"", {"line 2, column 3", "'='", "::="});
  expect_syntax("root ::= \"a\"\nroot ::= \"b\"", {"line 2, column 1", "second definition"});
  expect_syntax("root ::= other", {"line 1, column 10", "'other'", "no definition"});
  expect_syntax("root ::= \"온돌", {"line 1, column 10", "no end"});
  expect_syntax("root ::= \"온돌\" )", {"line 1, column 15", "')'", "end of the line"});
  expect_syntax("root ::= (\"a\"", {"column 14", "end of the text", "')'"});
  expect_syntax("root ::= [a-c", {"column 10", "no end"});
  expect_syntax("root ::= [c-a]", {"column 11", "before its beginning"});
  expect_syntax("root ::= \"\\q\"", {"column 12", "'q'"});
  expect_syntax("root ::= \"\\x4\"", {"hexadecimal"});
  expect_syntax("root ::= \"\\uD800\"", {"no character"});
  expect_syntax("root ::= \"\\U00110000\"", {"no character"});
  expect_syntax("root ::= \"\xff\"", {"line 1, column 11", "not UTF-8"});
  expect_syntax("root ::= \"\\", {"an escape"});
  expect_syntax("root ::= \"a\"{", {"a number"});
  expect_syntax("root ::= \"a\"{3,2}", {"its most before its least"});
  expect_syntax("root ::= \"a\"{1", {"'}'"});
  expect_syntax("root ::= \"a\"{200000}", {"at most 100000"});
  expect_syntax("root ::= <think>", {"tokens in grammars are not supported"});
  expect_syntax("root ::= *", {"column 10", "'*'"});
  expect_syntax("::= \"a\"", {"column 1", "a name"});
}

TEST(Gbnf, LeftRecursionIsNamed) {
  expect_syntax("root ::= root \"a\" | \"a\"", {"left recursion", "'root' -> 'root'"});
  expect_syntax("root ::= x\nx ::= y \"a\"\ny ::= \"b\"? x | \"c\"", {"'x' -> 'y' -> 'x'"});
  expect_syntax("root ::= (root)* \"a\"", {"left recursion"});
  expect_syntax("root ::= (root \"abcdefgh\"){100}", {"left recursion", "root"});
  EXPECT_TRUE(matches(parse_gbnf("root ::= \"a\" root | \"a\""), "aaa"));
}

TEST(Gbnf, AGrammarWithoutSentencesIsRefused) {
  expect_syntax("root ::= []", {"no text satisfies 'root'"});
  expect_syntax("root ::= \"a\" root", {"no text satisfies 'root'"});
}

TEST(Gbnf, HostileSizesAreLimits) {
  std::string deep = "root ::= ";
  for (int i = 0; i < 100'000; ++i) deep += '(';
  expect_syntax(deep, {"groups in groups"});
  std::string chain = "root ::= \"a\"";
  for (int i = 0; i < 100'000; ++i) chain += '?';
  expect_error(chain, ErrorCode::kResourceExhausted, {"parts in parts"});
  expect_error(std::string(2 << 20, ' '), ErrorCode::kResourceExhausted, {"bytes"});
  // Numbers multiply; what counts does not.
  const auto counted = parse_gbnf("root ::= ((\"abc\"{100000}){100000}){100000}");
  EXPECT_LT(counted->states(), 1000U);
  EXPECT_TRUE(GrammarMatcher(counted).accept("abcabcab"));
  std::string many = "root ::= ";
  for (int i = 0; i < 50'000; ++i) many += "r" + std::to_string(i) + "|";
  many += "\"z\"\n";
  for (int i = 0; i < 50'000; ++i) many += "r" + std::to_string(i) + "::=\"x\"\n";
  EXPECT_THROW(GrammarMatcher(parse_gbnf(many)).accept("x"), Error);
}

}  // namespace
}  // namespace ondol::text
