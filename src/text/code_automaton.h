// Regular sets of strings as deterministic automata over code points, with the operations of sets:
// how patterns, lengths, ranges of numbers and names to leave out are combined exactly.
//
//   CodeAutomaton a = both(pattern_automaton("^[a-z]+$"), CodeAutomaton::lengths(2, 5));
//
// Values; thread-safe as such. Operations throw Error(kResourceExhausted) beyond kStatesMax.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar.h"

namespace ondol::text {

struct CodeAutomaton {
  struct Edge {
    char32_t low = 0, high = 0;
    uint32_t target = 0;
    bool operator==(const Edge&) const = default;
  };
  struct State {
    std::vector<Edge> edges;  // ascending, without overlaps
    bool final = false;
  };
  static constexpr size_t kStatesMax = 30'000;

  std::vector<State> states;  // the first begins; none: no string

  static CodeAutomaton everything();
  static CodeAutomaton nothing() { return {}; }
  static CodeAutomaton strings(const std::vector<std::u32string>& each);
  static CodeAutomaton lengths(uint32_t min, uint32_t max);  // max kRepeatMax: without end

  bool accepts(std::u32string_view text) const;
  bool empty() const;  // holds no string at all
  // True for a state from which every string is accepted.
  bool takes_all(uint32_t state) const;
};

CodeAutomaton both(const CodeAutomaton& a, const CodeAutomaton& b);
CodeAutomaton either(const CodeAutomaton& a, const CodeAutomaton& b);
CodeAutomaton without(const CodeAutomaton& a, const CodeAutomaton& b);  // in a and not in b

std::u32string to_codes(std::string_view utf8);

// An automaton that is still being put together: several edges for a character, edges for nothing.
struct CodeDraft {
  struct Assert {
    uint32_t target = 0;
    bool at_end = false;  // passed at the end of the text only, else at its beginning only
  };
  struct State {
    std::vector<CodeAutomaton::Edge> edges;
    std::vector<uint32_t> skips;
    std::vector<Assert> asserts;
  };
  std::vector<State> states;
  uint32_t start = 0, end = 0;

  uint32_t add() {
    states.emplace_back();
    return static_cast<uint32_t>(states.size() - 1);
  }
  CodeAutomaton determine() const;  // what leads from start to end
};

}  // namespace ondol::text
