// JSON Schema (what drafts 4 to 2020-12 share) as a grammar of the JSON texts that satisfy it.
//
//   std::shared_ptr<const Grammar> grammar = json_schema_grammar(R"({"type": "object", ...})");
//
// Every sentence of the grammar satisfies the schema; of the texts that satisfy it, those are
// written that are:
// - compact, or with one style of white space (JsonStyle);
// - in the schema's order of properties, the others behind them, each named property once;
// - in one spelling: no escape where none is needed, integers without fraction, exponent and "-0",
//   at most 16 digits where no bound asks for more (number_automaton.h).
//
// Supported: type, enum, const, properties, required, additionalProperties, patternProperties,
// propertyNames, minProperties, maxProperties, dependencies, dependentRequired, dependentSchemas,
// items, prefixItems, additionalItems, minItems, maxItems, minLength, maxLength, pattern, format
// (json_formats.h), minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, $ref and
// $defs within the document, anyOf, allOf, oneOf, not, if/then/else. oneOf and not are exact: where
// a schema's opposite cannot be written, they are refused. Every other keyword that asserts
// something is refused by name with its JSON pointer, never passed over; words that JSON Schema
// does not know assert nothing, but one that looks like a slip of the pen is refused too.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/grammar.h"

namespace ondol::text {

// White space: none; or, behind { [ , : and before } ], one space, or a new line and up to 20
// blanks, or nothing.
enum class JsonStyle { kCompact, kLoose };

inline constexpr size_t kJsonSchemaBytesMax = 1 << 20;

// Throws Error(kInvalidArgument) for what is no schema or has no instance, Error(kUnsupported)
// naming a keyword and its JSON pointer, Error(kResourceExhausted) for what becomes too large.
std::shared_ptr<const Grammar> json_schema_grammar(std::string_view schema,
                                                   JsonStyle style = JsonStyle::kCompact);

// `instance`, a JSON text, as the grammar writes such a text: compact, the properties that the
// schema names in its order, numbers and strings in its spelling. It need not satisfy the schema.
std::string json_in_schema_order(std::string_view schema, std::string_view instance);

}  // namespace ondol::text
