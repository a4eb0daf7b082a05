#include "text/json_schema_document.inc"

#include <algorithm>
#include <array>
#include <cctype>

#include "text/grammar.h"

namespace ondol::text::schema {
namespace {

constexpr int kDepthMax = 500;

constexpr auto kSupported = std::to_array<std::string_view>({"$ref",
                                                             "additionalItems",
                                                             "additionalProperties",
                                                             "allOf",
                                                             "anyOf",
                                                             "const",
                                                             "dependencies",
                                                             "dependentRequired",
                                                             "dependentSchemas",
                                                             "else",
                                                             "enum",
                                                             "exclusiveMaximum",
                                                             "exclusiveMinimum",
                                                             "format",
                                                             "if",
                                                             "items",
                                                             "maxItems",
                                                             "maxLength",
                                                             "maxProperties",
                                                             "maximum",
                                                             "minItems",
                                                             "minLength",
                                                             "minProperties",
                                                             "minimum",
                                                             "multipleOf",
                                                             "not",
                                                             "oneOf",
                                                             "pattern",
                                                             "patternProperties",
                                                             "prefixItems",
                                                             "properties",
                                                             "propertyNames",
                                                             "required",
                                                             "then",
                                                             "type",
                                                             "uniqueItems",
                                                             "unevaluatedProperties",
                                                             "unevaluatedItems",
                                                             "\x01not enum",
                                                             "\x01not pattern",
                                                             "\x01fraction"});

constexpr auto kRefused = std::to_array<std::string_view>(
    {"contains", "minContains", "maxContains", "$dynamicRef", "$recursiveRef", "divisibleBy",
     "disallow", "extends", "propertyDependencies"});

// Words of JSON Schema, and of what is often beside it, that assert nothing.
constexpr auto kNotes = std::to_array<std::string_view>({"$anchor",
                                                         "$comment",
                                                         "$defs",
                                                         "$dynamicAnchor",
                                                         "$id",
                                                         "$recursiveAnchor",
                                                         "$schema",
                                                         "$vocabulary",
                                                         "contentEncoding",
                                                         "contentMediaType",
                                                         "contentSchema",
                                                         "default",
                                                         "definitions",
                                                         "deprecated",
                                                         "description",
                                                         "example",
                                                         "examples",
                                                         "externalDocs",
                                                         "id",
                                                         "links",
                                                         "note",
                                                         "readOnly",
                                                         "readonly",
                                                         "title",
                                                         "writeOnly",
                                                         "xml",
                                                         "discriminator",
                                                         "$async"});

template <class List>
bool holds(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string lower(std::string_view word) {
  std::string out;
  for (const char c : word) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// One letter more, less or other.
bool one_off(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  return a.substr(a.size() == b.size() ? std::min(i + 1, a.size()) : i) ==
         b.substr(std::min(i + 1, b.size()));
}

// The word that was probably meant; empty: none.
std::string_view meant(std::string_view word) {
  if (word.empty() || word[0] == '_' || word[0] == '$' || word.starts_with("x-")) return {};
  const auto near = [&](std::string_view known) {
    return lower(word) == lower(known) || (known.size() >= 6 && one_off(lower(word), lower(known)));
  };
  for (const std::string_view known : kSupported) {
    if (near(known)) return known;
  }
  for (const std::string_view known : kRefused) {
    if (near(known)) return known;
  }
  return {};
}

std::string escaped(std::string_view part) {
  std::string out;
  for (const char c : part) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hex = text[i] == '%' && i + 2 < text.size() &&
                     std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                     std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
    if (hex) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

int depth_of(std::string_view text) {
  int depth = 0, most = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\') ++i;
      quoted = i >= text.size() || text[i] != '"';
    } else if (text[i] == '"') {
      quoted = true;
    } else if (text[i] == '{' || text[i] == '[') {
      most = std::max(most, ++depth);
    } else if (text[i] == '}' || text[i] == ']') {
      --depth;
    }
  }
  return most;
}

}  // namespace

bool says_nothing(const Json& schema) {
  if (schema.is_boolean()) return schema.get<bool>();
  if (!schema.is_object()) return false;
  return std::all_of(schema.items().begin(), schema.items().end(),
                     [](const auto& item) { return holds(kNotes, item.key()); });
}

Document::Document(std::string_view text) {
  if (depth_of(text) > kDepthMax) {
    throw Error(ErrorCode::kResourceExhausted,
                "[json schema] values in values, deeper than " + std::to_string(kDepthMax));
  }
  try {
    root_ = Json::parse(text);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("[json schema] this is no JSON: ") + error.what());
  }
  index(root_, "#");
  if (root_.is_object()) {
    const auto draft = root_.find("$schema");
    if (draft != root_.end() && draft->is_string()) {
      const auto& name = draft->get_ref<const std::string&>();
      for (const char* old : {"draft-03", "draft-04", "draft-05", "draft-06", "draft-07"}) {
        old_ |= name.find(old) != std::string::npos;
      }
    }
  }
  find_ids(root_, &root_);
}

void Document::index(const Json& value, const std::string& pointer) {
  pointers_.emplace(&value, pointer);
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) index(inner, pointer + "/" + escaped(key));
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) index(value[i], pointer + "/" + std::to_string(i));
  }
}

