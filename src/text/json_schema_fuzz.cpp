// Any bytes as a JSON Schema: an Error or a grammar; what a walk through it ends in is JSON that
// stays the same when it is written in the schema's order.
// Covers: json_schema_grammar.cpp json_schema_document.cpp json_schema_expand.cpp
// Covers: json_schema_opposite.cpp json_schema_compiler.cpp json_schema_scalars.cpp
// Covers: json_schema_containers.cpp json_schema_order.cpp json_pieces.cpp json_formats.cpp
// Covers: pattern.cpp pattern_parser.cpp code_automaton.cpp number_automaton.cpp
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "text/grammar_matcher.h"
#include "text/json_schema_grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ondol::text;
  if (size > 2048) return 0;
  const std::string schema(reinterpret_cast<const char*>(data), size);
  try {
    GrammarMatcher matcher(json_schema_grammar(schema));
    std::string text;
    for (size_t step = 0; step < 300; ++step) {
      if (matcher.may_end() && data[step % size] % 4 == 0) break;
      const auto next = matcher.next();
      if (next.none()) break;
      unsigned byte = data[step % size];
      for (const char close : {'"', '}', ']'}) {
        if (step > 100 && next[static_cast<unsigned char>(close)]) {
          byte = static_cast<unsigned char>(close);
        }
      }
      while (!next[byte]) byte = (byte + 1) % 256;
      text += static_cast<char>(byte);
      if (!matcher.accept(std::string(1, static_cast<char>(byte)))) __builtin_trap();
    }
    if (!matcher.may_end()) return 0;
    if (!nlohmann::json::accept(text)) __builtin_trap();
    json_in_schema_order(schema, text);
  } catch (const ondol::Error&) {
  }
  return 0;
}
