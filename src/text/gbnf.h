// Grammars as llama.cpp writes them.
//
//   std::shared_ptr<const Grammar> grammar = parse_gbnf("root ::= \"yes\" | \"no\"\n");
//
//   name ::= ...           a rule; it ends at the end of the line, unless inside ( ) or after |
//   "text"  [a-z_]  [^"]   text, one of these characters, any other character
//   .                      any character
//   a b | c                one after the other, or else
//   ( )  * + ?  {m} {m,} {m,n}
//   # ...                  a comment
//
// Escapes in texts and classes: \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH. Names are
// letters, digits, - and _. The text is UTF-8. A rule may be defined once; `root` begins. The
// syntax is that of llama.cpp's grammars/README.md; tokens (<...>) are refused.
#pragma once

#include <memory>
#include <string_view>

#include "text/grammar.h"

namespace ondol::text {

inline constexpr size_t kGbnfBytesMax = 1 << 20;
inline constexpr uint32_t kGbnfRepeatMax = 100'000;
inline constexpr int kGbnfDepthMax = 200;

// Throws Error(kInvalidArgument) with line and column, for left recursion (the rules are named) and
// for a grammar without sentences; Error(kResourceExhausted) beyond a limit.
std::shared_ptr<const Grammar> parse_gbnf(std::string_view source);

}  // namespace ondol::text
