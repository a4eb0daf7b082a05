// From schemas to a grammar. Only json_schema_*.cpp use it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "text/json_pieces.h"
#include "text/json_schema_expand.h"
#include "text/json_schema_order.h"

namespace ondol::text::schema {

class Compiler {
 public:
  using Expr = GrammarBuilder::Expr;

  Compiler(Shared& shared, JsonStyle style);
  // What satisfies all of `schemas`.
  std::shared_ptr<const Grammar> grammar(const Schemas& schemas);
  bool satisfiable(const Schemas& schemas);

 private:
  // One way to satisfy a value: schemas that hold, their combining words dissolved.
  struct Way {
    const Schemas& schemas;
    const std::vector<std::string>& order;  // of the names of properties
    const Schemas& whole;                   // what it is a way of
  };
  struct Types {
    bool null = true, boolean = true, number = true, string = true, array = true, object = true;
    bool integer = false;  // no other numbers
  };
  struct OtherKeys {
    CodeAutomaton names;
    Schemas values;
  };

  GrammarBuilder::Rule compile(const Schemas& schemas);
  Expr value(Schemas schemas);
  Expr body(const Schemas& schemas);
  Expr way(const Way& way);
  Types types(const Schemas& schemas) const;

  // enum and const
  bool has_values(const Schemas& schemas) const;
  Expr values(const Way& way, const Types& types);
  bool fits(const Json& candidate, const Way& way, const Types& types);
  bool among(const Json* schema, const Json& candidate) const;
  std::vector<Json> excluded(const Schemas& schemas) const;

  Expr number(const Schemas& schemas, bool integer);
  Expr string(const Schemas& schemas);
  // The strings that satisfy the schemas; nullopt: all with these lengths.
  std::optional<CodeAutomaton> strings(const Schemas& schemas, uint32_t& min, uint32_t& max);
  CodeAutomaton all_strings(const Schemas& schemas);  // of any ways
  const CodeAutomaton& pattern(const Json* schema, const char* word, const Json& source);

  Expr array(const Schemas& schemas);
  Schemas item(const Schemas& schemas, size_t index, bool rest) const;

  Expr object(const Way& way);
  Schemas property(const Schemas& schemas, const std::string& name);
  std::vector<OtherKeys> other_keys(const Schemas& schemas, CodeAutomaton names);
  std::set<std::string> required(const Schemas& schemas) const;
  CodeAutomaton allowed_names(const Schemas& schemas);
  Expr members(const std::vector<std::pair<Expr, bool>>& named, Expr others, bool any_others,
               uint32_t min, uint32_t max);
  Expr member(Expr key, Schemas values);

  Shared& shared_;
  GrammarBuilder b_;
  JsonPieces pieces_;
  std::map<Schemas, GrammarBuilder::Rule> rules_;
  std::deque<std::pair<GrammarBuilder::Rule, Schemas>> pending_;
};

}  // namespace ondol::text::schema
