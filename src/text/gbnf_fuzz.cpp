// Any bytes as a grammar: an Error, or a grammar in which no walk meets a dead end.
// Covers: gbnf.cpp grammar_builder.cpp grammar_write_out.cpp grammar_reach.cpp grammar_compile.cpp
// Covers: grammar_machine.cpp grammar_matcher.cpp
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "text/gbnf.h"
#include "text/grammar_matcher.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ondol::text;
  if (size > 4096) return 0;
  try {
    const auto grammar = parse_gbnf({reinterpret_cast<const char*>(data), size});
    GrammarMatcher matcher(grammar);
    std::string text;
    // The input also says which way the walk goes.
    for (size_t step = 0; step < 64; ++step) {
      const std::string forced = matcher.forced(8);
      const auto next = matcher.next();
      if (next.none() != (matcher.may_end() && next.none())) __builtin_trap();  // a dead end
      if (next.none()) break;
      if (!forced.empty() && next.count() != 1) __builtin_trap();
      unsigned byte = data[step % size];
      while (!next[byte]) byte = (byte + 1) % 256;
      text += static_cast<char>(byte);
      if (!matcher.accept(std::string(1, static_cast<char>(byte)))) __builtin_trap();
    }
    if (matches(grammar, text) != matcher.may_end()) __builtin_trap();
  } catch (const ondol::Error&) {
  }
  return 0;
}
