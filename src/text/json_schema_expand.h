// The ways to satisfy schemas that combine others: anyOf, oneOf, allOf, not, if, dependencies and
// $ref dissolved. Only json_schema_*.cpp use it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "text/code_automaton.h"
#include "text/json_schema_document.h"

namespace ondol::text::schema {

// Schemas that all hold.
using Schemas = std::vector<const Json*>;

inline constexpr const char* kNotEnum = "\x01not enum";        // none of these values
inline constexpr const char* kNotPattern = "\x01not pattern";  // no text of this pattern
inline constexpr const char* kFraction =
    "\x01"
    "fraction";  // no whole number

// What is known about a document while it is compiled.
struct Shared {
  Document document;
  std::map<const Json*, const Json*> stripped;  // schemas without the words that combine others
  std::map<Schemas, bool> both;                 // whether they may all hold
  std::map<std::string, CodeAutomaton> patterns;
  int depth = 0;    // of compilations within compilations
  size_t work = 0;  // what they have taken

  explicit Shared(std::string_view text) : document(text) {}
};

class Expander {
 public:
  // `satisfiable`: whether something satisfies all of the schemas.
  Expander(Shared& shared, std::function<bool(const Schemas&)> satisfiable)
      : shared_(shared), satisfiable_(std::move(satisfiable)) {}

  // What satisfies all of `schemas` satisfies one of the results, and the other way round, where a
  // result's schemas are read without the words that this dissolves.
  std::vector<Schemas> expand(const Schemas& schemas);

 private:
  // A schema that has to hold, and the step that asked for it.
  struct Step {
    const Json* schema = nullptr;
    int from = -1;
  };
  struct Work;

  bool take_schema(const Step& step);
  void take_words(Work& work, const Json* schema, int from);
  void take_dependencies(Work& work, const Json* schema, int from);
  void branch(Work work, std::vector<Schemas>& out);
  std::vector<Schemas> one_of(const Work& work, const Json* list, const Json* schema);
  bool may_both_hold(const Work& work, const Json* a, const Json* b);
  const Json* without_combinations(const Json* schema);

  Shared& shared_;
  std::function<bool(const Schemas&)> satisfiable_;
  std::vector<Step> steps_;
  size_t ways_ = 0;
};

// A schema that holds exactly where `schema` does not; throws Error naming the word whose opposite
// cannot be written.
const Json* opposite(Document& document, const Json* schema);

// The names of properties in the order in which the schemas say them, all branches included.
std::vector<std::string> property_order(Document& document, const Schemas& schemas);

}  // namespace ondol::text::schema
