#include "train/bpe_training.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace ondol::train {
namespace {

uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// Pairs with their counts and the words they occur in; open addressing, at most half full.
class PairTable {
 public:
  struct Pair {
    uint64_t ids = 0;
    int64_t count = 0;
    bool merged = false;          // or never to be
    size_t touched = 0;           // the last merge that added occurrences
    std::vector<uint32_t> words;  // every word it occurs in, some it no longer does
  };

  PairTable() : slots_(1 << 16, kFree) {}

  uint32_t find_or_add(uint64_t ids) {
    size_t at = slot(ids);
    for (; slots_[at] != kFree; at = (at + 1) & (slots_.size() - 1)) {
      if (pairs_[slots_[at]].ids == ids) return slots_[at];
    }
    const auto index = static_cast<uint32_t>(pairs_.size());
    slots_[at] = index;
    pairs_.push_back({.ids = ids, .words = {}});
    if (pairs_.size() * 2 > slots_.size()) grow();
    return index;
  }
  Pair& operator[](uint32_t index) { return pairs_[index]; }
  size_t size() const { return pairs_.size(); }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;

  size_t slot(uint64_t ids) const {
    // The finaliser of splitmix64 (Steele, Lea, Flood 2014), cut short.
    uint64_t mixed = (ids ^ (ids >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed ^= mixed >> 29;
    return static_cast<size_t>(mixed) & (slots_.size() - 1);
  }
  void grow() {
    slots_.assign(slots_.size() * 2, kFree);
    for (uint32_t i = 0; i < pairs_.size(); ++i) {
      size_t at = slot(pairs_[i].ids);
      while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = i;
    }
  }

  std::vector<uint32_t> slots_;
  std::vector<Pair> pairs_;
};

// A pair with the count it had when it was queued.
struct Candidate {
  int64_t count = 0;
  uint64_t ids = 0;
  uint32_t pair = 0;
  // The heap's top is the greatest: more occurrences, then lower ids.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : ids > other.ids;
  }
};

class Merger {
 public:
  explicit Merger(MergeProblem problem) : p_(std::move(problem)) {
    for (size_t id = 0; id < p_.tokens.size(); ++id) {
      ids_.emplace(p_.tokens[id], static_cast<int32_t>(id));
    }
    sizes_.reserve(p_.ends.size());
    for (size_t w = 0; w < p_.ends.size(); ++w) {
      sizes_.push_back(static_cast<uint32_t>(p_.ends[w] - begin_of(w)));
    }
  }

  Merges run(ProgressSink& progress);

 private:
  size_t begin_of(size_t word) const { return word == 0 ? 0 : p_.ends[word - 1]; }
  void count_pairs();
  void add(int32_t left, int32_t right, int64_t count, uint32_t word);
  void merge_in(uint32_t word, int32_t left, int32_t right, int32_t merged);
  void push(uint32_t pair) {
    if (pairs_[pair].count <= 0) return;
    heap_.push_back({pairs_[pair].count, pairs_[pair].ids, pair});
    std::push_heap(heap_.begin(), heap_.end());
  }
  // The id of the token that two make; -1: a special token is spelled so.
  int32_t token_of(int32_t left, int32_t right);
  bool merge_best(Merges& out);

