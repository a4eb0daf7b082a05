// The steps between a written grammar and a compiled one; only grammar_*.cpp use them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/grammar.h"

namespace ondol::text::grammar {

// A state while the grammar is compiled. `skips` cost nothing.
struct Draft {
  std::vector<Grammar::ByteEdge> bytes;
  std::vector<Grammar::CallEdge> calls;
  std::vector<uint32_t> skips;
  bool final = false;
};

struct DraftRule {
  std::string name;
  uint32_t start = 0;
  uint32_t end = 0;  // the one final state, before states are joined
  bool counted = false;
  uint32_t body = 0, min = 0, max = 0;
};

struct Drafts {
  std::vector<Draft> states;
  std::vector<DraftRule> rules;  // first those of the builder that the root reaches, root first
};

// Every rule that the root reaches, with skips.
Drafts write_out(const GrammarBuilder& builder, GrammarBuilder::Rule root);
// By rule: it may be the empty text.
std::vector<bool> empty_rules(const Drafts& drafts);
// The same rules without skips and without the empty text, one edge for a byte where that stays
// small. States that nothing reaches are gone.
Drafts join_states(const Drafts& drafts, const std::vector<bool>& empty);
// Throws Error(kInvalidArgument) naming the cycle of rules that call each other before any byte.
void refuse_left_recursion(const Drafts& drafts);
// By rule of joined drafts: it has a sentence. Cuts edges that lead to no end.
std::vector<bool> cut_dead_ends(Drafts& drafts);

}  // namespace ondol::text::grammar