// Every value below a schema with an id belongs to it; ids in data do no harm: only references
// look at them.
void Document::find_ids(const Json& value, const Json* base) {
  if (value.is_object()) {
    for (const char* word : {"$id", "id"}) {
      const auto id = value.find(word);
      if (id == value.end() || !id->is_string()) continue;
      const auto& name = id->get_ref<const std::string&>();
      ids_.emplace(name, &value);
      if (name.starts_with("#")) continue;
      if (&value == &root_ || std::string_view(word) == "$id") base = &value;
      ids_.emplace(name.substr(name.find_last_of('/') + 1), &value);
      if (name.ends_with("#")) ids_.emplace(name.substr(0, name.size() - 1), &value);
    }
    for (const char* word : {"$anchor", "$dynamicAnchor"}) {
      const auto anchor = value.find(word);
      if (anchor != value.end() && anchor->is_string()) {
        ids_.emplace("#" + anchor->get<std::string>(), &value);
      }
    }
  }
  bases_[&value] = base;
  if (!value.is_structured()) return;
  for (const auto& inner : value) find_ids(inner, base);
}

const Json* Document::find(const Json* base, std::string_view fragment, const Json* schema) const {
  const Json* at = base;
  for (size_t begin = 0; begin < fragment.size();) {
    const size_t end = std::min(fragment.find('/', begin + 1), fragment.size());
    std::string part(fragment.substr(begin + 1, end - begin - 1));
    begin = end;
    for (size_t i = 0; (i = part.find('~', i)) != std::string::npos; ++i) {
      if (part.compare(i, 2, "~1") == 0)
        part.replace(i, 2, "/");
      else if (part.compare(i, 2, "~0") == 0)
        part.replace(i, 2, "~");
    }
    const Json* next = nullptr;
    if (at->is_object() && at->contains(part)) next = &at->at(part);
    const bool number = !part.empty() && part.size() < 9 &&
                        part.find_first_not_of("0123456789") == std::string::npos;
    if (at->is_array() && number && std::stoul(part) < at->size()) next = &at->at(std::stoul(part));
    if (next == nullptr) {
      refuse(schema, "$ref",
             "got '" + schema->at("$ref").get<std::string>() +
                 "', expected something that is in the document",
             ErrorCode::kInvalidArgument);
    }
    at = next;
  }
  if (!at->is_object() && !at->is_boolean()) {
    refuse(schema, "$ref", "it names no schema", ErrorCode::kInvalidArgument);
  }
  return at;
}

