#include "text/grammar_machine.h"

#include <algorithm>

#include "base/error.h"

namespace ondol::text {

size_t GrammarMachine::KeyHash::operator()(const Key& key) const {
  uint64_t hash = (uint64_t{key.place} << 32 | key.below) * 0x9E3779B97F4A7C15ULL;
  hash = (hash ^ hash >> 29 ^ key.count) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<size_t>(hash ^ hash >> 32);
}

GrammarMachine::GrammarMachine(std::shared_ptr<const Grammar> grammar)
    : grammar_(std::move(grammar)) {
  nodes_.emplace_back();  // kBottom
  sets_.emplace_back();   // kDead
}

// ---- stacks ----

GrammarMachine::Node GrammarMachine::node(uint32_t place, uint32_t count, Node below) {
  const auto [at, fresh] =
      node_index_.emplace(Key{place, count, below}, static_cast<Node>(nodes_.size()));
  if (fresh) nodes_.push_back({place, count, below});
  return at->second;
}

// A place from which nothing but the return can come is left out: right recursion does not grow.
GrammarMachine::Node GrammarMachine::state_node(uint32_t state, Node below) {
  return grammar_->only_ends(state) ? below : node(state, 0, below);
}

void GrammarMachine::reach(Node node) {
  if (seen_.size() <= node) seen_.resize(std::max<size_t>(nodes_.size(), node + size_t{1}), 0);
  if (seen_[node] == round_) return;
  seen_[node] = round_;
  waiting_.push_back(node);
}

// A rule begins; `back` is where it returns to.
void GrammarMachine::enter(uint32_t rule, Node back) {
  const Grammar::Rule& called = grammar_->rules()[rule];
  reach(called.counted ? node(kCounting | rule, 0, back) : node(called.start, 0, back));
}

void GrammarMachine::visit(Node at) {
  if (at == kBottom) {
    found_.push_back(at);
    return;
  }
  const NodeData data = nodes_[at];
  if ((data.place & kCounting) != 0) {
    const uint32_t index = data.place & ~kCounting;
    const Grammar::Rule& rule = grammar_->rules()[index];
    if (data.count >= rule.min && data.count > 0) reach(data.below);
    if (rule.max == kRepeatMax) {
      enter(rule.body,
            node(data.place, std::min(data.count + 1, std::max(rule.min, 1U)), data.below));
    } else if (data.count < rule.max) {
      enter(rule.body,
            data.count + 1 == rule.max ? data.below : node(data.place, data.count + 1, data.below));
    }
    return;
  }
  const Grammar::State& state = grammar_->state(data.place);
  if (state.bytes_begin != state.bytes_end) found_.push_back(at);
  if (state.final) reach(data.below);
  for (const Grammar::CallEdge& call : grammar_->calls_of(data.place)) {
    enter(call.rule, state_node(call.target, data.below));
  }
}

// The places that read a byte next when `at` is on top; kBottom first where the text may end.
std::span<const GrammarMachine::Node> GrammarMachine::closure(Node at) {
  if (nodes_[at].closure_begin == kUnknown) {
    if (++round_ == 0) {
      std::fill(seen_.begin(), seen_.end(), 0);
      round_ = 1;
    }
    waiting_.clear();
    found_.clear();
    reach(at);
    while (!waiting_.empty()) {
      const Node next = waiting_.back();
      waiting_.pop_back();
      visit(next);
      if (found_.size() + waiting_.size() > kWaysMax) {
        throw Error(ErrorCode::kResourceExhausted,
                    "[grammar] more than " + std::to_string(kWaysMax) +
                        " ways to read one text; expected a less ambiguous grammar; try rules "
                        "whose alternatives begin differently");
      }
    }
    std::sort(found_.begin(), found_.end());
    nodes_[at].closure_begin = static_cast<uint32_t>(closures_.size());
    nodes_[at].closure_count = static_cast<uint32_t>(found_.size());
    closures_.insert(closures_.end(), found_.begin(), found_.end());
  }
  return {closures_.data() + nodes_[at].closure_begin, nodes_[at].closure_count};
}

// ---- sets ----

GrammarMachine::Set GrammarMachine::set_of(std::vector<Node>& ways) {
  std::sort(ways.begin(), ways.end());
  ways.erase(std::unique(ways.begin(), ways.end()), ways.end());
  if (ways.empty()) return kDead;
  if (ways.size() > kWaysMax) {
    throw Error(ErrorCode::kResourceExhausted,
                "[grammar] more than " + std::to_string(kWaysMax) +
                    " ways to read one text; expected a less ambiguous grammar; try rules whose "
                    "alternatives begin differently");
  }
  const bool ends = ways.front() == kBottom;
  if (ends) ways.erase(ways.begin());
  uint64_t hash = ends;
  for (const Node way : ways) hash = (hash ^ way) * 0x9E3779B97F4A7C15ULL ^ hash >> 31;
  const auto [first, last] = set_index_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    const SetData& set = sets_[at->second];
    if (set.ends == ends && set.count == ways.size() &&
        std::equal(ways.begin(), ways.end(), pool_.data() + set.begin)) {
      return at->second;
    }
  }
  sets_.push_back({pool_.size(), static_cast<uint32_t>(ways.size()), ends});
  pool_.insert(pool_.end(), ways.begin(), ways.end());
  set_index_.emplace(hash, static_cast<Set>(sets_.size() - 1));
  return static_cast<Set>(sets_.size() - 1);
}

