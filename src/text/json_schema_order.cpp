#include "text/json_schema_order.inc"

#include <algorithm>
#include <cmath>
#include <map>

#include "text/number_automaton.h"
#include "text/pattern.h"

namespace ondol::text::schema {
namespace {

constexpr int kReferencesMax = 1000;

// Whole numbers without a fraction, the others without an exponent where that is short.
std::string number_text(const Json& value) {
  const double number = value.get<double>();
  // All whole numbers below 2^53 are doubles.
  if (number == std::trunc(number) && std::abs(number) < 9007199254740992.0) {
    return std::to_string(static_cast<int64_t>(number));
  }
  const std::string text = value.dump();
  const auto decimal = decimal_of(text);
  const bool is_short = decimal && decimal->whole.size() <= 16 && decimal->fraction.size() <= 20;
  if (text.find('e') == std::string::npos || !is_short) return text;
  const std::string whole = (decimal->negative ? "-" : "") + decimal->whole;
  return decimal->fraction.empty() ? whole : whole + "." + decimal->fraction;
}

class Orderer {
 public:
  explicit Orderer(Document& document) : document_(document) {}

  std::string write(const Json& value, const Schemas& schemas) {
    if (value.is_number_float()) return number_text(value);
    if (!value.is_structured()) return value.dump();
    Schemas all;
    for (const Json* schema : schemas) reach(schema, 0, all);
    return value.is_object() ? object(value, all) : array(value, all);
  }

 private:
  void reach(const Json* schema, int depth, Schemas& out) {
    if (!schema->is_object() || std::find(out.begin(), out.end(), schema) != out.end()) return;
    if (depth > kReferencesMax) {
      document_.refuse(schema, "$ref", "schemas in schemas, too deep",
                       ErrorCode::kResourceExhausted);
    }
    out.push_back(schema);
    if (schema->contains("$ref")) reach(document_.target(schema), depth + 1, out);
    for (const char* word : {"allOf", "anyOf", "oneOf"}) {
      const auto list = schema->find(word);
      if (list == schema->end() || !list->is_array()) continue;
      for (const Json& each : *list) reach(&each, depth + 1, out);
    }
    for (const char* word : {"not", "if", "then", "else"}) {
      if (schema->contains(word)) reach(&schema->at(word), depth + 1, out);
    }
    for (const char* word : {"dependencies", "dependentSchemas"}) {
      const auto all = schema->find(word);
      if (all == schema->end() || !all->is_object()) continue;
      for (const Json& each : *all) reach(&each, depth + 1, out);
    }
  }

  const CodeAutomaton& pattern(const std::string& source) {
    const auto known = patterns_.find(source);
    if (known != patterns_.end()) return known->second;
    return patterns_.emplace(source, pattern_automaton(source)).first->second;
  }

  Schemas of_property(const std::string& name, const Schemas& all) {
    Schemas out;
    for (const Json* schema : all) {
      bool named = false;
      const Json* properties = document_.object(schema, "properties");
      if (properties != nullptr && properties->contains(name)) {
        out.push_back(&properties->at(name));
        named = true;
      }
      if (const Json* patterns = document_.object(schema, "patternProperties")) {
        for (const auto& item : patterns->items()) {
          if (!pattern(item.key()).accepts(to_codes(name))) continue;
          out.push_back(&item.value());
          named = true;
        }
      }
      if (!named && schema->contains("additionalProperties")) {
        out.push_back(&schema->at("additionalProperties"));
      }
    }
    return out;
  }

  std::string object(const Json& value, const Schemas& all) {
    std::string out;
    const auto add = [&](const std::string& name, const Json& inner) {
      out += (out.empty() ? "{" : ",") + Json(name).dump() + ":" +
             write(inner, of_property(name, all));
    };
    const std::vector<std::string> order = property_order(document_, all);
    for (const std::string& name : order) {
      if (value.contains(name)) add(name, value.at(name));
    }
    for (const auto& item : value.items()) {
      if (std::find(order.begin(), order.end(), item.key()) == order.end()) {
        add(item.key(), item.value());
      }
    }
    return out.empty() ? "{}" : out + "}";
  }

  std::string array(const Json& value, const Schemas& all) {
    std::string out;
    for (size_t i = 0; i < value.size(); ++i) {
      Schemas inner;
      for (const Json* schema : all) {
        for (const char* word : {"prefixItems", "items", "additionalItems"}) {
          const auto found = schema->find(word);
          if (found == schema->end()) continue;
          if (!found->is_array())
            inner.push_back(&*found);
          else if (i < found->size())
            inner.push_back(&(*found)[i]);
        }
      }
      out += (out.empty() ? "[" : ",") + write(value[i], inner);
    }
    return out.empty() ? "[]" : out + "]";
  }

  Document& document_;
  std::map<std::string, CodeAutomaton> patterns_;
};

}  // namespace

std::string ordered_text(Document& document, const Json& value, const Schemas& schemas) {
  return Orderer(document).write(value, schemas);
}

}  // namespace ondol::text::schema
