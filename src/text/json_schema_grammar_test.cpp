#include "text/json_schema_grammar.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/grammar_matcher.h"

namespace ondol::text {
namespace {

struct Case {
  std::string schema;
  std::vector<std::string> in, out;
};

void check(const std::vector<Case>& cases, JsonStyle style = JsonStyle::kCompact) {
  for (const Case& each : cases) {
    SCOPED_TRACE(each.schema);
    try {
      const auto grammar = json_schema_grammar(each.schema, style);
      for (const auto& text : each.in) EXPECT_TRUE(matches(grammar, text)) << text;
      for (const auto& text : each.out) EXPECT_FALSE(matches(grammar, text)) << text;
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

void expect_refused(const std::string& schema, ErrorCode code,
                    const std::vector<std::string>& parts) {
  try {
    json_schema_grammar(schema);
    ADD_FAILURE() << schema.substr(0, 300);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << error.what() << "\nlacks " << part;
    }
  }
}

TEST(JsonSchema, Values) {
  check({
      {"true",
       {"1", "{}", "[]", "\"a\"", "null", "{\"a\":[1,{\"b\":null}]}"},
       {"", "{a:1}", "[1,]"}},
      {"{}", {"true", "-1.5e3"}, {"tru", "01"}},
      {R"({"type":"boolean"})", {"true", "false"}, {"null", "True"}},
      {R"({"type":["null","integer"]})", {"null", "3"}, {"3.5", "\"\""}},
      {R"({"const":{"b":[1,"x"],"a":null}})", {R"({"b":[1,"x"],"a":null})"}, {"{}"}},
      {R"({"enum":["a",1,1.5,null,["x"]]})",
       {"\"a\"", "1", "1.5", "null", "[\"x\"]"},
       {"2", "\"b\""}},
      {R"({"enum":["a",1,2,null],"type":"integer","minimum":2})", {"2"}, {"1", "\"a\"", "null"}},
      {R"({"enum":["ab","c","def"],"minLength":2,"pattern":"^[a-c]"})",
       {"\"ab\""},
       {"\"c\"", "\"def\""}},
      {R"({"not":{"type":["object","array","string"]}})", {"1", "null"}, {"\"a\"", "[]"}},
      {R"({"type":"integer","not":{"enum":[3,5]}})", {"4", "35"}, {"3", "5"}},
      {R"({"type":"number","not":{"const":1}})", {"1.5", "0", "11"}, {"1", "1.0", "1.00"}},
      {R"({"type":"number","not":{"type":"integer"}})", {"1.5"}, {"1", "2.0"}},
  });
}

TEST(JsonSchema, Strings) {
  check({
      {R"({"type":"string"})",
       {R"("")", R"("é\n\"\\\u0001")", "\"한\x7f\""},
       {"\"\n\"", R"("\u00e9")", R"("\/")", "\"\xff\"", R"("a)"}},
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {R"("ab")", R"("한\n😀")"},
       {R"("a")", R"("abcd")"}},
      {R"({"type":"string","maxLength":300})",
       {"\"" + std::string(300, 'x') + "\""},
       {"\"" + std::string(301, 'x') + "\""}},
      {R"({"type":"string","minLength":300})",
       {"\"" + std::string(400, 'x') + "\""},
       {"\"" + std::string(299, 'x') + "\""}},
      {R"({"type":"string","pattern":"^a.*z$","maxLength":4})",
       {R"("az")", R"("a\"z")"},
       {R"("abcdz")", R"("a")"}},
      {R"({"type":"string","pattern":"\""})", {R"("x\"y")"}, {R"("xy")"}},
      {R"({"allOf":[{"pattern":"^[a-m]+$"},{"pattern":"[f-z]$"},{"type":"string"}]})",
       {R"("af")"},
       {R"("a")", R"("z")"}},
      {R"({"type":"string","not":{"pattern":"^a"}})", {R"("")", R"("ba")"}, {R"("ab")"}},
      {R"({"type":"string","not":{"enum":["a","ab"]}})",
       {R"("")", R"("abc")", R"("b")"},
       {R"("a")", R"("ab")"}},
  });
}

TEST(JsonSchema, Formats) {
  const auto quoted = [](std::vector<std::string> texts) {
    for (std::string& text : texts) text = "\"" + text + "\"";
    return texts;
  };
  const auto format = [](const std::string& name) {
    return R"({"type":"string","format":")" + name + "\"}";
  };
  check({
      {format("date"), quoted({"2024-02-29", "2000-02-29", "1999-12-31"}),
       quoted({"2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "24-01-01", "0000-01-01"})},
      {format("time"), quoted({"18:25:43.511Z", "00:00:00+09:00"}),
       quoted({"24:00:00Z", "12:00:00", "12:60:00Z"})},
      {format("date-time"), quoted({"2012-04-23T18:25:43.511Z"}),
       quoted({"2012-04-23 18:25:43Z", "2012-02-30T00:00:00Z"})},
      {format("duration"), quoted({"P3D", "PT1H30M", "P1Y2M3DT4S", "P2W"}),
       quoted({"P", "PT", "1D", "P1H"})},
      {format("uuid"), quoted({"12345678-1234-1234-1234-1234567890ab"}),
       quoted({"12345678123412341234123456789 0ab"})},
      {format("email"), quoted({"a.b+c@example.co.kr"}),
       quoted({"a@", "@b", "a b@c", ".a@b", "a@-b"})},
      {format("hostname"), quoted({"example.com", "a-b.c"}),
       quoted({"-a.b", "a..b", "a_b", "a-", ""})},
      {format("ipv4"), quoted({"127.0.0.1", "255.255.255.255"}),
       quoted({"256.0.0.1", "1.2.3", "01.2.3.4"})},
      {format("ipv6"),
       quoted({"::", "::1", "fe80::1:2", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::"}),
       quoted({"1:2:3", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9"})},
      {format("uri"),
       quoted({"https://a.b/c?d=e#f", "urn:isbn:123", "mailto:a@b.c", "file:///x/y"}),
       quoted({"//a.b", "a b:c", "no", "http://a b", "x:%zz"})},
      {format("uri-reference"), quoted({"/a/b", "?q", "#f", "a/b", "../x", "https://a.b"}),
       quoted({"a b", "1:b^"})},
      {format("json-pointer"), quoted({"", "/a/~0b~1"}), quoted({"a", "/~2"})},
      {R"({"format":"int32"})", {"2147483647", "-2147483648", "\"x\""}, {"2147483648", "1.5"}},
  });
}

TEST(JsonSchema, Numbers) {
  check({
      {R"({"type":"integer","minimum":-3,"exclusiveMaximum":12})",
       {"-3", "0", "11"},
       {"-4", "12", "1.0", "-0", "05"}},
      {R"({"type":"integer","minimum":0,"exclusiveMinimum":true})", {"1"}, {"0"}},
      {R"({"type":"number","minimum":0.5,"maximum":2.25})",
       {"0.5", "1", "2.25", "2.250"},
       {"0.49", "2.251", "3", "1e0"}},
      {R"({"type":"number","exclusiveMinimum":0})",
       {"0.1", "1e-5", "5"},
       {"0", "-1", "0.0", "-0.5"}},
      {R"({"type":"integer","multipleOf":5,"maximum":20,"minimum":1})",
       {"5", "20"},
       {"0", "7", "25"}},
      {R"({"type":"integer","maximum":9223372036854775807})",
       {"9223372036854775807"},
       {"9223372036854775808"}},
      {R"({"anyOf":[{"minimum":10},{"maximum":3}],"type":"integer"})", {"2", "11"}, {"4", "9"}},
  });
}

TEST(JsonSchema, Lists) {
  check({
      {R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
       {"[1]", "[1,2,3]"},
       {"[]", "[1,2,3,4]", "[\"a\"]"}},
      {R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}]})",
       {"[]", "[1]", "[1,\"a\",null]"},
       {"[\"a\"]", "[1,2]"}},
      {R"({"type":"array","items":[{"type":"integer"}],"additionalItems":false})",
       {"[]", "[1]"},
       {"[1,2]"}},
      {R"({"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"null"},"minItems":2})",
       {"[1,null]", "[1,null,null]"},
       {"[1]", "[1,1]"}},
      {R"({"type":"array","items":false})", {"[]"}, {"[1]"}},
      {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {R"({"type":"array","items":{"type":"null"},"maxItems":1,"uniqueItems":true})",
       {"[]", "[null]"},
       {"[null,null]"}},
      {R"({"type":"array","minItems":200,"items":{"const":0}})", {}, {"[0]"}},
      {R"({"allOf":[{"prefixItems":[{"minimum":5}]},{"items":{"type":"integer","maximum":7}}],"type":"array","minItems":1})",
       {"[6]", "[5,-4]"},
       {"[4]", "[8]", "[]"}},
  });
}

TEST(JsonSchema, Objects) {
  check({
      {R"({"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"null"}},"required":["a"]})",
       {R"({"a":null})", R"({"b":1,"a":null})", R"({"b":1,"a":null,"c":[],"d":1})"},
       {"{}", R"({"a":null,"b":1})", R"({"b":"x","a":null})", R"({"a":null,"b":"x"})", R"({"a":1})",
        R"({"c":1,"a":null})"}},
      {R"({"type":"object","properties":{"a":{}},"additionalProperties":false})",
       {"{}", R"({"a":[]})"},
       {R"({"b":1})", R"({"a":1,"a":2})"}},
      {R"({"type":"object","properties":{"a":{},"ab":{}},"additionalProperties":{"type":"integer"}})",
       {R"({"abc":1})", R"({"":1})", R"({"b":2})", R"({"ab":"x","\"":3})"},
       {R"({"abc":"x"})", R"({"a":1,"a":2})"}},
      {R"({"type":"object","required":["x"],"additionalProperties":{"type":"null"}})",
       {R"({"x":null})", R"({"x":null,"y":null})"},
       {"{}", R"({"x":1})"}},
      {R"({"type":"object","patternProperties":{"^n":{"type":"integer"},"x$":{"minimum":5}},"additionalProperties":{"type":"string"}})",
       {R"({"n":1})", R"({"nx":5})", R"({"x":6,"q":"s"})", R"({"x":"any"})"},
       {R"({"n":"s"})", R"({"nx":4})", R"({"q":1})"}},
      {R"({"type":"object","properties":{"na":{"minimum":3}},"patternProperties":{"^n":{"type":"integer"}}})",
       {R"({"na":3})"},
       {R"({"na":2})", R"({"na":"x"})"}},
      {R"({"type":"object","propertyNames":{"pattern":"^[a-c]+$","maxLength":2},"properties":{"abc":{}}})",
       {"{}", R"({"ab":1})"},
       {R"({"abc":1})", R"({"d":1})"}},
      {R"({"type":"object","minProperties":1,"maxProperties":2,"properties":{"a":{},"b":{},"c":{}},"additionalProperties":false})",
       {R"({"a":1})", R"({"a":1,"c":2})"},
       {"{}", R"({"a":1,"b":2,"c":3})"}},
      {R"({"type":"object","maxProperties":1})", {"{}", R"({"x":1})"}, {R"({"x":1,"y":2})"}},
      {R"({"type":"object","dependentRequired":{"a":["b"]},"properties":{"a":{},"b":{}}})",
       {"{}", R"({"b":1})", R"({"a":1,"b":1})"},
       {R"({"a":1})"}},
      {R"({"type":"object","dependencies":{"a":{"properties":{"b":{"type":"null"}}}},"properties":{"a":{},"b":{}}})",
       {R"({"b":1})", R"({"a":1,"b":null})", R"({"a":1})"},
       {R"({"a":1,"b":1})"}},
      {R"({"type":"object","not":{"required":["a"]},"properties":{"a":{},"b":{}}})",
       {"{}", R"({"b":1})"},
       {R"({"a":1})"}},
  });
}

