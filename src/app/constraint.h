// What an answer has to look like: a JSON Schema or a grammar from a file, as a mask of tokens.
//
//   request.mask = constraint_mask(constraint_grammar({.json_schema = "place.json"}),
//                                  model);
#pragma once

#include <memory>
#include <string>

#include "infer/generator.h"
#include "models/model.h"
#include "text/grammar.h"

namespace ondol::app {

struct Constraint {
  std::string json_schema;  // a file; empty: none
  std::string grammar;      // a file of GBNF; not both
  bool none() const { return json_schema.empty() && grammar.empty(); }
};

// Null when there is no constraint. Throws Error naming the file when it cannot be read, is no
// schema or grammar, or asks for what is not supported.
std::shared_ptr<const text::Grammar> constraint_grammar(const Constraint& constraint);

std::shared_ptr<const TokenMask> constraint_mask(std::shared_ptr<const text::Grammar> grammar,
                                                 const std::shared_ptr<const Model>& model);

// Throws Error(kResourceExhausted) when the limit of tokens ended an answer before the grammar did.
void check_ended(const GenerateResult& result);

}  // namespace ondol::app
