// Real schemas with instances that satisfy them and instances that do not. A schema is compiled,
// and its grammar takes the first and none of the second, or a keyword is refused by name. A
// grammar writes one text a value, so instances are first written as it would write them: compact,
// in the schema's order of properties (json_in_schema_order).
#include <gtest/gtest.h>

#include <bitset>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "support/paths.h"
#include "text/gbnf.h"
#include "text/grammar_matcher.h"
#include "text/json_schema_grammar.h"

namespace ondol::text {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> read_rows(const std::string& set, const std::string& file) {
  std::vector<Json> rows;
  std::ifstream in(testing::data_dir() / set / file);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) rows.push_back(Json::parse(line));
  }
  return rows;
}

// "'oneOf' at #/properties/a: ..." -> "oneOf".
std::string refused_word(const std::string& message) {
  const std::string begin = "[json schema] '";
  if (!message.starts_with(begin)) return message;
  return message.substr(begin.size(), message.find('\'', begin.size()) - begin.size());
}

struct Counts {
  int compiled = 0, accepted = 0, refused = 0;
  std::map<std::string, int> refused_for;
};

void check_instances(const Json& row, const std::shared_ptr<const Grammar>& grammar,
                     Counts& counts) {
  const std::string schema = row["schema"].dump();
  for (const Json& test : row["tests"]) {
    const std::string text = json_in_schema_order(schema, test["data"].dump());
    const bool valid = test["valid"];
    EXPECT_EQ(matches(grammar, text), valid) << row["id"] << "\n"
                                             << schema << "\n"
                                             << text << "\n"
                                             << test["description"];
    ++(valid ? counts.accepted : counts.refused);
  }
}

// A random sentence, mostly of plain letters; nullopt: it did not end.
std::optional<std::string> sentence(const std::shared_ptr<const Grammar>& grammar,
                                    std::mt19937& random) {
  const std::string letters = "abcdefgh01239ATZ-_. ";
  GrammarMatcher matcher(grammar);
  const auto soon =
      static_cast<unsigned>(15 + random() % 100);  // brackets and quotation marks close behind that
  std::string text;
  for (unsigned step = 0; step < 3000; ++step) {
    if (matcher.may_end() && (step > soon || random() % 3 == 0)) return text;
    const std::bitset<256> next = matcher.next();
    auto byte = static_cast<unsigned>(random() % 256);
    if (random() % 3 != 0) byte = static_cast<unsigned char>(letters[random() % letters.size()]);
    if (next['"'] && random() % 3 == 0) byte = '"';
    for (const unsigned char close : {'"', '}', ']', '0', 'n', 't'}) {
      if (step > soon && next[close]) {
        byte = close;
        break;
      }
    }
    for (int tried = 0; !next[byte] && tried < 256; ++tried) byte = (byte + 1) % 256;
    if (!matcher.accept(std::string(1, static_cast<char>(byte)))) break;
    text += static_cast<char>(byte);
  }
  return std::nullopt;
}

TEST(JsonSchemaBench, AcceptsTheValidAndRefusesTheInvalid) {
  ONDOL_NEED_DATA("jsonschemabench");
  Counts counts;
  const std::vector<Json> rows = read_rows("jsonschemabench", "dev.jsonl");
  ASSERT_EQ(rows.size(), 392U);
  for (const Json& row : rows) {
    std::shared_ptr<const Grammar> grammar;
    try {
      grammar = json_schema_grammar(row["schema"].dump());
    } catch (const Error& error) {
      ++counts.refused_for[refused_word(error.what())];
      if (std::getenv("ONDOL_SHOW") != nullptr) {
        std::cout << row["id"] << ": " << error.what() << "\n";
      }
      continue;
    }
    ++counts.compiled;
    check_instances(row, grammar, counts);
  }
  std::cout << "compiled " << counts.compiled << " of " << rows.size() << "; valid instances "
            << counts.accepted << ", invalid " << counts.refused << "; refused for";
  for (const auto& [word, count] : counts.refused_for) std::cout << " " << word << " " << count;
  std::cout << "\n";
}

