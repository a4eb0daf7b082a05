// A JSON Schema document: its parts by address, what its references name, what its words mean. Only
// json_schema_*.cpp use it.
#pragma once

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace ondol::text::schema {

using Json = nlohmann::ordered_json;

// {key: value}
inline Json single(const std::string& key, Json value) {
  Json out = Json::object();
  out[key] = std::move(value);
  return out;
}

// A schema is named by the address of its JSON value, which stays where it is.
class Document {
 public:
  // Throws Error(kInvalidArgument).
  explicit Document(std::string_view text);

  const Json& root() const { return root_; }
  // What a $ref in `schema` names; throws Error(kUnsupported) for other documents.
  const Json* target(const Json* schema);
  // Checks the words of a schema (an object) once; throws Error naming one that is not supported.
  void check_words(const Json* schema);
  // Words beside $ref say nothing before draft 2019-09.
  bool reference_stands_alone() const { return old_; }

  // A schema that is not in the text but follows from `origin`.
  const Json* derived(Json schema, const Json* origin);
  // "#/properties/a": of a schema or anything in it.
  std::string pointer(const Json* value) const;
  [[noreturn]] void refuse(const Json* schema, std::string_view word, const std::string& why,
                           ErrorCode code = ErrorCode::kUnsupported) const;

  // Typed access; throws for a value of the wrong kind. Null: absent.
  const Json* list(const Json* schema, const char* word) const;
  const Json* object(const Json* schema, const char* word) const;
  const Json* schema_at(const Json* schema, const char* word) const;
  // A whole number >= 0, or `otherwise`.
  uint32_t count(const Json* schema, const char* word, uint32_t otherwise) const;

 private:
  void index(const Json& value, const std::string& pointer);
  void find_ids(const Json& value, const Json* base);
  const Json* find(const Json* base, std::string_view fragment, const Json* schema) const;

  Json root_;
  bool old_ = false;
  std::deque<Json> derived_;
  std::unordered_map<const Json*, std::string> pointers_;
  std::unordered_map<const Json*, const Json*> bases_;  // the schema with an id that it is part of
  std::unordered_map<std::string, const Json*> ids_;
  std::unordered_map<const Json*, bool> checked_;
};

// True for `true` and for schemas without a word that asserts anything.
bool says_nothing(const Json& schema);

}  // namespace ondol::text::schema
