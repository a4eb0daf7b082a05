#include "infer/grammar_mask.h"

#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "text/grammar_machine.h"

namespace ondol {
namespace {

using text::GrammarMachine;

constexpr size_t kFootprintMax = 8'000'000;  // of a machine; a new one is begun then
constexpr size_t kSetsKept = 512;            // sets of tokens by place
constexpr size_t kStatesKept = 1024;         // sets of tokens by state of the grammar

constexpr size_t kForcedMax = 80;  // bytes of forced text looked at

// What a state allows as long as its rule goes on, and the nodes of the vocabulary at which the
// rule may have ended: there, what comes after the rule goes on.
struct StateTokens {
  TokenSet inside;
  std::vector<uint32_t> exits;
};

// Shared by all masks of a grammar.
class MaskEngine {
 public:
  MaskEngine(std::shared_ptr<const text::Grammar> grammar,
             std::shared_ptr<const VocabularyTrie> vocabulary,
             std::shared_ptr<const text::Tokenizer> tokenizer)
      : vocabulary_(std::move(vocabulary)),
        tokenizer_(std::move(tokenizer)),
        machine_(std::make_shared<GrammarMachine>(std::move(grammar))) {}

  // A place in the text: a set of a machine, which may be older than the one in use.
  struct Place {
    std::shared_ptr<GrammarMachine> machine;
    GrammarMachine::Set set = GrammarMachine::kDead;
  };

  Place start() {
    const std::lock_guard lock(mutex_);
    return {machine_, machine_->start()};
  }

  // Another mask may be asked at the same time.
  Place copy(const Place& place) {
    const std::lock_guard lock(mutex_);
    return place;
  }

  void allowed(Place& place, TokenSet& out) {
    const std::lock_guard lock(mutex_);
    bring_here(place);
    const auto known = sets_.find(place.set);
    if (known != sets_.end()) return out.insert(known->second);
    if (sets_.size() >= kSetsKept) sets_.clear();
    TokenSet tokens(vocabulary_->size());
    const std::optional<text::TokenId> only = forced_token(place.set);
    if (only) {
      tokens.insert(*only);
    } else {
      collect(place.set, tokens);
    }
    out.insert(sets_.emplace(place.set, std::move(tokens)).first->second);
  }

  void accept(Place& place, text::TokenId token) {
    const std::lock_guard lock(mutex_);
    bring_here(place);
    const bool known = token >= 0 && token < vocabulary_->size();
    const GrammarMachine::Set next = known && !vocabulary_->bytes(token).empty()
                                         ? machine_->read(place.set, vocabulary_->bytes(token))
                                         : GrammarMachine::kDead;
    if (next == GrammarMachine::kDead) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[mask] token " + std::to_string(token) +
                      " came; expected one that the grammar allows here");
    }
    place.set = next;
  }

 private:
  // Places of an older machine move to the one in use.
  void bring_here(Place& place) {
    if (machine_->footprint() > kFootprintMax) {
      machine_ = std::make_shared<GrammarMachine>(machine_->grammar_pointer());
      sets_.clear();
      open_.clear();
    }
    if (place.machine == machine_) return;
    place.set = machine_->adopt(*place.machine, place.set);
    place.machine = machine_;
  }

  // The first token of what has to come. The last token of that may be a part of a longer one with
  // what comes then, so it is left open; nullopt.
  std::optional<text::TokenId> forced_token(GrammarMachine::Set set) {
    if (tokenizer_ == nullptr) return std::nullopt;
    const std::string text = machine_->forced(set, kForcedMax);
    if (text.empty()) return std::nullopt;
    const std::vector<text::TokenId> ids = tokenizer_->encode(text, {});
    if (ids.size() < 2) return std::nullopt;
    const bool known = ids[0] >= 0 && ids[0] < vocabulary_->size();
    const bool same = known && !vocabulary_->bytes(ids[0]).empty() &&
                      text.starts_with(vocabulary_->bytes(ids[0]));
    return same ? std::optional(ids[0]) : std::nullopt;
  }

  void collect(GrammarMachine::Set set, TokenSet& out) {
    if (machine_->may_end(set)) {
      for (const text::TokenId id : vocabulary_->ends()) out.insert(id);
    }
    const auto ways = machine_->ways(set);
    for (const GrammarMachine::Node way : std::vector(ways.begin(), ways.end())) {
      const StateTokens& own = tokens_of(machine_->state_of(way));
      out.insert(own.inside);
      const GrammarMachine::Node below = machine_->below(way);
      if (below == GrammarMachine::kBottom || own.exits.empty()) continue;
      const GrammarMachine::Set after = machine_->after(below);
      for (const uint32_t exit : own.exits) {
        const VocabularyTrie::Node& node = vocabulary_->nodes()[exit];
        walk(exit + 1, node.end, node.depth + size_t{1}, after, out, nullptr);
      }
    }
  }

