// The parts of JSON texts as parts of a grammar. Only json_schema_*.cpp use it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/code_automaton.h"
#include "text/grammar.h"
#include "text/json_schema_grammar.h"

namespace ondol::text::schema {

class JsonPieces {
 public:
  using Expr = GrammarBuilder::Expr;
  JsonPieces(GrammarBuilder& builder, JsonStyle style) : b_(builder), style_(style) {}

  // A string in quotation marks with so many characters, or one of the set.
  Expr string(uint32_t min, uint32_t max);
  Expr string(const CodeAutomaton& texts);
  // The texts themselves: numbers.
  Expr plain(const CodeAutomaton& texts);
  Expr key(const std::string& name);  // as JSON writes it
  // With the white space of the style.
  Expr open(const char* bracket);
  Expr close(const char* bracket);
  Expr comma();
  Expr colon();

 private:
  Expr one_char(const std::vector<CodeRange>& ranges);
  Expr character();
  Expr tail();  // any characters and the end of the string
  Expr blank();
  Expr graph(const CodeAutomaton& texts, bool json);

  GrammarBuilder& b_;
  JsonStyle style_;
  std::optional<GrammarBuilder::Rule> string_, tail_, escapes_, wide_, blank_;
};

}  // namespace ondol::text::schema