  MergeProblem p_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<uint32_t> sizes_;  // symbols of each word that are left
  PairTable pairs_;
  std::vector<Candidate> heap_;
  std::vector<uint32_t> touched_;  // pairs that the present merge made
  size_t round_ = 0;
};

void Merger::add(int32_t left, int32_t right, int64_t count, uint32_t word) {
  const uint32_t index = pairs_.find_or_add(pair_of(left, right));
  PairTable::Pair& pair = pairs_[index];
  pair.count += count;
  if (count <= 0) return;
  if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
  if (pair.touched == round_) return;
  pair.touched = round_;
  touched_.push_back(index);
}

void Merger::count_pairs() {
  ++round_;
  for (size_t w = 0; w < sizes_.size(); ++w) {
    const int32_t* symbols = &p_.symbols[begin_of(w)];
    for (uint32_t i = 0; i + 1 < sizes_[w]; ++i) {
      add(symbols[i], symbols[i + 1], static_cast<int64_t>(p_.counts[w]), static_cast<uint32_t>(w));
    }
  }
}

void Merger::merge_in(uint32_t word, int32_t left, int32_t right, int32_t merged) {
  const auto count = static_cast<int64_t>(p_.counts[word]);
  int32_t* symbols = &p_.symbols[begin_of(word)];
  const uint32_t size = sizes_[word];
  uint32_t out = 0;
  for (uint32_t i = 0; i < size; ++i) {
    if (symbols[i] != left || i + 1 == size || symbols[i + 1] != right) {
      symbols[out++] = symbols[i];
      continue;
    }
    if (out > 0) {
      add(symbols[out - 1], left, -count, word);
      add(symbols[out - 1], merged, count, word);
    }
    if (i + 2 < size) {
      add(right, symbols[i + 2], -count, word);
      add(merged, symbols[i + 2], count, word);
    }
    symbols[out++] = merged;
    ++i;
  }
  sizes_[word] = out;
}

int32_t Merger::token_of(int32_t left, int32_t right) {
  std::string_view tail = p_.tokens[static_cast<size_t>(right)];
  if (!p_.prefix.empty() && tail.starts_with(p_.prefix)) tail.remove_prefix(p_.prefix.size());
  std::string token = p_.tokens[static_cast<size_t>(left)];
  token += tail;
  const auto [row, is_new] = ids_.emplace(token, static_cast<int32_t>(p_.tokens.size()));
  if (is_new) p_.tokens.push_back(std::move(token));
  return static_cast<size_t>(row->second) < p_.special_count ? -1 : row->second;
}

// False when no pair is left that is frequent enough.
bool Merger::merge_best(Merges& out) {
  std::pop_heap(heap_.begin(), heap_.end());
  const Candidate top = heap_.back();
  heap_.pop_back();
  if (top.count != pairs_[top.pair].count) {
    push(top.pair);
    return true;
  }
  if (top.count < 1 || static_cast<uint64_t>(top.count) < p_.min_frequency) return false;
  const auto left = static_cast<int32_t>(top.ids >> 32);
  const auto right = static_cast<int32_t>(top.ids & UINT32_MAX);
  const int32_t merged = token_of(left, right);
  const std::vector<uint32_t> words = std::exchange(pairs_[top.pair].words, {});
  if (merged < 0) {
    pairs_[top.pair].count = 0;
    return true;
  }
  // A pair may come again, when a token is made in a second way.
  if (!std::exchange(pairs_[top.pair].merged, true)) out.merges.emplace_back(left, right);
  ++round_;
  touched_.clear();
  for (const uint32_t word : words) merge_in(word, left, right, merged);
  pairs_[top.pair].count = 0;
  for (const uint32_t pair : touched_) push(pair);
  return true;
}

Merges Merger::run(ProgressSink& progress) {
  constexpr size_t kShownEvery = 256;
  Merges out;
  count_pairs();
  for (const uint32_t pair : touched_) push(pair);
  while (p_.tokens.size() < p_.vocab_size && !heap_.empty()) {
    if (p_.tokens.size() % kShownEvery == 0) {
      progress.update("merging pairs", p_.tokens.size(), p_.vocab_size);
    }
    if (!merge_best(out)) break;
  }
  out.tokens = std::move(p_.tokens);
  return out;
}

}  // namespace

Merges learn_merges(MergeProblem problem, ProgressSink& progress) {
  ONDOL_ASSERT(problem.ends.size() == problem.counts.size());
  return Merger(std::move(problem)).run(progress);
}

}  // namespace ondol::train
