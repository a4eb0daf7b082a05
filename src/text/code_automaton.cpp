#include "text/code_automaton.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// `work`: what the sets and edges of the states sum up to.
constexpr size_t kWorkMax = 30'000'000;

void check_size(size_t states, size_t work = 0) {
  if (states > CodeAutomaton::kStatesMax || work > kWorkMax) {
    throw Error(ErrorCode::kResourceExhausted,
                "[pattern] more than " + std::to_string(CodeAutomaton::kStatesMax) +
                    " states; expected a simpler pattern; try smaller repetitions");
  }
}

// States from which no string is accepted go, with the edges to them.
CodeAutomaton trimmed(CodeAutomaton a) {
  std::vector<std::vector<uint32_t>> before(a.states.size());
  std::vector<uint32_t> waiting, number(a.states.size(), kNone);
  std::vector<bool> alive(a.states.size(), false);
  for (uint32_t s = 0; s < a.states.size(); ++s) {
    for (const auto& edge : a.states[s].edges) before[edge.target].push_back(s);
    if (!a.states[s].final) continue;
    alive[s] = true;
    waiting.push_back(s);
  }
  while (!waiting.empty()) {
    const uint32_t s = waiting.back();
    waiting.pop_back();
    for (const uint32_t from : before[s]) {
      if (alive[from]) continue;
      alive[from] = true;
      waiting.push_back(from);
    }
  }
  CodeAutomaton out;
  if (a.states.empty() || !alive[0]) return out;
  uint32_t next = 0;
  for (uint32_t s = 0; s < a.states.size(); ++s) {
    if (alive[s]) number[s] = next++;
  }
  for (uint32_t s = 0; s < a.states.size(); ++s) {
    if (!alive[s]) continue;
    CodeAutomaton::State state = std::move(a.states[s]);
    std::erase_if(state.edges, [&](const auto& edge) { return !alive[edge.target]; });
    for (auto& edge : state.edges) edge.target = number[edge.target];
    out.states.push_back(std::move(state));
  }
  return out;
}

const CodeAutomaton::Edge* edge_at(const CodeAutomaton& a, uint32_t state, char32_t code) {
  if (state == kNone) return nullptr;
  const auto& edges = a.states[state].edges;
  auto at = std::upper_bound(edges.begin(), edges.end(), code,
                             [](char32_t c, const auto& edge) { return c < edge.low; });
  if (at == edges.begin()) return nullptr;
  --at;
  return code <= at->high ? &*at : nullptr;
}

void add_edge(std::vector<CodeAutomaton::Edge>& edges, CodeAutomaton::Edge edge) {
  if (!edges.empty() && edges.back().target == edge.target && edges.back().high + 1 == edge.low) {
    edges.back().high = edge.high;
  } else {
    edges.push_back(edge);
  }
}

// Both automata side by side; kNone: one that has failed. `wanted(in_a, in_b)`: is it in the
// result.
template <class Wanted>
class Product {
 public:
  Product(const CodeAutomaton& a, const CodeAutomaton& b, Wanted wanted)
      : a_(a), b_(b), wanted_(wanted) {}

  CodeAutomaton make() {
    state_of(a_.states.empty() ? kNone : 0, b_.states.empty() ? kNone : 0);
    for (size_t at = 0; at < pairs_.size(); ++at) expand(at);
    return trimmed(std::move(out_));
  }

 private:
  uint32_t state_of(uint32_t a, uint32_t b) {
    const auto [at, fresh] = index_.emplace(std::pair{a, b}, static_cast<uint32_t>(pairs_.size()));
    if (fresh) {
      pairs_.emplace_back(a, b);
      out_.states.emplace_back();
      check_size(pairs_.size());
    }
    return at->second;
  }

