// Reads text by a grammar, a byte at a time: all the ways it may be read are followed at once.
//
//   GrammarMachine machine(grammar);
//   GrammarMachine::Set at = machine.start();
//   for (char c : text) at = machine.step(at, static_cast<uint8_t>(c));
//   bool whole = machine.may_end(at);      // kDead: no sentence begins so
//
// A way of reading is a stack of places to return to; stacks share their lower parts, and sets of
// stacks that were met before are known by number together with where each byte leads. The machine
// grows while it is used (footprint), so what uses it for long makes a new one now and then and
// moves over (adopt). One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/grammar.h"

namespace ondol::text {

class GrammarMachine {
 public:
  using Set = uint32_t;
  using Node = uint32_t;  // a place on a stack together with all below it
  static constexpr Set kDead = 0;
  static constexpr Node kBottom = 0;  // nothing to return to: the text may end
  // More ways to read one text are an error: the grammar is too ambiguous.
  static constexpr size_t kWaysMax = 4096;

  explicit GrammarMachine(std::shared_ptr<const Grammar> grammar);

  const Grammar& grammar() const { return *grammar_; }
  const std::shared_ptr<const Grammar>& grammar_pointer() const { return grammar_; }
  Set start();
  // Throws Error(kResourceExhausted) where there are too many ways to read the text.
  Set step(Set set, uint8_t byte) {
    const uint32_t table = sets_[set].table;
    const Set known = table != kUnknown ? tables_[table][byte] : kUnknown;
    return known != kUnknown ? known : find_step(set, byte);
  }
  Set read(Set set, std::string_view bytes);
  bool may_end(Set set) const { return sets_[set].ends; }
  // What must come next, as far as there is no choice; at most `bytes_max`.
  std::string forced(Set set, size_t bytes_max);

  // The ways of a set. Each is in a state of the grammar, which reads bytes, with what comes after
  // below it.
  std::span<const Node> ways(Set set) const {
    return {pool_.data() + sets_[set].begin, sets_[set].count};
  }
  uint32_t state_of(Node node) const { return nodes_[node].place; }
  Node below(Node node) const { return nodes_[node].below; }
  // Where a stack stands that ends in `node`, once what was above has ended; and a stack that is
  // nothing but a state.
  Set after(Node node);
  Set alone(uint32_t state);

  // Numbers held, a measure of memory.
  size_t footprint() const { return nodes_.size() * 8 + pool_.size() + tables_.size() * 256; }
  // The same set here.
  Set adopt(const GrammarMachine& other, Set set);

 private:
  static constexpr Set kUnknown = UINT32_MAX;
  static constexpr uint32_t kCounting = 1U << 31;  // of a place: a counted rule, else a state

  struct NodeData {
    uint32_t place = 0;
    uint32_t count = 0;  // of a counted rule: how often its body was read
    Node below = 0;
    uint32_t closure_begin = kUnknown, closure_count = 0;  // in closures_
  };
  struct Key {
    uint32_t place, count;
    Node below;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct SetData {
    size_t begin = 0;
    uint32_t count = 0;
    bool ends = false;
    uint32_t table = kUnknown;
  };

  Node node(uint32_t place, uint32_t count, Node below);
  Node state_node(uint32_t state, Node below);
  std::span<const Node> closure(Node node);
  void reach(Node node);
  void enter(uint32_t rule, Node back);
  void visit(Node node);
  Set set_of(std::vector<Node>& ways);
  Set find_step(Set set, uint8_t byte);

  std::shared_ptr<const Grammar> grammar_;
  std::vector<NodeData> nodes_;
  std::unordered_map<Key, Node, KeyHash> node_index_;
  std::vector<Node> closures_;
  std::vector<SetData> sets_;
  std::vector<Node> pool_;  // the ways of all sets, ascending; kBottom is in none
  std::unordered_multimap<uint64_t, Set> set_index_;
  std::vector<std::array<Set, 256>> tables_;
  // While a closure is made.
  std::vector<uint32_t> seen_;
  uint32_t round_ = 0;
  std::vector<Node> waiting_, found_;
};

}  // namespace ondol::text
