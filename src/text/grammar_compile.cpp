// The subset construction, a rule at a time; calls of other rules are letters like bytes.
#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "text/grammar.h"
#include "text/grammar_automata.h"

namespace ondol::text {
namespace grammar {
namespace {

using States = std::vector<uint32_t>;

struct StatesHash {
  size_t operator()(const States& states) const {
    uint64_t hash = 0xCBF29CE484222325ULL;
    for (const uint32_t state : states) hash = (hash ^ state) * 0x100000001B3ULL;
    return static_cast<size_t>(hash ^ hash >> 29);
  }
};

// One rule. Where sets of states would be many more than states, states stay as they are and
// several edges may take the same byte: a matcher follows them all.
class Joiner {
 public:
  Joiner(const Drafts& in, const std::vector<bool>& empty, Drafts& out)
      : in_(in), empty_(empty), out_(out), seen_(in.states.size(), 0) {}

  void join(uint32_t rule) {
    const auto before = static_cast<uint32_t>(out_.states.size());
    const size_t work_before = work_;
    const uint32_t start = closed(in_.rules[rule].start);
    bool small = true;
    for (size_t at = 0; at < sets_.size() && small; ++at) {
      expand(*sets_[at], before + static_cast<uint32_t>(at));
      small = sets_.size() <= kSetsFree + kSetsEach * touched_ &&
              work_ - work_before <= kWorkFree + kWorkEach * touched_;
    }
    if (!small) {
      out_.states.resize(before);
      forget();
      closed(in_.rules[rule].start);
      for (size_t at = 0; at < sets_.size(); ++at) {
        keep_apart(*sets_[at], before + static_cast<uint32_t>(at));
      }
    }
    finish(rule, start);
  }

 private:
  // So many sets of states are not too many, and so many more for each state.
  static constexpr size_t kSetsFree = 2000, kSetsEach = 16;
  // The same for the sizes of the sets, all together; and for a whole grammar.
  static constexpr size_t kWorkFree = 2'000'000, kWorkEach = 256, kWorkMax = 100'000'000;

  void count_work(size_t more) {
    work_ += more;
    if (work_ > kWorkMax) {
      throw Error(ErrorCode::kResourceExhausted,
                  "[grammar] too many ways to go on at one place; expected a smaller grammar; try "
                  "a repetition instead of many optional parts");
    }
  }

  // The state of the set; new ones are expanded later, in order.
  uint32_t state_of(States set) {
    const auto [at, fresh] =
        index_.emplace(std::move(set), static_cast<uint32_t>(out_.states.size()));
    if (fresh) {
      sets_.push_back(&at->first);
      out_.states.emplace_back();
      if (out_.states.size() > GrammarBuilder::kStatesMax) {
        throw Error(ErrorCode::kResourceExhausted,
                    "[grammar] more than " + std::to_string(GrammarBuilder::kStatesMax) +
                        " states; expected a smaller grammar; try smaller repetitions");
      }
    }
    return at->second;
  }

  // With what skips and rules that may be empty lead to.
  States closure(States states) {
    ++round_;
    for (const uint32_t s : states) seen_[s] = round_;
    touched_ += states.size() == 1;
    const auto reach = [&](uint32_t next) {
      if (seen_[next] == round_) return;
      seen_[next] = round_;
      states.push_back(next);
    };
    for (size_t i = 0; i < states.size(); ++i) {
      const Draft& draft = in_.states[states[i]];
      for (const uint32_t next : draft.skips) reach(next);
      for (const Grammar::CallEdge& call : draft.calls) {
        if (empty_[call.rule]) reach(call.target);
      }
    }
    // States with nothing but skips say nothing more.
    std::erase_if(states, [&](uint32_t s) {
      return !in_.states[s].final && in_.states[s].bytes.empty() && in_.states[s].calls.empty();
    });
    std::sort(states.begin(), states.end());
    count_work(states.size() + 1);
    return states;
  }

  uint32_t closed(uint32_t state) {
    const auto known = of_one_.find(state);
    if (known != of_one_.end()) return known->second;
    const uint32_t made = state_of(closure({state}));
    of_one_.emplace(state, made);
    return made;
  }

  uint32_t closed(const States& states) {
    return states.size() == 1 ? closed(states[0]) : state_of(closure(states));
  }

  void expand(const States& set, uint32_t at) {
    std::vector<Grammar::ByteEdge> edges;
    std::vector<std::pair<uint32_t, uint32_t>> calls;  // rule, target
    bool final = false;
    for (const uint32_t s : set) {
      const Draft& draft = in_.states[s];
      edges.insert(edges.end(), draft.bytes.begin(), draft.bytes.end());
      for (const Grammar::CallEdge& call : draft.calls) calls.emplace_back(call.rule, call.target);
      final |= draft.final;
    }
    Draft made;
    made.final = final;
    made.bytes = join_bytes(edges);
    std::sort(calls.begin(), calls.end());
    for (size_t i = 0; i < calls.size();) {
      States targets;
      const uint32_t rule = calls[i].first;
      for (; i < calls.size() && calls[i].first == rule; ++i) {
        if (targets.empty() || targets.back() != calls[i].second) {
          targets.push_back(calls[i].second);
        }
      }
      made.calls.push_back({rule, closed(targets)});
    }
    out_.states[at] = std::move(made);
  }

