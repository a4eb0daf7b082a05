// Strings and numbers of a schema.
#include <algorithm>
#include <cmath>

#include "text/json_formats.h"
#include "text/json_schema_compiler.inc"
#include "text/number_automaton.h"
#include "text/pattern.h"

namespace ondol::text::schema {
namespace {

// The number as the schema wrote it, near enough: the shortest text of the double.
Decimal decimal(const Document& document, const Json* schema, const char* word) {
  const Json& value = schema->at(word);
  const std::optional<Decimal> out =
      value.is_number() ? decimal_of(value.dump()) : std::optional<Decimal>();
  if (!out) document.refuse(schema, word, "expected a number", ErrorCode::kInvalidArgument);
  return *out;
}

// Before draft 6, exclusiveMinimum was a word about minimum.
void add_bounds(const Document& document, const Json* schema, bool low, std::vector<Bound>& out) {
  const char* word = low ? "minimum" : "maximum";
  const char* strict = low ? "exclusiveMinimum" : "exclusiveMaximum";
  const auto found = schema->find(strict);
  const bool flag = found != schema->end() && found->is_boolean();
  if (schema->contains(word)) {
    out.push_back({decimal(document, schema, word), flag && found->get<bool>()});
  }
  if (found != schema->end() && !flag) {
    out.push_back({decimal(document, schema, strict), true});
  }
}

std::u32string codes_of(const Json& text) { return to_codes(text.get_ref<const std::string&>()); }

}  // namespace

Compiler::Expr Compiler::number(const Schemas& schemas, bool integer) {
  const Document& document = shared_.document;
  NumberSpec spec{.integer = integer};
  bool fraction = false;
  for (const Json* schema : schemas) {
    add_bounds(document, schema, true, spec.min);
    add_bounds(document, schema, false, spec.max);
    if (schema->contains("multipleOf")) {
      spec.multiple_of.push_back(decimal(document, schema, "multipleOf"));
    }
    fraction |= schema->contains(kFraction);
    const auto format = schema->find("format");
    if (format == schema->end() || !format->is_string() || shared_.depth > 0) continue;
    if (const auto bounds = format_bounds(format->get_ref<const std::string&>())) {
      spec.min.push_back({*decimal_of(bounds->first)});
      spec.max.push_back({*decimal_of(bounds->second)});
      spec.integer = true;
    }
  }
  try {
    std::vector<CodeAutomaton> texts = {number_automaton(spec)};
    if (fraction) {
      static constexpr const char* kFractions = "^-?[0-9]+\\.[0-9]*[1-9][0-9]*$";
      texts[0] = both(texts[0], pattern_automaton(kFractions));
    }
    for (const Json& never : excluded(schemas)) {
      if (!never.is_number()) continue;
      const Bound bound{*decimal_of(never.dump()), true};
      const CodeAutomaton others =
          either(number_automaton({.integer = spec.integer, .min = {bound}}),
                 number_automaton({.integer = spec.integer, .max = {bound}}));
      texts[0] = both(texts[0], others);
    }
    return pieces_.plain(texts[0]);
  } catch (const Error& error) {
    document.refuse(schemas.front(), spec.multiple_of.empty() ? "minimum" : "multipleOf",
                    error.what(), error.code());
  }
}

const CodeAutomaton& Compiler::pattern(const Json* schema, const char* word, const Json& source) {
  if (!source.is_string()) {
    shared_.document.refuse(schema, word, "expected a pattern", ErrorCode::kInvalidArgument);
  }
  const auto& text = source.get_ref<const std::string&>();
  const auto known = shared_.patterns.find(text);
  if (known != shared_.patterns.end()) return known->second;
  try {
    return shared_.patterns.emplace(text, pattern_automaton(text)).first->second;
  } catch (const Error& error) {
    shared_.document.refuse(schema, word, error.what(), error.code());
  }
}

std::optional<CodeAutomaton> Compiler::strings(const Schemas& schemas, uint32_t& min,
                                               uint32_t& max) {
  const Document& document = shared_.document;
  std::optional<CodeAutomaton> out;
  const auto keep = [&](const CodeAutomaton& texts) { out = out ? both(*out, texts) : texts; };
  min = 0;
  max = kRepeatMax;
  for (const Json* schema : schemas) {
    min = std::max(min, document.count(schema, "minLength", 0));
    max = std::min(max, document.count(schema, "maxLength", kRepeatMax));
    if (schema->contains("pattern")) keep(pattern(schema, "pattern", schema->at("pattern")));
    const auto never = schema->find(kNotPattern);
    if (never != schema->end()) {
      keep(without(CodeAutomaton::everything(), pattern(schema, "pattern", *never)));
    }
    const auto format = schema->find("format");
    if (format == schema->end()) continue;
    const std::string name = format->is_string() ? format->get<std::string>() : format->dump();
    if (const auto source = format_pattern(name)) {
      // Whether two schemas exclude each other must not hang on formats: some readers do not check
      // them, and some of ours hold less than the standard allows.
      if (shared_.depth == 0) keep(pattern(schema, "format", *source));
    } else if (!format_bounds(name) && !format_says_nothing(name)) {
      document.refuse(schema, "format",
                      "the format '" + name + "' is not supported; try a pattern");
    }
  }
  std::vector<std::u32string> never;
  for (const Json& each : excluded(schemas)) {
    if (each.is_string()) never.push_back(codes_of(each));
  }
  if (!never.empty()) {
    keep(without(CodeAutomaton::everything(), CodeAutomaton::strings(never)));
  }
  return out;
}

Compiler::Expr Compiler::string(const Schemas& schemas) {
  uint32_t min = 0, max = kRepeatMax;
  try {
    std::optional<CodeAutomaton> texts = strings(schemas, min, max);
    if (!texts) return pieces_.string(min, max);
    if (min > 0 || max != kRepeatMax) texts = both(*texts, CodeAutomaton::lengths(min, max));
    return pieces_.string(*texts);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kResourceExhausted) throw;
    shared_.document.refuse(schemas.front(), "pattern",
                            std::string("together with what else it asks for: ") + error.what(),
                            ErrorCode::kResourceExhausted);
  }
}

// For the names of properties.
CodeAutomaton Compiler::all_strings(const Schemas& schemas) {
  Expander expander(shared_, [this](const Schemas& all) {
    return Compiler(shared_, JsonStyle::kCompact).satisfiable(all);
  });
  CodeAutomaton out;
  for (const Schemas& way : expander.expand(schemas)) {
    if (!types(way).string) continue;
    uint32_t min = 0, max = kRepeatMax;
    std::optional<CodeAutomaton> texts = strings(way, min, max);
    if (!texts) texts = CodeAutomaton::everything();
    if (min > 0 || max != kRepeatMax) texts = both(*texts, CodeAutomaton::lengths(min, max));
    for (const Json* schema : way) {
      std::vector<std::u32string> listed;
      const Json* list = shared_.document.list(schema, "enum");
      if (list != nullptr) {
        for (const Json& each : *list) {
          if (each.is_string()) listed.push_back(codes_of(each));
        }
        texts = both(*texts, CodeAutomaton::strings(listed));
      }
      const auto constant = schema->find("const");
      if (constant != schema->end()) {
        texts = both(*texts, constant->is_string() ? CodeAutomaton::strings({codes_of(*constant)})
                                                   : CodeAutomaton::nothing());
      }
    }
    out = either(out, *texts);
  }
  return out;
}

}  // namespace ondol::text::schema