  void expand(size_t at) {
    const auto [a, b] = pairs_[at];
    const bool in_a = a != kNone && a_.states[a].final, in_b = b != kNone && b_.states[b].final;
    out_.states[at].final = wanted_(in_a, in_b);
    std::vector<char32_t> cuts;
    const auto cut = [&](const CodeAutomaton& of, uint32_t state) {
      if (state == kNone) return;
      for (const auto& edge : of.states[state].edges) {
        cuts.push_back(edge.low);
        cuts.push_back(edge.high + 1);
      }
    };
    cut(a_, a);
    cut(b_, b);
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::vector<CodeAutomaton::Edge> edges;
    for (size_t c = 0; c + 1 < cuts.size(); ++c) {
      const auto* in_first = edge_at(a_, a, cuts[c]);
      const auto* in_second = edge_at(b_, b, cuts[c]);
      if (in_first == nullptr && in_second == nullptr) continue;
      const uint32_t to_a = in_first != nullptr ? in_first->target : kNone;
      const uint32_t to_b = in_second != nullptr ? in_second->target : kNone;
      // Nothing can come of it.
      if (to_a == kNone && !wanted_(false, true)) continue;
      if (to_b == kNone && !wanted_(true, false)) continue;
      add_edge(edges, {cuts[c], cuts[c + 1] - 1, state_of(to_a, to_b)});
    }
    check_size(pairs_.size(), work_ += cuts.size());
    out_.states[at].edges = std::move(edges);
  }

  const CodeAutomaton& a_;
  const CodeAutomaton& b_;
  Wanted wanted_;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> index_;
  std::vector<std::pair<uint32_t, uint32_t>> pairs_;
  size_t work_ = 0;
  CodeAutomaton out_;
};

// The subset construction. The first state is kept apart: only there is the text's beginning.
class Determiner {
 public:
  explicit Determiner(const CodeDraft& draft) : draft_(draft) {}

  CodeAutomaton make() {
    sets_.push_back(closure({draft_.start}, true, false));
    out_.states.emplace_back();
    for (size_t at = 0; at < sets_.size(); ++at) {
      const Set set = sets_[at];
      const Set at_end = closure(set, at == 0, true);
      out_.states[at].final = std::binary_search(at_end.begin(), at_end.end(), draft_.end);
      expand(set, at);
    }
    return trimmed(std::move(out_));
  }

 private:
  using Set = std::vector<uint32_t>;

  Set closure(Set set, bool at_start, bool at_end) const {
    std::vector<bool> seen(draft_.states.size(), false);
    for (const uint32_t s : set) seen[s] = true;
    for (size_t i = 0; i < set.size(); ++i) {
      const auto reach = [&](uint32_t next) {
        if (!seen[next]) set.push_back(next);
        seen[next] = true;
      };
      const CodeDraft::State& state = draft_.states[set[i]];
      for (const uint32_t next : state.skips) reach(next);
      for (const CodeDraft::Assert& each : state.asserts) {
        if (each.at_end ? at_end : at_start) reach(each.target);
      }
    }
    std::sort(set.begin(), set.end());
    return set;
  }

  uint32_t state_of(Set set) {
    set = closure(std::move(set), false, false);
    const auto [at, fresh] = index_.emplace(set, static_cast<uint32_t>(sets_.size()));
    if (fresh) {
      sets_.push_back(std::move(set));
      out_.states.emplace_back();
      check_size(sets_.size());
    }
    return at->second;
  }

