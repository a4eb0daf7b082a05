// What can be empty, what can be finished, and what calls itself too early.
#include <algorithm>

#include "base/error.h"
#include "text/grammar_automata.h"

namespace ondol::text::grammar {
namespace {

struct Call {
  uint32_t from, rule, target;
};

// Which states come to an end: over plain edges freely, over a call where its rule does so itself.
class Backwards {
 public:
  Backwards(const Drafts& drafts, bool over_bytes)
      : plain_(drafts.states.size()), calls_to_(drafts.states.size()) {
    reached.resize(drafts.states.size());
    rules.resize(drafts.rules.size());
    calls_of_.resize(drafts.rules.size());
    started_by_.resize(drafts.states.size());
    for (uint32_t s = 0; s < drafts.states.size(); ++s) {
      const Draft& draft = drafts.states[s];
      for (const uint32_t next : draft.skips) plain_[next].push_back(s);
      for (const Grammar::ByteEdge& edge : draft.bytes) {
        if (over_bytes) plain_[edge.target].push_back(s);
      }
      for (const Grammar::CallEdge& call : draft.calls) {
        const auto index = static_cast<uint32_t>(all_.size());
        all_.push_back({s, call.rule, call.target});
        calls_to_[call.target].push_back(index);
        calls_of_[call.rule].push_back(index);
      }
    }
    for (uint32_t r = 0; r < drafts.rules.size(); ++r) {
      started_by_[drafts.rules[r].start].push_back(r);
    }
    for (uint32_t s = 0; s < drafts.states.size(); ++s) {
      if (drafts.states[s].final) reach(s);
    }
    run();
  }

  std::vector<bool> reached;  // by state
  std::vector<bool> rules;    // by rule: its start is reached

 private:
  void reach(uint32_t state) {
    if (reached[state]) return;
    reached[state] = true;
    waiting_.push_back(state);
  }

  void run() {
    while (!waiting_.empty()) {
      const uint32_t state = waiting_.back();
      waiting_.pop_back();
      for (const uint32_t from : plain_[state]) reach(from);
      for (const uint32_t index : calls_to_[state]) {
        if (rules[all_[index].rule]) reach(all_[index].from);
      }
      for (const uint32_t rule : started_by_[state]) {
        rules[rule] = true;
        for (const uint32_t index : calls_of_[rule]) {
          if (reached[all_[index].target]) reach(all_[index].from);
        }
      }
    }
  }

  std::vector<std::vector<uint32_t>> plain_, calls_to_, calls_of_, started_by_;
  std::vector<Call> all_;
  std::vector<uint32_t> waiting_;
};

// Depth first without recursion; `next(rule)` are the rules called before any byte.
struct Visit {
  uint32_t rule;
  size_t at;
};

[[noreturn]] void refuse(const Drafts& drafts, const std::vector<Visit>& path, uint32_t again) {
  std::string cycle;
  bool on = false;
  for (const Visit& visit : path) {
    on |= visit.rule == again;
    if (on) cycle += "'" + drafts.rules[visit.rule].name + "' -> ";
  }
  throw Error(ErrorCode::kInvalidArgument,
              "[grammar] left recursion: " + cycle + "'" + drafts.rules[again].name +
                  "'; expected a rule to read something before it calls itself; try a repetition "
                  "such as x (\"+\" x)*");
}

}  // namespace

std::vector<bool> empty_rules(const Drafts& drafts) { return Backwards(drafts, false).rules; }

void refuse_left_recursion(const Drafts& drafts) {
  enum : uint8_t { kNew, kOnPath, kDone };
  std::vector<uint8_t> seen(drafts.rules.size(), kNew);
  for (uint32_t first = 0; first < drafts.rules.size(); ++first) {
    if (seen[first] != kNew) continue;
    std::vector<Visit> path = {{first, 0}};
    seen[first] = kOnPath;
    while (!path.empty()) {
      Visit& visit = path.back();
      const auto& calls = drafts.states[drafts.rules[visit.rule].start].calls;
      if (visit.at == calls.size()) {
        seen[visit.rule] = kDone;
        path.pop_back();
        continue;
      }
      const uint32_t next = calls[visit.at++].rule;
      if (seen[next] == kOnPath) refuse(drafts, path, next);
      if (seen[next] == kDone) continue;
      seen[next] = kOnPath;
      path.push_back({next, 0});
    }
  }
}

std::vector<bool> cut_dead_ends(Drafts& drafts) {
  Backwards back(drafts, true);
  for (Draft& draft : drafts.states) {
    std::erase_if(draft.bytes,
                  [&](const Grammar::ByteEdge& edge) { return !back.reached[edge.target]; });
    std::erase_if(draft.calls, [&](const Grammar::CallEdge& call) {
      return !back.reached[call.target] || !back.rules[call.rule];
    });
  }
  return std::move(back.rules);
}

}  // namespace ondol::text::grammar