  std::vector<Grammar::ByteEdge> join_bytes(const std::vector<Grammar::ByteEdge>& edges) {
    std::vector<uint32_t> cuts;
    for (const Grammar::ByteEdge& edge : edges) {
      cuts.push_back(edge.low);
      cuts.push_back(edge.high + 1U);
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::vector<States> targets(cuts.size());
    size_t pushed = 0;
    for (const Grammar::ByteEdge& edge : edges) {
      auto cut = std::lower_bound(cuts.begin(), cuts.end(), edge.low) - cuts.begin();
      for (; cuts[static_cast<size_t>(cut)] <= edge.high; ++cut, ++pushed) {
        targets[static_cast<size_t>(cut)].push_back(edge.target);
      }
    }
    count_work(pushed);
    std::vector<Grammar::ByteEdge> out;
    for (size_t c = 0; c + 1 < cuts.size(); ++c) {
      if (targets[c].empty()) continue;
      std::sort(targets[c].begin(), targets[c].end());
      targets[c].erase(std::unique(targets[c].begin(), targets[c].end()), targets[c].end());
      const uint32_t target = closed(targets[c]);
      const auto low = static_cast<uint8_t>(cuts[c]), high = static_cast<uint8_t>(cuts[c + 1] - 1);
      if (!out.empty() && out.back().target == target && out.back().high + 1 == low) {
        out.back().high = high;
      } else {
        out.push_back({low, high, target});
      }
    }
    return out;
  }

  // Every edge to the closure of its own target.
  void keep_apart(const States& set, uint32_t at) {
    Draft made;
    for (const uint32_t s : set) {
      const Draft& draft = in_.states[s];
      made.final |= draft.final;
      for (Grammar::ByteEdge edge : draft.bytes) {
        edge.target = closed(edge.target);
        made.bytes.push_back(edge);
      }
      for (Grammar::CallEdge call : draft.calls) {
        call.target = closed(call.target);
        made.calls.push_back(call);
      }
    }
    count_work(made.bytes.size() + made.calls.size());
    std::sort(made.bytes.begin(), made.bytes.end(), [](const auto& a, const auto& b) {
      return std::tie(a.low, a.high, a.target) < std::tie(b.low, b.high, b.target);
    });
    out_.states[at] = std::move(made);
  }

  // A rule is called for at least a byte: its start is no end. A loop may come back to the state
  // that the start was.
  void finish(uint32_t rule, uint32_t start) {
    if (out_.states[start].final) {
      Draft copy = out_.states[start];
      copy.final = false;
      out_.states.push_back(std::move(copy));
      start = static_cast<uint32_t>(out_.states.size() - 1);
    }
    out_.rules[rule] = in_.rules[rule];
    out_.rules[rule].start = start;
    if (in_.rules[rule].counted && empty_[in_.rules[rule].body]) out_.rules[rule].min = 0;
    forget();
  }

  void forget() {
    index_.clear();
    of_one_.clear();
    sets_.clear();
    touched_ = 0;
  }

  const Drafts& in_;
  const std::vector<bool>& empty_;
  Drafts& out_;
  std::vector<uint32_t> seen_;
  uint32_t round_ = 0;
  size_t work_ = 0;
  size_t touched_ = 0;  // states of the rule that were met alone
  std::unordered_map<States, uint32_t, StatesHash> index_;
  std::unordered_map<uint32_t, uint32_t> of_one_;  // a shortcut: the closure of one state
  std::vector<const States*> sets_;                // in order of their states
};

}  // namespace

Drafts join_states(const Drafts& drafts, const std::vector<bool>& empty) {
  Drafts out;
  out.rules.resize(drafts.rules.size());
  Joiner joiner(drafts, empty, out);
  for (uint32_t rule = 0; rule < drafts.rules.size(); ++rule) joiner.join(rule);
  return out;
}

}  // namespace grammar

std::shared_ptr<Grammar> GrammarBuilder::compile(Rule root, bool& satisfiable) const {
  const grammar::Drafts written = grammar::write_out(*this, root);
  const std::vector<bool> empty = grammar::empty_rules(written);
  grammar::Drafts drafts = grammar::join_states(written, empty);
  grammar::refuse_left_recursion(drafts);
  const std::vector<bool> alive = grammar::cut_dead_ends(drafts);
  satisfiable = empty[0] || alive[0];

  auto out = std::make_shared<Grammar>();
  out->may_be_empty_ = empty[0];
  for (const grammar::DraftRule& rule : drafts.rules) {
    out->rules_.push_back({rule.name, rule.start, rule.counted, rule.body, rule.min, rule.max});
  }
  for (const grammar::Draft& draft : drafts.states) {
    Grammar::State state;
    state.final = draft.final;
    state.bytes_begin = static_cast<uint32_t>(out->bytes_.size());
    out->bytes_.insert(out->bytes_.end(), draft.bytes.begin(), draft.bytes.end());
    state.bytes_end = static_cast<uint32_t>(out->bytes_.size());
    state.calls_begin = static_cast<uint32_t>(out->calls_.size());
    out->calls_.insert(out->calls_.end(), draft.calls.begin(), draft.calls.end());
    state.calls_end = static_cast<uint32_t>(out->calls_.size());
    out->states_.push_back(state);
  }
  return out;
}

}  // namespace ondol::text