const Json* Document::target(const Json* schema) {
  const Json& value = schema->at("$ref");
  if (!value.is_string()) refuse(schema, "$ref", "expected text", ErrorCode::kInvalidArgument);
  const std::string name = percent_decoded(value.get_ref<const std::string&>());
  const auto known_base = bases_.find(schema);
  const Json* base = known_base != bases_.end() ? known_base->second : &root_;
  const auto whole = ids_.find(name);
  if (name != "#" && whole != ids_.end()) return whole->second;
  const size_t hash = name.find('#');
  if (hash != 0) {
    const auto document = ids_.find(name.substr(0, hash));
    if (document == ids_.end()) {
      refuse(schema, "$ref",
             "got '" + name +
                 "', which is in no part of this document; other "
                 "documents are not read");
    }
    base = document->second;
  }
  const std::string fragment = hash == std::string::npos ? "" : name.substr(hash + 1);
  if (!fragment.empty() && fragment[0] != '/') {
    refuse(schema, "$ref", "got '" + name + "', which no $anchor has", ErrorCode::kInvalidArgument);
  }
  return find(base, fragment, schema);
}

void Document::check_words(const Json* schema) {
  if (checked_[schema]) return;
  checked_[schema] = true;
  for (const auto& item : schema->items()) {
    const std::string& word = item.key();
    if (holds(kRefused, word)) refuse(schema, word, "the keyword is not supported");
    if (word == "uniqueItems" && !item.value().is_boolean()) {
      refuse(schema, word, "expected true or false", ErrorCode::kInvalidArgument);
    }
    if (word.starts_with("unevaluated") && holds(kSupported, word) && !says_nothing(item.value())) {
      refuse(schema, word, "the keyword is not supported; try additionalProperties or items");
    }
    if (holds(kSupported, word) || holds(kNotes, word)) continue;
    const std::string_view near = meant(word);
    if (!near.empty()) {
      refuse(schema, word,
             "JSON Schema has no such keyword; did you mean '" + std::string(near) + "'?");
    }
  }
}

const Json* Document::derived(Json schema, const Json* origin) {
  derived_.push_back(std::move(schema));
  const Json* made = &derived_.back();
  const auto base = bases_.find(origin);
  const Json* base_of_all = base != bases_.end() ? base->second : &root_;
  // Its parts stand where it comes from, and what they refer to is what it would be there.
  const auto inherit = [&](const auto& self, const Json& value) -> void {
    pointers_.emplace(&value, pointer(origin));
    bases_[&value] = base_of_all;
    if (!value.is_structured()) return;
    for (const auto& inner : value) self(self, inner);
  };
  inherit(inherit, *made);
  return made;
}

std::string Document::pointer(const Json* value) const {
  const auto known = pointers_.find(value);
  return known != pointers_.end() ? known->second : "#";
}

void Document::refuse(const Json* schema, std::string_view word, const std::string& why,
                      ErrorCode code) const {
  throw Error(code, "[json schema] '" + std::string(word) + "' at " + pointer(schema) + ": " + why);
}

const Json* Document::list(const Json* schema, const char* word) const {
  const auto found = schema->find(word);
  if (found == schema->end()) return nullptr;
  if (!found->is_array()) refuse(schema, word, "expected a list", ErrorCode::kInvalidArgument);
  return &*found;
}

const Json* Document::object(const Json* schema, const char* word) const {
  const auto found = schema->find(word);
  if (found == schema->end()) return nullptr;
  if (!found->is_object()) refuse(schema, word, "expected an object", ErrorCode::kInvalidArgument);
  return &*found;
}

const Json* Document::schema_at(const Json* schema, const char* word) const {
  const auto found = schema->find(word);
  if (found == schema->end()) return nullptr;
  if (!found->is_object() && !found->is_boolean()) {
    refuse(schema, word, "expected a schema", ErrorCode::kInvalidArgument);
  }
  return &*found;
}

uint32_t Document::count(const Json* schema, const char* word, uint32_t otherwise) const {
  const auto found = schema->find(word);
  if (found == schema->end()) return otherwise;
  const bool whole =
      found->is_number() && found->get<double>() >= 0 &&
      found->get<double>() == static_cast<double>(static_cast<uint64_t>(found->get<double>()));
  if (!whole) {
    refuse(schema, word, "expected a whole number of at least 0", ErrorCode::kInvalidArgument);
  }
  // Beyond this there is no difference: nobody writes that much.
  return static_cast<uint32_t>(std::min(found->get<double>(), 4e9));
}

}  // namespace ondol::text::schema