TEST(JsonSchema, Combinations) {
  check({
      {R"({"oneOf":[{"type":"integer","maximum":12},{"type":"integer","minimum":10}]})",
       {"9", "13"},
       {"10", "12"}},
      {R"({"oneOf":[{"required":["a"]},{"required":["b"]}],"type":"object","properties":{"a":{},"b":{}}})",
       {R"({"a":1})", R"({"b":1})"},
       {"{}", R"({"a":1,"b":1})"}},
      {R"({"oneOf":[{"type":"object","properties":{"k":{"const":"x"},"v":{"type":"integer"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"y"},"v":{"type":"string"}},"required":["k"]}]})",
       {R"({"k":"x","v":1})", R"({"k":"y","v":"s"})"},
       {R"({"k":"x","v":"s"})", R"({"k":"z"})"}},
      {R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"null"}},"additionalProperties":{"minimum":4}}],"type":"object"})",
       {R"({"a":4})", R"({"a":5,"b":null})"},
       {R"({"a":3})", "{}", R"({"a":4,"b":1})"}},
      {R"({"if":{"properties":{"a":{"const":1}},"required":["a"]},"then":{"required":["b"]},"else":{"properties":{"b":false}},"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"}}})",
       {R"({"a":1,"b":null})", "{}", R"({"a":2})"},
       {R"({"a":1})", R"({"a":2,"b":null})", R"({"b":null})"}},
      {R"({"not":{"not":{"type":"null"}}})", {"null"}, {"1"}},
      {R"({"not":{"anyOf":[{"type":"string"},{"type":"number","maximum":5}]},"type":["string","integer"]})",
       {"6"},
       {"5", "\"x\""}},
      {R"({"not":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},"type":"object","properties":{"a":{}},"additionalProperties":false})",
       {"{}", R"({"a":1})"},
       {R"({"a":"x"})"}},
  });
}