  // Inside of strings nearly every token is allowed, wherever the string stands: in a state that
  // most characters lead back to, the nodes below which all tokens are allowed and none ends the
  // rule. Null: it is no such state, or there are several ways.
  const std::vector<bool>* open_nodes(GrammarMachine::Set set) {
    if (open_.size() <= set) open_.resize(set + size_t{1}, kUnknown);
    if (open_[set] == kUnknown) {
      open_[set] = kClosed;
      const auto ways = machine_->ways(set);
      if (ways.size() == 1 && !machine_->may_end(set)) {
        const uint32_t state = machine_->state_of(ways[0]);
        const GrammarMachine::Set alone = machine_->alone(state);
        if (open_.size() <= alone) open_.resize(alone + size_t{1}, kUnknown);
        bool loops = !machine_->may_end(alone);
        for (const uint8_t byte : {'a', 'Z', ' ', '0'}) {
          loops = loops && machine_->step(alone, byte) == alone;
        }
        if (loops) {
          if (!open_of_state_.contains(state)) open_of_state_[state] = find_open(alone);
          open_[set] = state;
        }
      }
    }
    return open_[set] == kClosed ? nullptr : &open_of_state_.at(open_[set]);
  }

  // Backwards, so that what stands below a node is known before it.
  std::vector<bool> find_open(GrammarMachine::Set loop) {
    std::vector<bool> open(vocabulary_->nodes().size(), false);
    for (size_t at = open.size(); at-- > 0;) {
      open[at] = all_open(loop, static_cast<uint32_t>(at), loop, open);
    }
    return open;
  }

  // All that stands below the node is allowed after `set`; characters are a few bytes long, then
  // the loop is reached again.
  bool all_open(GrammarMachine::Set set, uint32_t at, GrammarMachine::Set loop,
                const std::vector<bool>& open) {
    const std::span<const VocabularyTrie::Node> nodes = vocabulary_->nodes();
    for (uint32_t child = at + 1; child < nodes[at].end; child = nodes[child].end) {
      const GrammarMachine::Set next = machine_->step(set, nodes[child].byte);
      if (next == GrammarMachine::kDead || machine_->may_end(next)) return false;
      if (next == loop ? !open[child] : !all_open(next, child, loop, open)) return false;
    }
    return true;
  }

  const StateTokens& tokens_of(uint32_t state) {
    const auto known = states_.find(state);
    if (known != states_.end()) return known->second;
    if (states_.size() >= kStatesKept) states_.clear();
    StateTokens made{TokenSet(vocabulary_->size()), {}};
    const auto nodes = static_cast<uint32_t>(vocabulary_->nodes().size());
    walk(0, nodes, 0, machine_->alone(state), made.inside, &made.exits);
    return states_.emplace(state, std::move(made)).first->second;
  }

  // The nodes from `begin` to `end`, which stand at `depth` or deeper below the place `from`.
  void walk(uint32_t begin, uint32_t end, size_t depth, GrammarMachine::Set from, TokenSet& out,
            std::vector<uint32_t>* exits) {
    const std::span<const VocabularyTrie::Node> nodes = vocabulary_->nodes();
    path_.resize(vocabulary_->depth() + 1);
    path_[depth] = from;
    for (uint32_t at = begin; at < end;) {
      const VocabularyTrie::Node& node = nodes[at];
      const GrammarMachine::Set next = machine_->step(path_[node.depth], node.byte);
      if (next == GrammarMachine::kDead) {
        at = node.end;
        continue;
      }
      const std::vector<bool>* open = open_nodes(next);
      if (open != nullptr && (*open)[at]) {
        for (const text::TokenId id : vocabulary_->tokens_below(at)) out.insert(id);
        at = node.end;
        continue;
      }
      path_[node.depth + size_t{1}] = next;
      for (const text::TokenId id : vocabulary_->tokens(node)) out.insert(id);
      if (exits != nullptr && node.end > at + 1 && machine_->may_end(next)) exits->push_back(at);
      ++at;
    }
  }

  const std::shared_ptr<const VocabularyTrie> vocabulary_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::mutex mutex_;
  std::shared_ptr<GrammarMachine> machine_;
  std::unordered_map<GrammarMachine::Set, TokenSet> sets_;
  std::unordered_map<uint32_t, StateTokens> states_;
  static constexpr uint32_t kUnknown = UINT32_MAX, kClosed = UINT32_MAX - 1;
  std::vector<uint32_t> open_;  // by set: the state that says which nodes are open
  std::unordered_map<uint32_t, std::vector<bool>> open_of_state_;
  std::vector<GrammarMachine::Set> path_;  // of a walk: after each byte
};

class GrammarMask final : public TokenMask {
 public:
  GrammarMask(std::shared_ptr<MaskEngine> engine, MaskEngine::Place place)
      : engine_(std::move(engine)), place_(std::move(place)) {}

  std::unique_ptr<TokenMask> clone() const override {
    return std::make_unique<GrammarMask>(engine_, engine_->copy(place_));
  }
  void allowed(TokenSet& set) const override { engine_->allowed(place_, set); }
  void accept(text::TokenId token) override { engine_->accept(place_, token); }

 private:
  std::shared_ptr<MaskEngine> engine_;
  mutable MaskEngine::Place place_;  // the same place, perhaps of a newer machine
};

}  // namespace

std::shared_ptr<const TokenMask> make_grammar_mask(
    std::shared_ptr<const text::Grammar> grammar, std::shared_ptr<const VocabularyTrie> vocabulary,
    std::shared_ptr<const text::Tokenizer> tokenizer) {
  auto engine =
      std::make_shared<MaskEngine>(std::move(grammar), std::move(vocabulary), std::move(tokenizer));
  MaskEngine::Place start = engine->start();
  return std::make_shared<GrammarMask>(std::move(engine), std::move(start));
}

}  // namespace ondol