  void expand(const Set& set, size_t at) {
    std::vector<CodeAutomaton::Edge> all;
    std::vector<char32_t> cuts;
    for (const uint32_t s : set) {
      for (const auto& edge : draft_.states[s].edges) {
        all.push_back(edge);
        cuts.push_back(edge.low);
        cuts.push_back(edge.high + 1);
      }
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    check_size(sets_.size(), work_ += set.size() + cuts.size() * (1 + all.size() / 8));
    std::vector<CodeAutomaton::Edge> edges;
    for (size_t c = 0; c + 1 < cuts.size(); ++c) {
      Set targets;
      for (const auto& edge : all) {
        if (edge.low <= cuts[c] && cuts[c] <= edge.high) targets.push_back(edge.target);
      }
      if (targets.empty()) continue;
      std::sort(targets.begin(), targets.end());
      targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
      add_edge(edges, {cuts[c], cuts[c + 1] - 1, state_of(std::move(targets))});
    }
    out_.states[at].edges = std::move(edges);
  }

  const CodeDraft& draft_;
  std::map<Set, uint32_t> index_;
  std::vector<Set> sets_;
  size_t work_ = 0;
  CodeAutomaton out_;
};

}  // namespace

CodeAutomaton CodeAutomaton::everything() {
  CodeAutomaton out;
  out.states.push_back({{{0, kCodeMax, 0}}, true});
  return out;
}

CodeAutomaton CodeAutomaton::strings(const std::vector<std::u32string>& each) {
  std::vector<std::map<char32_t, uint32_t>> trie(1);
  std::vector<bool> final(1, false);
  for (const std::u32string& text : each) {
    uint32_t at = 0;
    for (const char32_t code : text) {
      const auto [found, fresh] = trie[at].emplace(code, static_cast<uint32_t>(trie.size()));
      at = found->second;
      if (fresh) {
        trie.emplace_back();
        final.push_back(false);
      }
    }
    final[at] = true;
  }
  check_size(trie.size());
  CodeAutomaton out;
  for (size_t s = 0; s < trie.size(); ++s) {
    State state;
    state.final = final[s];
    for (const auto& [code, target] : trie[s]) state.edges.push_back({code, code, target});
    out.states.push_back(std::move(state));
  }
  return trimmed(std::move(out));
}

CodeAutomaton CodeAutomaton::lengths(uint32_t min, uint32_t max) {
  if (min > max) return nothing();
  const uint32_t last = max == kRepeatMax ? min : max;
  check_size(size_t{last} + 1);
  CodeAutomaton out;
  for (uint32_t i = 0; i <= last; ++i) {
    State state;
    state.final = i >= min;
    if (i < last) state.edges.push_back({0, kCodeMax, i + 1});
    if (i == last && max == kRepeatMax) state.edges.push_back({0, kCodeMax, i});
    out.states.push_back(std::move(state));
  }
  return out;
}

bool CodeAutomaton::accepts(std::u32string_view text) const {
  if (states.empty()) return false;
  uint32_t at = 0;
  for (const char32_t code : text) {
    const Edge* edge = edge_at(*this, at, code);
    if (edge == nullptr) return false;
    at = edge->target;
  }
  return states[at].final;
}

bool CodeAutomaton::empty() const { return trimmed(*this).states.empty(); }

bool CodeAutomaton::takes_all(uint32_t state) const {
  const State& s = states[state];
  return s.final && s.edges == std::vector<Edge>{{0, kCodeMax, state}};
}

CodeAutomaton both(const CodeAutomaton& a, const CodeAutomaton& b) {
  return Product(a, b, [](bool in_a, bool in_b) { return in_a && in_b; }).make();
}
CodeAutomaton either(const CodeAutomaton& a, const CodeAutomaton& b) {
  return Product(a, b, [](bool in_a, bool in_b) { return in_a || in_b; }).make();
}
CodeAutomaton without(const CodeAutomaton& a, const CodeAutomaton& b) {
  return Product(a, b, [](bool in_a, bool in_b) { return in_a && !in_b; }).make();
}

CodeAutomaton CodeDraft::determine() const { return Determiner(*this).make(); }

std::u32string to_codes(std::string_view utf8) {
  std::u32string out;
  for (size_t at = 0; at < utf8.size();) {
    const Utf8Char c = read_utf8(utf8, at);
    out.push_back(c.code);
    at += c.size;
  }
  return out;
}

}  // namespace ondol::text