TEST(JsonSchema, References) {
  check({
      {R"({"$ref":"#/definitions/a%20b~1c","definitions":{"a b/c":{"type":"null"}}})",
       {"null"},
       {"1"}},
      {R"({"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false})",
       {"{}", R"({"next":{"next":{}}})"},
       {R"({"next":1})"}},
      {R"({"$ref":"#/$defs/t","$defs":{"t":{"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#/$defs/t"}}]}}})",
       {"1", "[]", "[1,[2,[]]]"},
       {"[\"x\"]"}},
      {R"({"$ref":"#n","$defs":{"x":{"$anchor":"n","type":"null"}}})", {"null"}, {"1"}},
      {R"({"$id":"http://e.org/s.json","$ref":"http://e.org/s.json#/$defs/x","$defs":{"x":{"type":"null"}}})",
       {"null"},
       {"1"}},
      {R"({"$ref":"item.json","$defs":{"x":{"$id":"http://e.org/item.json","$ref":"#/$defs/y","$defs":{"y":{"type":"null"}}},"y":{"type":"string"}}})",
       {"null"},
       {"\"a\""}},
      // What is derived from a recursive schema is derived once.
      {R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"c":{"$ref":"#/$defs/n"},"d":{}},"not":{"properties":{"c":{"required":["d"]}},"required":["c"]},"dependencies":{"d":{"minProperties":1}}}}})",
       {"{}", R"({"c":{},"d":1})", R"({"c":{"c":{}}})"},
       {R"({"c":{"d":1}})", R"({"c":1})"}},
      // Words beside $ref hold since 2019-09, and not before.
      {R"({"$ref":"#/$defs/x","minimum":5,"$defs":{"x":{"type":"integer"}}})", {"5"}, {"4"}},
      {R"({"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/x","minimum":5,"definitions":{"x":{"type":"integer"}}})",
       {"5", "4"},
       {"\"a\""}},
  });
}

