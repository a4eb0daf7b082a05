// Values as the grammar of a schema writes them. Only json_schema_*.cpp use it.
#pragma once

#include <string>

#include "text/json_schema_expand.h"

namespace ondol::text::schema {

// The value's text: numbers and strings in the grammar's spelling, properties in the order of the
// schemas that the value may have to satisfy, all branches together: which of them it satisfies is
// not asked.
std::string ordered_text(Document& document, const Json& value, const Schemas& schemas);

}  // namespace ondol::text::schema
