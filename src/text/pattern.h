// Regular expressions of JSON Schema (ECMA-262, read as with the flag u), exactly as a set of
// strings.
//
//   CodeAutomaton dates = pattern_automaton("^\\d{4}-\\d{2}$");
//
// A pattern may match anywhere unless it is anchored: "b" holds "abc". Supported: alternatives,
// groups, classes, . * + ? {m,n} (greedy or not), ^ $, \d \w \s and their opposites, escapes, and
// (?=...) (?!...) directly behind the first ^. Anything else (\b, back references, other
// look-around, \p) is refused by name.
#pragma once

#include <string_view>

#include "text/code_automaton.h"

namespace ondol::text {

// Throws Error(kUnsupported) naming what is not supported and where, Error(kInvalidArgument) for
// what is no pattern, Error(kResourceExhausted) for one that is too large.
CodeAutomaton pattern_automaton(std::string_view pattern);

}  // namespace ondol::text
