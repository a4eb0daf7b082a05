#include "cli/options.h"

#include <gmock/gmock.h>

#include <functional>

#include "base/error.h"

namespace ondol::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Parsed {
  std::string model = "small";
  int64_t count = 7;
  double heat = 0.5;
  bool json = false;
  std::string mode;
  std::vector<std::string> stop;
  std::vector<std::string> recipes;
  std::optional<std::string> text;
};

Parsed parse(std::vector<std::string> arguments) {
  Parsed p;
  Options options("test");
  options.text("-m,--model", "MODEL", &p.model, "which");
  options.integer("-n,--new", "N", &p.count, {1, 100}, "how many");
  options.number("--heat", "T", &p.heat, {0, 2}, "how warm");
  options.flag("--json", &p.json, "as JSON");
  options.choice("--mode", &p.mode, {"bm25", "vector"}, "how");
  options.list("--stop", "TEXT", &p.stop, "where");
  options.list("--recipes", "A,B", &p.recipes, "which", ',');
  options.positional("TEXT", &p.text, "what");
  options.parse(std::move(arguments));
  return p;
}

std::string error_of(std::vector<std::string> arguments) {
  try {
    parse(std::move(arguments));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "no error";
}

TEST(Options, UnderscoresInNamesAreDashes) {
  int64_t length = 0;
  std::string text;
  Options options("try");
  options.integer("--max-length", "N", &length, {0, 100}, "");
  options.text("--some-text", "TEXT", &text, "");
  options.parse({"--max_length=7", "--some_text", "--a_b"});
  EXPECT_EQ(length, 7);
  EXPECT_EQ(text, "--a_b");
}

TEST(Options, DefaultsStayWithoutArguments) {
  const Parsed p = parse({});
  EXPECT_EQ(p.model, "small");
  EXPECT_EQ(p.count, 7);
  EXPECT_EQ(p.text, std::nullopt);
}

TEST(Options, EveryKindOfOptionReachesItsTarget) {
  const Parsed p = parse({"-m", "big", "-n5", "--heat=1.25", "--json", "--mode", "vector", "--stop",
                          "a,b", "--stop", "", "--recipes", "x,y", "hello there"});
  EXPECT_EQ(p.model, "big");
  EXPECT_EQ(p.count, 5);
  EXPECT_EQ(p.heat, 1.25);
  EXPECT_TRUE(p.json);
  EXPECT_EQ(p.mode, "vector");
  EXPECT_THAT(p.stop, ElementsAre("a,b", ""));
  EXPECT_THAT(p.recipes, ElementsAre("x", "y"));
  EXPECT_EQ(p.text, "hello there");
}

TEST(Options, TextIsTakenAsItIs) {
  for (const std::string text : {"[a, b]", "{}", "\"quoted\"", "", "한국어 글", "a=b", "%s\\n"}) {
    EXPECT_EQ(parse({text}).text, text);
    EXPECT_EQ(parse({"-m", text}).model, text);
  }
  EXPECT_EQ(parse({"--", "--json"}).text, "--json");
  EXPECT_EQ(parse({"-"}).text, "-");
}

TEST(Options, ErrorsSayWhatWasGotAndExpected) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{"--modl", "x"}, "unknown option '--modl'; did you mean '--model'?"},
      {{"--jsn"}, "did you mean '--json'?"},
      {{"--new=0"}, "--new is '0'; expected a whole number from 1 to 100"},
      {{"-n", "many"}, "--new is 'many'; expected a whole number"},
      {{"-n", "5x"}, "--new is '5x'"},
      {{"-n", "99999999999999999999"}, "expected a whole number from 1 to 100"},
      {{"--heat", "nan"}, "--heat is 'nan'; expected a number from 0 to 2"},
      {{"--mode", "bm52"}, "--mode is 'bm52'; expected bm25, vector"},
      {{"two", "words"}, "unexpected argument 'words'; put a text of several words in quotes"},
      {{"-m"}, "--model"}};
  for (const auto& [arguments, expected] : rows) {
    EXPECT_THAT(error_of(arguments), HasSubstr(expected));
    EXPECT_THAT(error_of(arguments), HasSubstr("`ondol test --help`"));
  }
}

TEST(Options, NearestNameGivesUpOnAnotherWord) {
  const std::vector<std::string> known = {"compare", "ingest", "info"};
  EXPECT_EQ(nearest_name("comapre", known), "compare");
  EXPECT_EQ(nearest_name("inof", known), "info");
  EXPECT_EQ(nearest_name("zzzzzz", known), "");
}

}  // namespace
}  // namespace ondol::cli
