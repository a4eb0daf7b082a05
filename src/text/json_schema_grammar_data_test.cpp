// Real schemas with instances that satisfy them and instances that do not. A schema is compiled,
// and its grammar takes the first and none of the second, or a keyword is refused by name. A
// grammar writes one text a value, so instances are first written as it would write them: compact,
// in the schema's order of properties (json_in_schema_order).
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
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

}  // namespace
}  // namespace ondol::text