TEST(JsonSchema, LooseStyleHasOneWayOfWhiteSpaceMore) {
  check({{R"({"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}})",
          {R"({"a":[1,2]})", R"({ "a": [1, 2] })", "{\n  \"a\": [\n    1,\n    2\n  ]\n}", "{ }"},
          {R"({"a" :[1]})", R"({"a":  [1]})", " {}", "{} "}}},
        JsonStyle::kLoose);
}

TEST(JsonSchema, RefusalsNameTheKeywordAndItsPlace) {
  const ErrorCode unsupported = ErrorCode::kUnsupported, wrong = ErrorCode::kInvalidArgument;
  expect_refused(R"({"properties":{"a/b":{"contains":{}}}})", unsupported,
                 {"'contains'", "#/properties/a~1b"});
  expect_refused(R"({"type":"array","uniqueItems":true})", unsupported, {"'uniqueItems' at #:"});
  expect_refused(R"({"unevaluatedProperties":false})", unsupported, {"'unevaluatedProperties'"});
  expect_refused(R"({"$ref":"other.json#/a"})", unsupported, {"'$ref'", "other.json"});
  expect_refused(R"({"$ref":"#/nowhere"})", wrong, {"'$ref'", "#/nowhere"});
  expect_refused(R"({"format":"iri"})", unsupported, {"'format'", "'iri'"});
  expect_refused(R"({"pattern":"(a)\\1"})", unsupported, {"'pattern' at #", "\\1"});
  expect_refused(R"({"maxlength":3})", unsupported, {"'maxlength'", "did you mean 'maxLength'"});
  expect_refused(R"({"not":{"items":{"type":"null"}}})", unsupported, {"'items'", "opposite"});
  expect_refused(R"({"oneOf":[{"items":{"type":"null"}},{"minItems":1}]})", unsupported,
                 {"'oneOf'", "schemas 0 and 1", "try anyOf"});
  expect_refused(R"({"oneOf":[{"type":"integer","multipleOf":3},{"type":"integer","minimum":10}]})",
                 unsupported, {"'oneOf'", "'multipleOf'"});
  expect_refused(
      R"({"oneOf":[{"type":"string","format":"date"},{"type":"string","format":"ipv4"}]})",
      unsupported, {"'oneOf'", "'format'"});
  expect_refused(R"({"not":{"const":{}}})", unsupported, {"'not'", "object"});
  expect_refused(R"({"type":"object","minProperties":3})", unsupported, {"'minProperties'"});
  expect_refused(R"({"multipleOf":0.3})", unsupported, {"'multipleOf'"});
  expect_refused(R"({"type":"kaboom"})", wrong, {"'type'", "kaboom"});
  expect_refused(R"({"type":123})", wrong, {"'type'"});
  expect_refused(R"({"prefixItems":{"type":"string"}})", wrong, {"'prefixItems'", "a list"});
  expect_refused(R"({"minLength":-1})", wrong, {"'minLength'"});
  expect_refused(R"({"required":true})", wrong, {"'required'", "a list"});
  expect_refused(R"({"minimum":"3"})", wrong, {"'minimum'"});
  expect_refused(R"({"properties":{"a":5}})", wrong, {"#/properties/a"});
  expect_refused(R"({"anyOf":[{"$ref":"#"}]})", wrong, {"'$ref'", "leads back to itself"});
  expect_refused("3", wrong, {"expected an object"});
  expect_refused("{", wrong, {"no JSON"});
  expect_refused("false", wrong, {"no JSON satisfies it"});
  expect_refused(R"({"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}})", wrong,
                 {"no JSON satisfies it"});
  expect_refused(R"({"type":"object","required":["x"],"additionalProperties":false})", wrong,
                 {"no JSON satisfies it"});
  expect_refused(R"({"type":"integer","minimum":3,"maximum":2})", wrong, {"no JSON satisfies it"});
}

