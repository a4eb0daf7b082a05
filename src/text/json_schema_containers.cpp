// Lists and objects of a schema.
#include <algorithm>

#include "text/json_schema_compiler.inc"
#include "text/pattern.h"

namespace ondol::text::schema {
namespace {

constexpr size_t kPrefixMax = 1000;
constexpr size_t kMemberStatesMax = 200'000;

// The schemas of the first items, and the word for the others.
const Json* prefix_of(const Document& document, const Json* schema, const char** rest) {
  const auto items = schema->find("items");
  const bool old = items != schema->end() && items->is_array();
  *rest = old ? "additionalItems" : "items";
  return old ? &*items : document.list(schema, "prefixItems");
}

}  // namespace

// ---- lists ----

Schemas Compiler::item(const Schemas& schemas, size_t index, bool rest) const {
  Schemas out;
  for (const Json* schema : schemas) {
    const char* word = nullptr;
    const Json* prefix = prefix_of(shared_.document, schema, &word);
    if (!rest && prefix != nullptr && index < prefix->size()) {
      out.push_back(&(*prefix)[index]);
    } else if (const Json* others = shared_.document.schema_at(schema, word)) {
      out.push_back(others);
    }
  }
  return out;
}

Compiler::Expr Compiler::array(const Schemas& schemas) {
  const Document& document = shared_.document;
  uint32_t min = 0, max = kRepeatMax;
  size_t count = 0;
  const Json* unique = nullptr;
  for (const Json* schema : schemas) {
    min = std::max(min, document.count(schema, "minItems", 0));
    max = std::min(max, document.count(schema, "maxItems", kRepeatMax));
    const char* word = nullptr;
    const Json* prefix = prefix_of(document, schema, &word);
    if (prefix != nullptr) count = std::max(count, prefix->size());
    if (prefix != nullptr && schema->contains("items") && schema->contains("prefixItems") &&
        std::string(word) == "additionalItems") {
      document.refuse(schema, "items", "got a list beside prefixItems, expected a schema",
                      ErrorCode::kInvalidArgument);
    }
    const auto each = schema->find("uniqueItems");
    if (each != schema->end() && *each == Json(true)) unique = schema;
  }
  if (unique != nullptr && max > 1) {
    document.refuse(unique, "uniqueItems", "the keyword is not supported where maxItems is not 1");
  }
  if (min > max) return b_.nothing();
  if (count > kPrefixMax) {
    document.refuse(schemas.front(), "prefixItems", "more than " + std::to_string(kPrefixMax),
                    ErrorCode::kResourceExhausted);
  }
  const auto first = static_cast<uint32_t>(std::min<size_t>(count, max));
  std::vector<GrammarBuilder::GraphEdge> edges;
  std::vector<uint32_t> finals;
  for (uint32_t i = 0; i < first; ++i) {
    const Expr one = value(item(schemas, i, false));
    edges.push_back({i, i == 0 ? one : b_.sequence({pieces_.comma(), one}), i + 1});
    if (i >= min) finals.push_back(i);
  }
  const uint32_t least = min > first ? min - first : 0;
  const uint32_t most = max == kRepeatMax ? kRepeatMax : max - first;
  const Expr other = value(item(schemas, 0, true));
  const Expr more = b_.sequence({pieces_.comma(), other});
  Expr rest = b_.repeat(more, least, most);
  if (first == 0) {
    const Expr some =
        most == 0 ? b_.nothing()
                  : b_.sequence({other, b_.repeat(more, least > 0 ? least - 1 : 0,
                                                  most == kRepeatMax ? kRepeatMax : most - 1)});
    rest = least == 0 ? b_.choice({b_.empty(), some}) : some;
  }
  edges.push_back({first, rest, first + 1});
  finals.push_back(first + 1);
  const Expr all = b_.graph(first + 2, std::move(edges), finals);
  return b_.sequence({pieces_.open("["), all, pieces_.close("]")});
}

// ---- objects ----

std::set<std::string> Compiler::required(const Schemas& schemas) const {
  std::set<std::string> out;
  for (const Json* schema : schemas) {
    const Json* names = shared_.document.list(schema, "required");
    if (names == nullptr) continue;
    for (const Json& name : *names) {
      if (!name.is_string()) {
        shared_.document.refuse(schema, "required", "expected names", ErrorCode::kInvalidArgument);
      }
      out.insert(name.get<std::string>());
    }
  }
  return out;
}

// What a property of this name has to satisfy.
Schemas Compiler::property(const Schemas& schemas, const std::string& name) {
  Document& document = shared_.document;
  Schemas out;
  for (const Json* schema : schemas) {
    bool named = false;
    const Json* properties = document.object(schema, "properties");
    if (properties != nullptr && properties->contains(name)) {
      out.push_back(&properties->at(name));
      named = true;
    }
    if (const Json* patterns = document.object(schema, "patternProperties")) {
      for (const auto& item : patterns->items()) {
        if (!pattern(schema, "patternProperties", item.key()).accepts(to_codes(name))) continue;
        out.push_back(&item.value());
        named = true;
      }
    }
    const Json* others = document.schema_at(schema, "additionalProperties");
    if (!named && others != nullptr) out.push_back(others);
  }
  return out;
}

// Names that no property has, by the patterns that they match.
std::vector<Compiler::OtherKeys> Compiler::other_keys(const Schemas& schemas, CodeAutomaton names) {
  struct Group {
    OtherKeys keys;
    bool named = false;  // by a pattern of the schema at hand
  };
  std::vector<Group> groups = {{{std::move(names), {}}}};
  for (const Json* schema : schemas) {
    for (Group& group : groups) group.named = false;
    if (const Json* patterns = shared_.document.object(schema, "patternProperties")) {
      for (const auto& item : patterns->items()) {
        const CodeAutomaton& texts = pattern(schema, "patternProperties", item.key());
        std::vector<Group> next;
        for (Group& group : groups) {
          Group in = group;
          in.keys.names = both(group.keys.names, texts);
          in.keys.values.push_back(&item.value());
          in.named = true;
          group.keys.names = without(group.keys.names, texts);
          if (!in.keys.names.states.empty()) next.push_back(std::move(in));
          if (!group.keys.names.states.empty()) next.push_back(std::move(group));
        }
        groups = std::move(next);
      }
    }
    const Json* others = shared_.document.schema_at(schema, "additionalProperties");
    if (others == nullptr) continue;
    for (Group& group : groups) {
      if (!group.named) group.keys.values.push_back(others);
    }
  }
  std::vector<OtherKeys> out;
  for (Group& group : groups) {
    const auto& values = group.keys.values;
    const bool never = std::any_of(values.begin(), values.end(),
                                   [](const Json* schema) { return *schema == Json(false); });
    if (!never && !group.keys.names.states.empty()) out.push_back(std::move(group.keys));
  }
  return out;
}

CodeAutomaton Compiler::allowed_names(const Schemas& schemas) {
  CodeAutomaton out = CodeAutomaton::everything();
  for (const Json* schema : schemas) {
    if (const Json* names = shared_.document.schema_at(schema, "propertyNames")) {
      out = both(out, all_strings({names}));
    }
  }
  return out;
}

Compiler::Expr Compiler::member(Expr key, Schemas values) {
  return b_.sequence({key, pieces_.colon(), value(std::move(values))});
}

Compiler::Expr Compiler::object(const Way& way) {
  const Document& document = shared_.document;
  const std::set<std::string> needed = required(way.schemas);
  const CodeAutomaton allowed = allowed_names(way.schemas);
  uint32_t min = 0, max = kRepeatMax;
  for (const Json* schema : way.schemas) {
    min = std::max(min, document.count(schema, "minProperties", 0));
    max = std::min(max, document.count(schema, "maxProperties", kRepeatMax));
  }
  std::vector<std::pair<Expr, bool>> named;  // and whether it is required
  std::vector<std::u32string> names;
  std::vector<std::string> order = way.order;
  for (const std::string& name : needed) {
    if (std::find(order.begin(), order.end(), name) == order.end()) order.push_back(name);
  }
  for (const std::string& name : order) {
    names.push_back(to_codes(name));
    Schemas values = property(way.schemas, name);
    const bool never =
        !allowed.accepts(names.back()) ||
        std::any_of(values.begin(), values.end(), [](const Json* s) { return *s == Json(false); });
    if (never && needed.contains(name)) return b_.nothing();
    if (!never) {
      named.emplace_back(member(pieces_.key(name), std::move(values)), needed.contains(name));
    }
  }
  std::vector<Expr> others;
  const CodeAutomaton unnamed = without(allowed, CodeAutomaton::strings(names));
  for (OtherKeys& keys : other_keys(way.schemas, unnamed)) {
    others.push_back(member(pieces_.string(keys.names), std::move(keys.values)));
  }
  // A name may come twice among the others, which is one property to a reader.
  if (!others.empty() && min > needed.size() + 1) {
    document.refuse(way.schemas.front(), "minProperties",
                    "more than one property without a name in the schema cannot be asked for");
  }
  const bool any = !others.empty();
  const Expr inner = members(named, b_.choice(std::move(others)), any, min, max);
  return b_.sequence({pieces_.open("{"), inner, pieces_.close("}")});
}

// Named members in order, each once, then the others. A state is the member that is next and how
// many were written, as far as that matters: whether a comma is due, and the bounds.
Compiler::Expr Compiler::members(const std::vector<std::pair<Expr, bool>>& named, Expr others,
                                 bool any_others, uint32_t min, uint32_t max) {
  const auto count = static_cast<uint32_t>(named.size());
  if (min > max || (!any_others && min > count)) return b_.nothing();
  const bool bounded = max != kRepeatMax && (any_others || max < count);
  const uint32_t most = std::max({min, bounded ? max : 0U, 1U});
  if (uint64_t{count + 1} * (uint64_t{most} + 1) > kMemberStatesMax) {
    shared_.document.refuse(&shared_.document.root(), "maxProperties",
                            "with so many properties it becomes too large",
                            ErrorCode::kResourceExhausted);
  }
  const auto state = [&](uint32_t next, uint32_t written) {
    return next * (most + 1) + std::min(written, most);
  };
  std::vector<GrammarBuilder::GraphEdge> edges;
  std::vector<uint32_t> finals;
  const auto write = [&](uint32_t from, uint32_t written, Expr member, uint32_t to) {
    if (bounded && written >= max) return;
    edges.push_back({state(from, written),
                     written == 0 ? member : b_.sequence({pieces_.comma(), member}),
                     state(to, written + 1)});
  };
  const Expr skip = b_.empty();
  for (uint32_t written = 0; written <= most; ++written) {
    for (uint32_t i = 0; i < count; ++i) {
      write(i, written, named[i].first, i + 1);
      if (!named[i].second) edges.push_back({state(i, written), skip, state(i + 1, written)});
    }
    if (any_others) write(count, written, others, count);
    const bool enough = written >= min && (!bounded || written <= max);
    if (enough) finals.push_back(state(count, written));
  }
  return b_.graph((count + 1) * (most + 1), std::move(edges), finals);
}

}  // namespace ondol::text::schema
