// Whether a text is a sentence of a grammar, and what may come next.
//
//   GrammarMatcher matcher(grammar);
//   if (matcher.accept("{\"na")) ...   // the beginning of a sentence
//   matcher.may_end();                  // a whole one
//
// One thread at a time; a copy goes its own way.
#pragma once

#include <bitset>
#include <memory>
#include <string>
#include <string_view>

#include "text/grammar.h"
#include "text/grammar_machine.h"

namespace ondol::text {

class GrammarMatcher {
 public:
  explicit GrammarMatcher(std::shared_ptr<const Grammar> grammar);

  // False, and nothing changes, when no sentence goes on so. Throws Error(kResourceExhausted) where
  // the grammar is too ambiguous.
  bool accept(std::string_view bytes);
  bool may_end() const { return machine_.may_end(at_); }
  // The bytes that may come next.
  std::bitset<256> next();
  // What must come next, as far as there is no choice; at most `bytes_max`.
  std::string forced(size_t bytes_max);

 private:
  GrammarMachine machine_;
  GrammarMachine::Set at_;
};

bool matches(const std::shared_ptr<const Grammar>& grammar, std::string_view text);

}  // namespace ondol::text
