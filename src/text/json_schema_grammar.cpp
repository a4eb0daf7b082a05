#include "text/json_schema_grammar.h"

#include "text/json_schema_compiler.inc"

namespace ondol::text {
namespace schema {
namespace {

void check_size(std::string_view schema) {
  if (schema.size() > kJsonSchemaBytesMax) {
    throw Error(ErrorCode::kResourceExhausted, "[json schema] " + std::to_string(schema.size()) +
                                                   " bytes; expected at most " +
                                                   std::to_string(kJsonSchemaBytesMax));
  }
}

}  // namespace
}  // namespace schema

std::shared_ptr<const Grammar> json_schema_grammar(std::string_view schema, JsonStyle style) {
  schema::check_size(schema);
  schema::Shared shared(schema);
  return schema::Compiler(shared, style).grammar({&shared.document.root()});
}

std::string json_in_schema_order(std::string_view schema, std::string_view instance) {
  schema::check_size(schema);
  schema::Shared shared(schema);
  try {
    const schema::Json value = schema::Json::parse(instance);
    return schema::ordered_text(shared.document, value, {&shared.document.root()});
  } catch (const schema::Json::exception& error) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("[json schema] the instance is no JSON: ") + error.what());
  }
}

}  // namespace ondol::text
