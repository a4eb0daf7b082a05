// Patterns without look-around. Only pattern.cpp uses it.
#pragma once

#include <string_view>

#include "text/code_automaton.h"

namespace ondol::text {

// Throws as pattern_automaton.
CodeAutomaton parse_pattern(std::u32string_view pattern);

}  // namespace ondol::text
