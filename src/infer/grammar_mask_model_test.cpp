// Grammars with SmolLM2 and its vocabulary: what it writes is always what the schema asks for, and
// how long a mask takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "infer/grammar_mask.h"
#include "infer/test_support.h"
#include "text/gbnf.h"
#include "text/grammar_matcher.h"
#include "text/json_schema_grammar.h"

namespace ondol::testing {
namespace {

using nlohmann::json;

const std::shared_ptr<const Model>& smollm2() {
  static const auto kModel = [] {
    ThreadPool pool(2);
    return std::make_shared<const Model>(load_model(smollm2_gguf(), pool));
  }();
  return kModel;
}

const std::shared_ptr<const VocabularyTrie>& vocabulary() {
  static const auto kTrie = std::make_shared<const VocabularyTrie>(*smollm2()->tokenizer);
  return kTrie;
}

struct SchemaCase {
  std::string question, schema;
  std::function<bool(const json&)> holds;
};

bool between(const json& value, double low, double high) {
  return value.is_number() && value.get<double>() >= low && value.get<double>() <= high;
}

const std::vector<SchemaCase>& cases() {
  static const std::vector<SchemaCase> kCases = {
      {"Describe the city of Seoul.",
       R"({"type":"object","properties":{"name":{"type":"string","maxLength":20},
          "country":{"enum":["Japan","Korea","China"]},"population":{"type":"integer","minimum":0,
          "maximum":99999999}},"required":["name","country","population"],
          "additionalProperties":false})",
       [](const json& v) {
         return v.size() == 3 && v["name"].is_string() && v["country"].is_string() &&
                between(v["population"], 0, 99999999);
       }},
      {"List three colours.",
       R"({"type":"array","items":{"type":"string","pattern":"^[a-z]{3,10}$"},"minItems":3,
          "maxItems":3})",
       [](const json& v) { return v.is_array() && v.size() == 3 && v[2].is_string(); }},
      {"When was the meeting?",
       R"({"type":"object","properties":{"when":{"type":"string","format":"date-time"},
          "id":{"type":"string","format":"uuid"}},"required":["when","id"],
          "additionalProperties":false})",
       [](const json& v) {
         return v["when"].get<std::string>().size() >= 20 &&
                v["id"].get<std::string>().size() == 36;
       }},
      {"How warm is it, from -5 to 40 degrees?", R"({"type":"number","minimum":-5,"maximum":40})",
       [](const json& v) { return between(v, -5, 40); }},
      {"Draw a small family tree.",
       R"({"$ref":"#/$defs/person","$defs":{"person":{"type":"object","properties":{
          "name":{"type":"string","minLength":1,"maxLength":12},
          "children":{"type":"array","items":{"$ref":"#/$defs/person"},"maxItems":2}},
          "required":["name"],"additionalProperties":false}}})",
       [](const json& v) { return v.is_object() && !v["name"].get<std::string>().empty(); }},
      {"Is the earth round? Answer with yes or no.",
       R"({"oneOf":[{"type":"boolean"},{"type":"string","enum":["yes","no"]}]})",
       [](const json& v) { return v.is_boolean() || v == "yes" || v == "no"; }},
  };
  return kCases;
}

TEST(SmolLm2Grammar, EveryAnswerSatisfiesItsSchema) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  LocalGenerator generator(smollm2(), std::make_unique<ThreadPool>(2), {});
  int64_t answers = 0, cut = 0, forced = 0, tokens = 0;
  for (const SchemaCase& each : cases()) {
    const auto grammar = text::json_schema_grammar(each.schema);
    GenerateRequest request;
    request.prompt = Prompt{.messages = {{"user", each.question, {}}}};
    request.tokens_max = 200;
    const std::shared_ptr<const text::Tokenizer> tokenizer(smollm2(), smollm2()->tokenizer.get());
    request.mask = make_grammar_mask(grammar, vocabulary(), tokenizer);
    for (const double temperature : {0.0, 1.0}) {
      request.sampler = {.temperature = temperature, .seed = 7};
      request.samples = temperature > 0 ? 6 : 1;
      const GenerateResult result = generator.generate(request);
      forced += result.accepted_tokens;
      for (const GeneratedSample& sample : result.samples) {
        ++answers;
        tokens += static_cast<int64_t>(sample.ids.size());
        text::GrammarMatcher matcher(grammar);
        EXPECT_TRUE(matcher.accept(sample.text)) << sample.text;
        if (sample.finish_reason == "length") {  // a beginning of a valid text
          ++cut;
          continue;
        }
        EXPECT_TRUE(matcher.may_end()) << sample.text;
        ASSERT_TRUE(json::accept(sample.text)) << sample.text;
        EXPECT_TRUE(each.holds(json::parse(sample.text))) << sample.text;
      }
    }
  }
  std::cout << answers << " answers, " << cut << " cut by the limit of tokens, " << forced
            << " tokens of " << tokens << " without a step of their own\n";
  EXPECT_LE(cut, answers / 5);
}

