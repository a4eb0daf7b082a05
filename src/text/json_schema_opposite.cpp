// The opposite of a schema: one of its words does not hold.
#include <algorithm>
#include <set>

#include "text/json_schema_expand.inc"

namespace ondol::text::schema {
namespace {

constexpr int kDepthMax = 60;
constexpr int kReferencesMax = 1000;

class Opposite {
 public:
  explicit Opposite(Document& document) : document_(document) {}

  Json of(const Json* schema, int depth) {
    if (depth > kDepthMax) {
      document_.refuse(
          schema, "not",
          "the opposite of schemas in schemas, deeper than " + std::to_string(kDepthMax));
    }
    if (schema->is_boolean()) return !schema->get<bool>();
    if (!schema->is_object()) {
      document_.refuse(schema, "not", "expected a schema", ErrorCode::kInvalidArgument);
    }
    document_.check_words(schema);
    Json options = Json::array();
    if (schema->contains("$ref")) {
      options.push_back(of(document_.target(schema), depth + 1));
      if (document_.reference_stands_alone()) return options[0];
    }
    for (const auto& item : schema->items()) {
      if (item.key() != "$ref") add(schema, item.key(), item.value(), depth, options);
    }
    if (options.empty()) return false;
    if (options.size() == 1) return options[0];
    return {{"anyOf", options}};
  }

 private:
  void add(const Json* schema, const std::string& word, const Json& value, int depth,
           Json& options) {
    if (add_values(schema, word, value, options) || add_sizes(schema, word, options) ||
        add_combined(schema, word, value, depth, options) ||
        add_properties(schema, word, value, depth, options)) {
      return;
    }
    static const std::set<std::string> kNoOpposite = {"additionalItems",
                                                      "additionalProperties",
                                                      "dependencies",
                                                      "dependentRequired",
                                                      "dependentSchemas",
                                                      "format",
                                                      "if",
                                                      "items",
                                                      "multipleOf",
                                                      "patternProperties",
                                                      "prefixItems",
                                                      "propertyNames",
                                                      "uniqueItems",
                                                      kNotEnum,
                                                      kNotPattern,
                                                      kFraction};
    if (kNoOpposite.contains(word) && value != Json(true) && value != Json::object()) {
      document_.refuse(schema, word, "its opposite (for not, oneOf or if) is not supported");
    }
  }

  bool add_values(const Json* schema, const std::string& word, const Json& value, Json& options) {
    if (word == "type") {
      add_types(schema, value, options);
    } else if (word == "enum") {
      options.push_back({{kNotEnum, *document_.list(schema, "enum")}});
    } else if (word == "const") {
      options.push_back({{kNotEnum, Json::array({value})}});
    } else if (word == "pattern") {
      options.push_back({{"type", "string"}, {kNotPattern, value}});
    } else if (word == "minimum" || word == "maximum") {
      const bool low = word == "minimum";
      const auto strict = schema->find(low ? "exclusiveMinimum" : "exclusiveMaximum");
      const bool excluded = strict != schema->end() && *strict == Json(true);
      const char* other = low ? (excluded ? "maximum" : "exclusiveMaximum")
                              : (excluded ? "minimum" : "exclusiveMinimum");
      options.push_back({{"type", "number"}, {other, value}});
    } else if (word == "exclusiveMinimum" || word == "exclusiveMaximum") {
      if (value.is_boolean()) return true;
      const char* other = word == "exclusiveMinimum" ? "maximum" : "minimum";
      options.push_back({{"type", "number"}, {other, value}});
    } else {
      return false;
    }
    return true;
  }

  void add_types(const Json* schema, const Json& value, Json& options) {
    std::set<std::string> named;
    for (const Json& each : value.is_array() ? value : Json::array({value})) {
      if (!each.is_string()) {
        document_.refuse(schema, "type", "expected names of types", ErrorCode::kInvalidArgument);
      }
      named.insert(each.get<std::string>());
    }
    Json others = Json::array();
    for (const char* type : {"null", "boolean", "string", "array", "object"}) {
      if (!named.contains(type)) others.push_back(type);
    }
    const bool number = named.contains("number"), integer = named.contains("integer");
    if (!number && !integer) others.push_back("number");
    if (!others.empty()) options.push_back({{"type", others}});
    if (!number && integer) options.push_back({{"type", "number"}, {kFraction, true}});
  }

  bool add_sizes(const Json* schema, const std::string& word, Json& options) {
    struct Size {
      const char *low, *high, *type;
    };
    for (const Size& size :
         {Size{"minLength", "maxLength", "string"}, Size{"minItems", "maxItems", "array"},
          Size{"minProperties", "maxProperties", "object"}}) {
      if (word == size.low) {
        const uint32_t least = document_.count(schema, size.low, 0);
        if (least > 0) options.push_back({{"type", size.type}, {size.high, least - 1}});
        return true;
      }
      if (word == size.high) {
        const uint32_t most = document_.count(schema, size.high, 0);
        options.push_back({{"type", size.type}, {size.low, uint64_t{most} + 1}});
        return true;
      }
    }
    return false;
  }