TEST(JsonSchema, WordsThatAssertNothingArePassedOver) {
  check(
      {{R"({"type":"null","title":1,"description":"d","default":3,"examples":[1],"$comment":"c","x-own":1,"_format":"q","self":{"vendor":"v"},"readOnly":true,"$schema":"s"})",
        {"null"},
        {"1"}}});
}

TEST(JsonSchema, HostileSchemasEnd) {
  // A value of a list, checked with schemas that lead back to the list.
  check({{R"({"const":1,"properties":{"a":{"$ref":"#"}},"required":["a"]})", {"1"}, {"{}"}}});
  expect_refused(
      R"({"enum":[{"a":1}],"properties":{"a":{"anyOf":[{"$ref":"#"},{"const":1}]}},"required":["a"]})",
      ErrorCode::kResourceExhausted, {"'enum'"});
  const ErrorCode exhausted = ErrorCode::kResourceExhausted;
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"not\":";
  expect_refused(deep, exhausted, {"deeper than"});
  expect_refused(std::string(5 << 20, ' '), exhausted, {"bytes"});
  std::string ways = R"({"allOf":[)";
  for (int i = 0; i < 40; ++i)
    ways += std::string(i > 0 ? "," : "") +
            R"({"anyOf":[{"minimum":1},{"maxLength":5},{"maxItems":2}]})";
  expect_refused(ways + "]}", exhausted, {"ways to combine"});
  expect_refused(R"({"type":"string","pattern":"^(a|b)*a(a|b){30}$"})", exhausted, {"'pattern'"});
  expect_refused(R"({"type":"string","pattern":"^a+$","maxLength":4000000})", exhausted,
                 {"'pattern'", "states"});
  check({{R"({"type":"string","maxLength":4000000000})", {"\"abc\""}, {"\"a"}},
         {R"({"type":"array","maxItems":4000000000,"minItems":0})", {"[1,2]"}, {"[1"}},
         {R"({"type":"integer","minimum":-1e308,"maximum":1e308})", {"5"}, {"5.5"}}});
}

TEST(JsonSchema, InstancesAreWrittenInTheSchemasOrder) {
  const std::string schema =
      R"({"properties":{"b":{"properties":{"y":{},"x":{}}},"a":{}},"allOf":[{"properties":{"c":{}}}]})";
  EXPECT_EQ(
      json_in_schema_order(schema, R"({"z": 1.0, "c": [ ], "a": 1e-7, "b": {"x": "é", "y": 2}})"),
      R"({"b":{"y":2,"x":"é"},"a":0.0000001,"c":[],"z":1})");
  EXPECT_THROW(json_in_schema_order(schema, "{"), Error);
}

}  // namespace
}  // namespace ondol::text
