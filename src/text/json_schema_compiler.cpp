#include "text/json_schema_compiler.inc"

#include <algorithm>
#include <cmath>

#include "text/grammar_matcher.h"

namespace ondol::text::schema {
namespace {

constexpr size_t kRulesMax = 50'000;
constexpr int kCompilationsMax = 6;
constexpr int kListsMax = 8;
constexpr size_t kWorkMax = 10'000'000;

// Words that the list of values or the dissolving of combinations has taken care of.
bool is_settled(const std::string& word) {
  static const std::set<std::string> kSettled = {"type",
                                                 "enum",
                                                 "const",
                                                 "$ref",
                                                 "allOf",
                                                 "anyOf",
                                                 "oneOf",
                                                 "not",
                                                 "if",
                                                 "then",
                                                 "else",
                                                 "dependencies",
                                                 "dependentRequired",
                                                 "dependentSchemas"};
  return kSettled.contains(word);
}

bool same(const Json& a, const Json& b) { return nlohmann::json(a) == nlohmann::json(b); }

}  // namespace

Compiler::Compiler(Shared& shared, JsonStyle style) : shared_(shared), pieces_(b_, style) {}

std::shared_ptr<const Grammar> Compiler::grammar(const Schemas& schemas) {
  const GrammarBuilder::Rule root = compile(schemas);
  if (!b_.satisfiable(root)) {
    throw Error(ErrorCode::kInvalidArgument,
                "[json schema] no JSON satisfies it; expected a schema with an instance; try it "
                "without one of its parts");
  }
  return b_.build(root);
}

bool Compiler::satisfiable(const Schemas& schemas) {
  if (shared_.depth >= kCompilationsMax) return true;  // not known: the safe answer
  ++shared_.depth;
  try {
    const bool found = b_.satisfiable(compile(schemas));
    --shared_.depth;
    shared_.work += 1000 + b_.size();
    if (shared_.work > kWorkMax) {
      shared_.document.refuse(schemas.front(), "oneOf", "it takes too long to tell them apart",
                              ErrorCode::kResourceExhausted);
    }
    return found;
  } catch (...) {
    --shared_.depth;
    throw;
  }
}

GrammarBuilder::Rule Compiler::compile(const Schemas& schemas) {
  const GrammarBuilder::Rule root = b_.add_rule("root");
  b_.define(root, value(schemas));
  while (!pending_.empty()) {
    const auto [rule, each] = std::move(pending_.front());
    pending_.pop_front();
    b_.define(rule, body(each));
  }
  return root;
}

// A rule for every set of schemas that is met.
Compiler::Expr Compiler::value(Schemas schemas) {
  Schemas kept;
  for (const Json* schema : schemas) {
    if (schema->is_boolean() && !schema->get<bool>()) return b_.nothing();
    if (says_nothing(*schema)) continue;
    if (std::find(kept.begin(), kept.end(), schema) == kept.end()) kept.push_back(schema);
  }
  const auto [at, fresh] = rules_.emplace(kept, 0);
  if (fresh) {
    if (rules_.size() > kRulesMax) {
      throw Error(ErrorCode::kResourceExhausted,
                  "[json schema] more than " + std::to_string(kRulesMax) +
                      " different values; expected a smaller schema");
    }
    at->second = b_.add_rule(kept.empty() ? "any value" : shared_.document.pointer(kept.front()));
    pending_.emplace_back(at->second, std::move(kept));
  }
  return b_.call(at->second);
}

Compiler::Expr Compiler::body(const Schemas& schemas) {
  Expander expander(shared_, [this](const Schemas& all) {
    return Compiler(shared_, JsonStyle::kCompact).satisfiable(all);
  });
  const std::vector<Schemas> ways = expander.expand(schemas);
  const std::vector<std::string> order = property_order(shared_.document, schemas);
  std::vector<Expr> options;
  for (const Schemas& each : ways) options.push_back(way({each, order, schemas}));
  return b_.choice(std::move(options));
}

Compiler::Types Compiler::types(const Schemas& schemas) const {
  Types out;
  for (const Json* schema : schemas) {
    const auto found = schema->find("type");
    if (found == schema->end()) continue;
    Types named{false, false, false, false, false, false, true};
    for (const Json& each : found->is_array() ? *found : Json::array({*found})) {
      const std::string name = each.is_string() ? each.get<std::string>() : each.dump();
      if (name == "null")
        named.null = true;
      else if (name == "boolean")
        named.boolean = true;
      else if (name == "string")
        named.string = true;
      else if (name == "array")
        named.array = true;
      else if (name == "object")
        named.object = true;
      else if (name == "integer")
        named.number = true;
      else if (name == "number")
        named.number = true, named.integer = false;
      else
        shared_.document.refuse(schema, "type",
                                "got '" + name +
                                    "', expected null, boolean, integer, number, "
                                    "string, array or object",
                                ErrorCode::kInvalidArgument);
    }
    out.null &= named.null;
    out.boolean &= named.boolean;
    out.number &= named.number;
    out.string &= named.string;
    out.array &= named.array;
    out.object &= named.object;
    out.integer |= named.integer && named.number;
  }
  return out;
}

Compiler::Expr Compiler::way(const Way& way) {
  const Types allowed = types(way.schemas);
  if (has_values(way.schemas)) return values(way, allowed);
  const std::vector<Json> never = excluded(way.schemas);
  const auto may_be = [&](const Json& value) {
    return std::none_of(never.begin(), never.end(),
                        [&](const Json& each) { return same(each, value); });
  };
  std::vector<Expr> options;
  if (allowed.object) options.push_back(object(way));
  if (allowed.array) options.push_back(array(way.schemas));
  if (allowed.string) options.push_back(string(way.schemas));
  if (allowed.number) options.push_back(number(way.schemas, allowed.integer));
  if (allowed.boolean && may_be(true)) options.push_back(b_.literal("true"));
  if (allowed.boolean && may_be(false)) options.push_back(b_.literal("false"));
  if (allowed.null && may_be(nullptr)) options.push_back(b_.literal("null"));
  for (const Json& each : never) {
    if ((each.is_object() && allowed.object) || (each.is_array() && allowed.array)) {
      shared_.document.refuse(way.schemas.front(), "not",
                              "leaving out an object or a list as a value is not supported");
    }
  }
  return b_.choice(std::move(options));
}

// ---- enum and const ----

bool Compiler::has_values(const Schemas& schemas) const {
  return std::any_of(schemas.begin(), schemas.end(), [](const Json* schema) {
    return schema->contains("enum") || schema->contains("const");
  });
}

std::vector<Json> Compiler::excluded(const Schemas& schemas) const {
  std::vector<Json> out;
  for (const Json* schema : schemas) {
    const auto found = schema->find(kNotEnum);
    if (found != schema->end()) out.insert(out.end(), found->begin(), found->end());
  }
  return out;
}

bool Compiler::among(const Json* schema, const Json& candidate) const {
  const Json* list = shared_.document.list(schema, "enum");
  if (list != nullptr && std::none_of(list->begin(), list->end(),
                                      [&](const Json& each) { return same(each, candidate); })) {
    return false;
  }
  return !schema->contains("const") || same(schema->at("const"), candidate);
}

bool Compiler::fits(const Json& candidate, const Way& way, const Types& types) {
  const bool whole =
      candidate.is_number_integer() ||
      (candidate.is_number() && candidate.get<double>() == std::trunc(candidate.get<double>()));
  const bool typed = candidate.is_null()      ? types.null
                     : candidate.is_boolean() ? types.boolean
                     : candidate.is_number()  ? types.number && (!types.integer || whole)
                     : candidate.is_string()  ? types.string
                     : candidate.is_array()   ? types.array
                                              : types.object;
  if (!typed) return false;
  for (const Json* schema : way.schemas) {
    if (!among(schema, candidate)) return false;
  }
  return true;
}

// What the schemas ask of such values beside being one of a list, with the words that are about
// other types left out.
Schemas Compiler::beside_lists(const Schemas& schemas, const std::vector<Json>& values) {
  static const std::map<std::string, Json::value_t> kTypes = {
      {"properties", Json::value_t::object},        {"required", Json::value_t::object},
      {"patternProperties", Json::value_t::object}, {"additionalProperties", Json::value_t::object},
      {"propertyNames", Json::value_t::object},     {"minProperties", Json::value_t::object},
      {"maxProperties", Json::value_t::object},     {"items", Json::value_t::array},
      {"prefixItems", Json::value_t::array},        {"additionalItems", Json::value_t::array},
      {"minItems", Json::value_t::array},           {"maxItems", Json::value_t::array},
      {"uniqueItems", Json::value_t::array},        {"pattern", Json::value_t::string},
      {"minLength", Json::value_t::string},         {"maxLength", Json::value_t::string}};
  const auto about_others = [&](const std::string& word) {
    const auto type = kTypes.find(word);
    return type != kTypes.end() &&
           std::none_of(values.begin(), values.end(),
                        [&](const Json& value) { return value.type() == type->second; });
  };
  Schemas out;
  for (const Json* schema : schemas) {
    Json rest = Json::object();
    bool more = false;
    for (const auto& item : schema->items()) {
      const std::string& word = item.key();
      if (word == "type") rest[word] = item.value();
      if (is_settled(word) || about_others(word) || says_nothing(single(word, true))) continue;
      rest[word] = item.value();
      more = true;
    }
    if (more) out.push_back(shared_.document.derived(std::move(rest), schema));
  }
  return out;
}

// Those of one list that satisfy everything else.
Compiler::Expr Compiler::values(const Way& way, const Types& types) {
  std::vector<Json> candidates;
  for (const Json* schema : way.schemas) {
    const Json* list = shared_.document.list(schema, "enum");
    if (list != nullptr) candidates.assign(list->begin(), list->end());
    if (schema->contains("const")) candidates = {schema->at("const")};
    if (!candidates.empty()) break;
  }
  std::erase_if(candidates, [&](const Json& each) { return !fits(each, way, types); });
  if (candidates.empty()) return b_.nothing();
  const Schemas others = beside_lists(way.schemas, candidates);
  std::shared_ptr<const Grammar> grammar;
  if (!others.empty()) {
    if (shared_.lists >= kListsMax) {
      shared_.document.refuse(
          way.schemas.front(), "enum",
          "lists of values in lists of values, deeper than " + std::to_string(kListsMax),
          ErrorCode::kResourceExhausted);
    }
    ++shared_.lists;
    Compiler inner(shared_, JsonStyle::kCompact);
    const GrammarBuilder::Rule root = inner.compile(others);
    --shared_.lists;
    if (!inner.b_.satisfiable(root)) return b_.nothing();
    grammar = inner.b_.build(root);
  }
  std::vector<Expr> options;
  for (const Json& candidate : candidates) {
    if (grammar != nullptr &&
        !matches(grammar, ordered_text(shared_.document, candidate, others))) {
      continue;
    }
    options.push_back(b_.literal(ordered_text(shared_.document, candidate, way.whole)));
  }
  return b_.choice(std::move(options));
}

}  // namespace ondol::text::schema