TEST(SmolLm2Grammar, WritesSentencesOfGbnf) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  LocalGenerator generator(smollm2(), std::make_unique<ThreadPool>(2), {});
  const auto grammar = text::parse_gbnf(
      "root ::= \"- \" item \"\\n\" (\"- \" item \"\\n\"){1,3}\n"
      "item ::= [A-Z] [a-z ]{2,30} \" (\" [가-힣]{1,4} \")\"\n");
  GenerateRequest request;
  request.prompt = Prompt{.messages = {{"user", "List fruits with their Korean names.", {}}}};
  request.tokens_max = 250;
  request.mask = make_grammar_mask(grammar, vocabulary());
  request.samples = 4;
  request.sampler = {.temperature = 0.8, .seed = 3};
  for (const GeneratedSample& sample : generator.generate(request).samples) {
    text::GrammarMatcher matcher(grammar);
    EXPECT_TRUE(matcher.accept(sample.text)) << sample.text;
    EXPECT_EQ(matcher.may_end(), sample.finish_reason == "stop") << sample.text;
  }
}

// The vocabulary lacks some bytes; no walk gets to where only such a byte could come.
TEST(SmolLm2Grammar, NoWalkIsStuck) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  for (const char* source : {"root ::= \"<\" .{0,20} \">\"", "root ::= [^a-z]{5,9}",
                             "root ::= [가-힣一-鿿😀-🙏]{3,12} \".\""}) {
    const auto grammar = text::parse_gbnf(source);
    const auto first = make_grammar_mask(grammar, vocabulary());
    std::mt19937 random(4);
    for (int walk = 0; walk < 60; ++walk) {
      const auto mask = first->clone();
      std::string text;
      for (;;) {
        TokenSet set(vocabulary()->size());
        mask->allowed(set);
        const std::vector<TokenId> ids = set.ids();
        ASSERT_FALSE(ids.empty()) << source << " " << text;
        const TokenId id = ids[random() % ids.size()];
        if (smollm2()->tokenizer->token_bytes(id).empty()) break;
        text += smollm2()->tokenizer->token_bytes(id);
        mask->accept(id);
      }
      EXPECT_TRUE(text::matches(grammar, text)) << source << " " << text;
    }
  }
}

struct Times {
  std::vector<double> microseconds;
  double at(double share) const {
    return microseconds[static_cast<size_t>(share * static_cast<double>(microseconds.size() - 1))];
  }
};

// One valid instance, token by token as the tokenizer writes it; every token is allowed where it
// stands.
void walk(const TokenMask& first, const std::string& text, Times& times) {
  const auto mask = first.clone();
  std::vector<TokenId> ids = smollm2()->tokenizer->encode(text, {});
  ids.push_back(smollm2()->tokenizer->end_of_generation().at(0));
  for (const TokenId id : ids) {
    TokenSet set(vocabulary()->size());
    const auto began = std::chrono::steady_clock::now();
    mask->allowed(set);
    if (id != ids.back()) mask->accept(id);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    times.microseconds.push_back(took.count());
    ASSERT_TRUE(set.contains(id)) << text;
  }
}

TEST(SmolLm2Grammar, MasksOfRealSchemasAreFast) {
  ONDOL_NEED_MODEL(smollm2_gguf());
  ONDOL_NEED_DATA("jsonschemabench");
  std::ifstream in(data_dir() / "jsonschemabench" / "dev.jsonl");
  Times times, compiling;
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::ordered_json::parse(line);
    const std::string schema = row["schema"].dump();
    std::shared_ptr<const TokenMask> mask;
    const auto began = std::chrono::steady_clock::now();
    try {
      mask = make_grammar_mask(text::json_schema_grammar(schema), vocabulary());
    } catch (const Error&) {
      continue;  // the data test counts what is refused
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    compiling.microseconds.push_back(took.count());
    for (const auto& test : row["tests"]) {
      if (!test["valid"].get<bool>()) continue;
      walk(*mask, text::json_in_schema_order(schema, test["data"].dump()), times);
    }
  }
  for (Times* each : {&times, &compiling}) {
    std::sort(each->microseconds.begin(), each->microseconds.end());
    double sum = 0;
    for (const double time : each->microseconds) sum += time;
    std::cout << (each == &times ? "masks " : "schemas ") << each->microseconds.size()
              << ", microseconds: mean " << sum / static_cast<double>(each->microseconds.size())
              << ", median " << each->at(0.5) << ", 90 % " << each->at(0.9) << ", 99 % "
              << each->at(0.99) << ", most " << each->at(1) << "\n";
  }
  EXPECT_LT(times.at(0.5), 100);
}

}  // namespace
}  // namespace ondol::testing
