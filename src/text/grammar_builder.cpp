#include <algorithm>

#include "base/error.h"
#include "text/grammar.h"

namespace ondol::text {

std::vector<CodeRange> normal_ranges(std::vector<CodeRange> ranges) {
  std::vector<CodeRange> cut;
  for (CodeRange range : ranges) {
    range.high = std::min(range.high, kCodeMax);
    if (range.low > range.high) continue;
    // UTF-8 has no surrogates.
    if (range.low < 0xD800) cut.push_back({range.low, std::min<char32_t>(range.high, 0xD7FF)});
    if (range.high > 0xDFFF) cut.push_back({std::max<char32_t>(range.low, 0xE000), range.high});
  }
  std::sort(cut.begin(), cut.end(), [](CodeRange a, CodeRange b) { return a.low < b.low; });
  std::vector<CodeRange> out;
  for (const CodeRange range : cut) {
    if (!out.empty() && range.low <= out.back().high + 1) {
      out.back().high = std::max(out.back().high, range.high);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

std::vector<CodeRange> other_ranges(const std::vector<CodeRange>& ranges) {
  std::vector<CodeRange> out;
  char32_t next = 0;
  for (const CodeRange range : normal_ranges(ranges)) {
    if (range.low > next) out.push_back({next, range.low - 1});
    next = range.high + 1;
  }
  if (next <= kCodeMax) out.push_back({next, kCodeMax});
  return normal_ranges(std::move(out));
}

GrammarBuilder::Expr GrammarBuilder::add(Node node) {
  if (nodes_.size() >= kNodesMax) {
    throw Error(ErrorCode::kResourceExhausted,
                "[grammar] more than " + std::to_string(kNodesMax) +
                    " parts; expected a smaller grammar; try fewer alternatives");
  }
  if (node.depth > kDepthMax) {
    throw Error(ErrorCode::kResourceExhausted, "[grammar] parts in parts, deeper than " +
                                                   std::to_string(kDepthMax) +
                                                   "; try rules of their own");
  }
  node.cost = std::min<uint64_t>(node.cost, uint64_t{1} << 40);
  nodes_.push_back(std::move(node));
  return static_cast<Expr>(nodes_.size() - 1);
}

GrammarBuilder::Expr GrammarBuilder::empty() { return sequence({}); }
GrammarBuilder::Expr GrammarBuilder::nothing() { return choice({}); }

GrammarBuilder::Expr GrammarBuilder::literal(std::string_view bytes) {
  Node node;
  node.kind = Kind::kLiteral;
  node.bytes = bytes;
  node.cost = bytes.size() + 1;
  return add(std::move(node));
}

GrammarBuilder::Expr GrammarBuilder::one_of(std::vector<CodeRange> ranges) {
  Node node;
  node.kind = Kind::kOneOf;
  node.ranges = normal_ranges(std::move(ranges));
  const bool ascii = node.ranges.empty() || node.ranges.back().high < 0x80;
  node.cost = ascii ? 1 : 4 + node.ranges.size();
  return add(std::move(node));
}

GrammarBuilder::Expr GrammarBuilder::sequence(std::vector<Expr> parts) {
  Node node;
  node.kind = Kind::kSequence;
  node.cost = 1;
  for (const Expr part : parts) {
    node.depth = std::max(node.depth, nodes_[part].depth + 1);
    node.cost += nodes_[part].cost;
  }
  node.parts = std::move(parts);
  return add(std::move(node));
}

GrammarBuilder::Expr GrammarBuilder::choice(std::vector<Expr> options) {
  const Expr made = sequence(std::move(options));
  nodes_[made].kind = Kind::kChoice;
  return made;
}

GrammarBuilder::Expr GrammarBuilder::repeat(Expr what, uint32_t min, uint32_t max) {
  if (min > max) return nothing();
  if (max == 0) return empty();
  if (min == 1 && max == 1) return what;
  Node node;
  node.kind = Kind::kRepeat;
  node.depth = nodes_[what].depth + 1;
  node.cost = 2 + nodes_[what].cost * (max == kRepeatMax ? min + uint64_t{1} : max);
  node.parts = {what};
  node.min = min;
  node.max = max;
  return add(std::move(node));
}

GrammarBuilder::Expr GrammarBuilder::call(Rule rule) {
  Node node;
  node.kind = Kind::kCall;
  node.rule = rule;
  node.cost = 1;
  return add(std::move(node));
}

GrammarBuilder::Expr GrammarBuilder::graph(uint32_t states, std::vector<GraphEdge> edges,
                                           const std::vector<uint32_t>& finals) {
  Node node;
  node.kind = Kind::kGraph;
  node.cost = states + 1;
  for (const GraphEdge& edge : edges) {
    ONDOL_ASSERT(edge.from < states && edge.to < states);
    node.depth = std::max(node.depth, nodes_[edge.over].depth + 1);
    node.cost += nodes_[edge.over].cost;
  }
  node.edges = std::move(edges);
  node.parts = finals;
  node.min = states;
  return add(std::move(node));
}

GrammarBuilder::Rule GrammarBuilder::add_rule(std::string name) {
  rules_.push_back({.name = std::move(name)});
  return static_cast<Rule>(rules_.size() - 1);
}

void GrammarBuilder::define(Rule rule, Expr expr) {
  rules_[rule].expr = expr;
  rules_[rule].defined = true;
}

std::shared_ptr<const Grammar> GrammarBuilder::build(Rule root) const {
  bool satisfied = false;
  std::shared_ptr<Grammar> grammar = compile(root, satisfied);
  if (!satisfied) {
    throw Error(ErrorCode::kInvalidArgument,
                "[grammar] no text satisfies '" + rules_[root].name +
                    "'; expected at least one sentence that ends; try an alternative that does "
                    "not call the rule again");
  }
  return grammar;
}

bool GrammarBuilder::satisfiable(Rule root) const {
  bool satisfied = false;
  compile(root, satisfied);
  return satisfied;
}

}  // namespace ondol::text