GrammarMachine::Set GrammarMachine::start() {
  const uint32_t root = grammar_->root();
  const Grammar::Rule& rule = grammar_->rules()[root];
  const std::span<const Node> first = closure(node(rule.start, 0, kBottom));
  std::vector<Node> ways(first.begin(), first.end());
  if (grammar_->may_be_empty()) ways.push_back(kBottom);
  return set_of(ways);
}

GrammarMachine::Set GrammarMachine::after(Node at) {
  const std::span<const Node> found = closure(at);
  std::vector<Node> ways(found.begin(), found.end());
  return set_of(ways);
}

GrammarMachine::Set GrammarMachine::alone(uint32_t state) { return after(node(state, 0, kBottom)); }

// All bytes around `byte` that every way treats alike get their entry at once.
GrammarMachine::Set GrammarMachine::find_step(Set set, uint8_t byte) {
  if (set == kDead) return kDead;
  if (sets_[set].table == kUnknown) {
    sets_[set].table = static_cast<uint32_t>(tables_.size());
    tables_.emplace_back().fill(kUnknown);
  }
  unsigned low = 0, high = 255;
  std::vector<Node> next;
  for (uint32_t i = 0; i < sets_[set].count; ++i) {
    const NodeData way = nodes_[pool_[sets_[set].begin + i]];
    for (const Grammar::ByteEdge& edge : grammar_->bytes_of(way.place)) {
      if (edge.high < byte) {
        low = std::max(low, edge.high + 1U);
      } else if (edge.low > byte) {
        high = std::min(high, edge.low - 1U);
      } else {
        low = std::max<unsigned>(low, edge.low);
        high = std::min<unsigned>(high, edge.high);
        const std::span<const Node> found = closure(state_node(edge.target, way.below));
        next.insert(next.end(), found.begin(), found.end());
      }
    }
  }
  const Set target = set_of(next);
  auto& table = tables_[sets_[set].table];
  std::fill(table.begin() + low, table.begin() + high + 1, target);
  return target;
}

GrammarMachine::Set GrammarMachine::read(Set set, std::string_view bytes) {
  for (const char c : bytes) {
    if (set == kDead) break;
    set = step(set, static_cast<uint8_t>(c));
  }
  return set;
}

std::string GrammarMachine::forced(Set set, size_t bytes_max) {
  std::string out;
  while (set != kDead && out.size() < bytes_max && !may_end(set)) {
    // The bytes of all ways are one byte.
    int only = -1;
    for (const Node way : ways(set)) {
      for (const Grammar::ByteEdge& edge : grammar_->bytes_of(nodes_[way].place)) {
        if (edge.low != edge.high || (only >= 0 && only != edge.low)) return out;
        only = edge.low;
      }
    }
    out += static_cast<char>(only);
    set = step(set, static_cast<uint8_t>(only));
  }
  return out;
}

GrammarMachine::Set GrammarMachine::adopt(const GrammarMachine& other, Set set) {
  std::unordered_map<Node, Node> moved = {{kBottom, kBottom}};
  std::vector<Node> ways, chain;
  for (const Node way : other.ways(set)) {
    chain.clear();
    Node at = way;
    for (; !moved.contains(at); at = other.nodes_[at].below) chain.push_back(at);
    Node below = moved.at(at);
    for (; !chain.empty(); chain.pop_back()) {
      const NodeData& data = other.nodes_[chain.back()];
      below = node(data.place, data.count, below);
      moved.emplace(chain.back(), below);
    }
    ways.push_back(below);
  }
  if (other.may_end(set)) ways.push_back(kBottom);
  return set_of(ways);
}

}  // namespace ondol::text
