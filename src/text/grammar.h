// A context-free grammar over text, compiled to what decides byte by byte.
//
//   GrammarBuilder b;
//   const auto list = b.add_rule("root");
//   b.define(list, b.sequence({b.literal("- "), b.repeat(b.one_of({{'a', 'z'}}), 1),
//   b.literal("\n"),
//                              b.repeat(b.call(list), 0, 1)}));
//   std::shared_ptr<const Grammar> grammar = b.build(list);
//
// A rule is an automaton whose edges are bytes or other rules. Code points are compiled to their
// UTF-8, so a token may begin or end inside a character. What can never be finished is cut away:
// whatever has been accepted so far is the beginning of a sentence of the grammar. Every rule that
// is called from an automaton reads at least one byte there (where it may be empty it is also
// passed by), so reading never loops.
//
// Builder: one thread. Grammar: immutable and thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::text {

// Code points, both ends included.
struct CodeRange {
  char32_t low = 0, high = 0;
  bool operator==(const CodeRange&) const = default;
};

inline constexpr char32_t kCodeMax = 0x10FFFF;
inline constexpr uint32_t kRepeatMax = std::numeric_limits<uint32_t>::max();  // without end

// Sorted, without overlaps and surrogates.
std::vector<CodeRange> normal_ranges(std::vector<CodeRange> ranges);
// Every other code point that UTF-8 can write.
std::vector<CodeRange> other_ranges(const std::vector<CodeRange>& ranges);

class Grammar {
 public:
  struct ByteEdge {
    uint8_t low = 0, high = 0;
    uint32_t target = 0;
  };
  struct CallEdge {
    uint32_t rule = 0;
    uint32_t target = 0;
  };
  // Edges by their first byte; one alone for a byte unless the rule was too large for that.
  struct State {
    uint32_t bytes_begin = 0, bytes_end = 0;
    uint32_t calls_begin = 0, calls_end = 0;
    bool final = false;  // the rule may end here
  };
  struct Rule {
    std::string name;
    uint32_t start = 0;
    // A counted rule is `body`, `min` to `max` times, and has no states of its own.
    bool counted = false;
    uint32_t body = 0, min = 0, max = 0;
  };

  uint32_t root() const { return root_; }
  bool may_be_empty() const { return may_be_empty_; }
  const std::vector<Rule>& rules() const { return rules_; }
  size_t states() const { return states_.size(); }
  const State& state(uint32_t s) const { return states_[s]; }
  std::span<const ByteEdge> bytes_of(uint32_t s) const {
    return {bytes_.data() + states_[s].bytes_begin, bytes_.data() + states_[s].bytes_end};
  }
  std::span<const CallEdge> calls_of(uint32_t s) const {
    return {calls_.data() + states_[s].calls_begin, calls_.data() + states_[s].calls_end};
  }
  // True for a state in which the rule ends and nothing else can come.
  bool only_ends(uint32_t s) const {
    const State& state = states_[s];
    return state.final && state.bytes_begin == state.bytes_end &&
           state.calls_begin == state.calls_end;
  }

 private:
  friend class GrammarBuilder;
  uint32_t root_ = 0;
  bool may_be_empty_ = false;
  std::vector<Rule> rules_;
  std::vector<State> states_;
  std::vector<ByteEdge> bytes_;
  std::vector<CallEdge> calls_;
};

class GrammarBuilder {
 public:
  using Expr = uint32_t;
  using Rule = uint32_t;
  // An automaton whose edges are expressions; state 0 begins.
  struct GraphEdge {
    uint32_t from = 0;
    Expr over = 0;
    uint32_t to = 0;
  };

  Expr empty();    // the empty text
  Expr nothing();  // no text at all
  Expr literal(std::string_view bytes);
  Expr one_of(std::vector<CodeRange> ranges);
  Expr sequence(std::vector<Expr> parts);
  Expr choice(std::vector<Expr> options);
  Expr repeat(Expr what, uint32_t min, uint32_t max = kRepeatMax);
  Expr call(Rule rule);
  Expr graph(uint32_t states, std::vector<GraphEdge> edges, const std::vector<uint32_t>& finals);

  Rule add_rule(std::string name);
  void define(Rule rule, Expr expr);
  size_t size() const { return nodes_.size(); }

  // Throws Error(kInvalidArgument) when a rule is not defined, calls itself before it has read
  // anything (left recursion, named), or no text satisfies the root; Error(kResourceExhausted) when
  // the grammar is too large.
  std::shared_ptr<const Grammar> build(Rule root) const;
  // True when the root has a sentence, also the empty one. Throws like build otherwise.
  bool satisfiable(Rule root) const;

  static constexpr size_t kNodesMax = 1'000'000;
  static constexpr size_t kStatesMax = 1'000'000;
  static constexpr uint32_t kDepthMax = 1000;

  enum class Kind : uint8_t { kLiteral, kOneOf, kSequence, kChoice, kRepeat, kCall, kGraph };
  struct Node {
    Kind kind = Kind::kSequence;
    uint32_t depth = 1;
    uint64_t cost = 0;  // states it takes when written out
    std::string bytes;
    std::vector<CodeRange> ranges;
    std::vector<uint32_t> parts;  // expressions; finals of a graph
    std::vector<GraphEdge> edges;
    uint32_t min = 0, max = 0;  // of a repetition; states of a graph
    Rule rule = 0;
  };
  struct RuleText {
    std::string name;
    Expr expr = 0;
    bool defined = false;
  };
  const Node& node(Expr expr) const { return nodes_[expr]; }
  const RuleText& rule(Rule rule) const { return rules_[rule]; }

 private:
  Expr add(Node node);
  std::shared_ptr<Grammar> compile(Rule root, bool& satisfiable) const;

  std::vector<Node> nodes_;
  std::vector<RuleText> rules_;
};

}  // namespace ondol::text