// What the grammars write is JSON. With ONDOL_SENTENCES=FILE the sentences are kept there, for
// tools/check_schema_peer.py to ask another validator about.
TEST(JsonSchemaBench, RandomSentencesAreJson) {
  ONDOL_NEED_DATA("jsonschemabench");
  const char* path = std::getenv("ONDOL_SENTENCES");
  std::ofstream kept;
  if (path != nullptr) kept.open(path);
  std::mt19937 random(11);
  int sentences = 0;
  for (const Json& row : read_rows("jsonschemabench", "dev.jsonl")) {
    std::shared_ptr<const Grammar> grammar;
    try {
      grammar = json_schema_grammar(row["schema"].dump());
    } catch (const Error&) {
      continue;  // the test above counts them
    }
    for (int i = 0; i < (path != nullptr ? 25 : 3); ++i) {
      const std::optional<std::string> text = sentence(grammar, random);
      if (!text) continue;
      ++sentences;
      EXPECT_TRUE(Json::accept(*text)) << row["id"] << ": " << *text;
      if (path != nullptr) kept << Json{{"id", row["id"]}, {"text", *text}}.dump() << "\n";
    }
  }
  EXPECT_GT(sentences, 600);  // of some 1,100 walks; the others grow too long to end
}

// What is wanted of llama.cpp's grammars. The JSON is read loosely here, since the texts have
// spaces. A schema with `items` and no type is one of a list there; by JSON Schema other values
// satisfy it.
TEST(GrammarVectors, AcceptsAndRefusesAsStated) {
  ONDOL_NEED_DATA("grammar_vectors");
  const std::set<std::pair<std::string, std::string>> valid_all_the_same = {{"min+max items", "1"}};
  const std::vector<Json> rows = read_rows("grammar_vectors", "accept_reject.dev.jsonl");
  ASSERT_EQ(rows.size(), 23U);
  int accepted = 0, refused = 0;
  std::map<std::string, int> refused_for;
  for (const Json& row : rows) {
    const std::string source = row["source"], name = row["name"];
    std::shared_ptr<const Grammar> grammar;
    try {
      grammar = row["kind"] == "gbnf" ? parse_gbnf(source)
                                      : json_schema_grammar(source, JsonStyle::kLoose);
    } catch (const Error& error) {
      ++refused_for[refused_word(error.what())];
      continue;
    }
    for (const std::string text : row["accept"]) {
      EXPECT_TRUE(matches(grammar, text)) << name << ": " << text;
      ++accepted;
    }
    for (const std::string text : row["reject"]) {
      EXPECT_EQ(matches(grammar, text), valid_all_the_same.contains({name, text}))
          << name << ": " << text;
      ++refused;
    }
  }
  std::cout << "accepted " << accepted << ", refused " << refused << "\n";
  EXPECT_EQ(refused_for, (std::map<std::string, int>{{"uniqueItems", 1}}));
}

TEST(GrammarVectors, EveryGbnfFileIsRead) {
  ONDOL_NEED_DATA("grammar_vectors");
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::data_dir() / "grammar_vectors" / "gbnf")) {
    ++files;
    EXPECT_NO_THROW(parse_gbnf(read_file(entry.path()))) << entry.path();
  }
  EXPECT_EQ(files, 8);
}

// A schema is refused where it is called invalid, or for what no draft allows (a schema where
// prefixItems has to be a list).
TEST(GrammarVectors, SchemasCompileToJson) {
  ONDOL_NEED_DATA("grammar_vectors");
  int compiled = 0;
  std::map<std::string, int> refused;
  std::mt19937 random(5);
  for (const Json& row : read_rows("grammar_vectors", "schema_to_gbnf.jsonl")) {
    const std::string schema = row["schema"];
    try {
      const auto ours = json_schema_grammar(schema);
      ++compiled;
      EXPECT_TRUE(row["valid_schema"].get<bool>()) << schema;
      for (int i = 0; i < 40; ++i) {
        const std::optional<std::string> text = sentence(ours, random);
        EXPECT_TRUE(!text || Json::accept(*text)) << row["name"] << ": " << *text;
      }
      parse_gbnf(row["llama_cpp_grammar"].get<std::string>());
    } catch (const Error& error) {
      if (row["valid_schema"].get<bool>()) ++refused[refused_word(error.what())];
    }
  }
  std::cout << "compiled " << compiled << "; refused for";
  for (const auto& [word, count] : refused) std::cout << " " << word << " " << count;
  std::cout << "\n";
  EXPECT_EQ(compiled, 69);
  EXPECT_EQ(refused, (std::map<std::string, int>{{"prefixItems", 4}}));
}

}  // namespace
}  // namespace ondol::text