  bool add_combined(const Json* schema, const std::string& word, const Json& value, int depth,
                    Json& options) {
    if (word == "not") {
      options.push_back(value);
    } else if (word == "allOf") {
      for (const Json& each : *document_.list(schema, "allOf")) {
        options.push_back(of(&each, depth + 1));
      }
    } else if (word == "anyOf" || word == "oneOf") {
      const Json& list = *document_.list(schema, word.c_str());
      Json none = Json::array();
      for (const Json& each : list) none.push_back(of(&each, depth + 1));
      options.push_back({{"allOf", none}});
      for (size_t i = 0; word == "oneOf" && i < list.size(); ++i) {
        for (size_t j = 0; j < i; ++j)
          options.push_back({{"allOf", Json::array({list[j], list[i]})}});
      }
    } else {
      return word == "then" || word == "else";
    }
    return true;
  }

  bool add_properties(const Json* schema, const std::string& word, const Json& value, int depth,
                      Json& options) {
    if (word == "required") {
      for (const Json& name : *document_.list(schema, "required")) {
        if (!name.is_string()) {
          document_.refuse(schema, word, "expected names", ErrorCode::kInvalidArgument);
        }
        options.push_back(
            {{"type", "object"}, {"properties", single(name.get<std::string>(), false)}});
      }
    } else if (word == "properties") {
      for (const auto& item : document_.object(schema, "properties")->items()) {
        const Json other = of(&item.value(), depth + 1);
        if (other == Json(false)) continue;
        options.push_back({{"type", "object"},
                           {"required", Json::array({item.key()})},
                           {"properties", single(item.key(), other)}});
      }
    } else if (word == "patternProperties") {
      return std::all_of(value.begin(), value.end(), says_nothing);
    } else if (word == "propertyNames" && value.is_object() && value.size() == 1 &&
               value.contains("not") && value["not"].is_object() && value["not"].size() == 1 &&
               value["not"].contains("enum")) {
      // Some name is one of these.
      for (const Json& name : value["not"]["enum"]) {
        if (name.is_string())
          options.push_back({{"type", "object"}, {"required", Json::array({name})}});
      }
    } else {
      return false;
    }
    return true;
  }

  Document& document_;
};

struct Order {
  std::set<const Json*> schemas;
  std::set<std::string> seen;
  std::vector<std::string> names;
};

void add_order(Document& document, const Json* schema, int depth, Order& out) {
  if (!schema->is_object() || !out.schemas.insert(schema).second) return;
  if (depth > kReferencesMax) {
    document.refuse(schema, "$ref",
                    "schemas in schemas, deeper than " + std::to_string(kReferencesMax),
                    ErrorCode::kResourceExhausted);
  }
  const auto add = [&](const std::string& name) {
    if (out.seen.insert(name).second) out.names.push_back(name);
  };
  if (schema->contains("$ref")) {
    add_order(document, document.target(schema), depth + 1, out);
    if (document.reference_stands_alone()) return;
  }
  if (const Json* properties = document.object(schema, "properties")) {
    for (const auto& item : properties->items()) add(item.key());
  }
  if (const Json* required = document.list(schema, "required")) {
    for (const Json& name : *required) {
      if (name.is_string()) add(name.get<std::string>());
    }
  }
  for (const char* word : {"allOf", "anyOf", "oneOf"}) {
    const Json* list = document.list(schema, word);
    if (list == nullptr) continue;
    for (const Json& each : *list) add_order(document, &each, depth + 1, out);
  }
  for (const char* word : {"not", "if", "then", "else"}) {
    if (schema->contains(word)) add_order(document, &schema->at(word), depth + 1, out);
  }
  for (const char* word : {"dependencies", "dependentRequired", "dependentSchemas"}) {
    const Json* all = document.object(schema, word);
    if (all == nullptr) continue;
    for (const auto& item : all->items()) {
      add(item.key());
      add_order(document, &item.value(), depth + 1, out);
      if (!item.value().is_array()) continue;
      for (const Json& name : item.value()) {
        if (name.is_string()) add(name.get<std::string>());
      }
    }
  }
}

}  // namespace

const Json* opposite(Document& document, const Json* schema) {
  return document.derived(Opposite(document).of(schema, 0), schema);
}

std::vector<std::string> property_order(Document& document, const Schemas& schemas) {
  Order out;
  for (const Json* schema : schemas) add_order(document, schema, 0, out);
  return std::move(out.names);
}

}  // namespace ondol::text::schema
