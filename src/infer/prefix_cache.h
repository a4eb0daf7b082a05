// Keys and values of beginnings that were computed before, for prompts that begin alike: a tree
// over token ids in which a node is one page (kPageTokens tokens) and the way from the root to it
// is the text before; every adapter has a tree of its own. Nodes and running sequences share pages
// by reference count; what no sequence holds is given back to the pool leaf by leaf, the longest
// unused first, when pages are needed.
//
//   Chain chain(pool);
//   cache.extend(chain, prompt.first(prompt.size() - 1));   // what is known need not be computed
//   ... compute, chain.tokens grows ...
//   cache.keep(chain, prompt);                              // full pages, for others at once
//   cache.finish(std::move(chain), prompt_and_answer);      // the end: the last page, too
//
// A cached page holds the bits that computing it again would give (ADR 0003), so the cache changes
// no result. Not synchronised: the engine thread owns it. Internal to infer.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "infer/sequence.h"

namespace ondol::infer {

class PrefixStore;

using Tokens = std::span<const TokenId>;

struct TokensLess {
  using is_transparent = void;
  bool operator()(Tokens a, Tokens b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
};

struct PrefixNode {
  PrefixNode* parent = nullptr;
  // By the tokens of their page; fewer than kPageTokens: a leaf that is shared by copying it.
  std::map<std::vector<TokenId>, std::unique_ptr<PrefixNode>, TokensLess> children;
  Tokens tokens;            // this node's key
  KvPool::PageId page = 0;  // the tree holds one reference
  int64_t depth = 0;        // pages on the way from the root, this one included
  uint64_t used = 0;        // when, by the cache's own count
  std::string name;         // of its file
  bool saved = false;       // the file is there or on its way
  bool worth_saving = false;
};

class PrefixCache {
 public:
  // Holds at most bytes_max of pages beyond what running sequences use; 0: holds nothing. `store`
  // may be null; it outlives the cache.
  PrefixCache(KvPool& pool, size_t bytes_max, PrefixStore* store);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  bool enabled() const { return pages_max_ > 0; }

  // Where chains computed with an adapter begin (Chain::node); empty: with none. Stays as long as
  // the cache.
  PrefixNode* root(const std::string& adapter_hash);

  // Adds cached pages to the chain until it covers as much of `tokens` as is known; a page that
  // agrees in part is copied. `tokens` begins where the chain begins. Returns the tokens won.
  int64_t extend(Chain& chain, Tokens tokens);
  // The same with whole pages in memory only: takes no page from the pool.
  int64_t extend_shared(Chain& chain, Tokens tokens);

  // Puts the chain's full pages into the tree; where the tree has the same page already the chain
  // takes that one.
  void keep(Chain& chain, Tokens tokens);
  // keep(), and the partly filled last page; the chain's own references end.
  void finish(Chain chain, Tokens tokens);

  // Evicts until the pool has `pages` to give; false: what is left is in use.
  bool make_room(int64_t pages);
  void clear();  // all that no sequence holds
  // Gives the full pages of `tokens` that are in the tree of `root` to the store, as far as it
  // takes more now.
  void save(PrefixNode* root, Tokens tokens);
  void save_rest();  // what save() could not give away yet; returns when it is written

  int64_t pages() const { return static_cast<int64_t>(pages_); }
  int64_t pages_evictable() const;
  // Leading pages of `tokens` that are in the tree of `root` and held by a sequence.
  int64_t pages_shared_now(const PrefixNode* root, Tokens tokens) const;
  int64_t evictions() const { return evictions_; }
  int64_t pages_loaded() const { return pages_loaded_; }

 private:
  PrefixNode* child(PrefixNode& node, Tokens tokens) const;
  bool load_next(const Chain& chain, Tokens tokens);
  const std::string& name_of(PrefixNode& node) const;
  bool save_node(PrefixNode& node);
  PrefixNode& insert(PrefixNode& parent, Tokens tokens, KvPool::PageId page);
  void insert_tail(PrefixNode& parent, Tokens tokens, KvPool::PageId page);
  void copy_part(Chain& chain, Tokens tokens);
  void touch(PrefixNode& node);
  void remove(PrefixNode& leaf);
  bool evict_one();
  void trim();
  std::vector<PrefixNode*> roots();
  PrefixNode& at(const Chain& chain) { return chain.node != nullptr ? *chain.node : root_; }

  KvPool& pool_;
  PrefixStore* store_;
  size_t pages_max_;
  PrefixNode root_;
  std::map<std::string, PrefixNode> adapter_roots_;  // by hash
  std::map<uint64_t, PrefixNode*> leaves_;           // by when they were used, the oldest first
  size_t pages_ = 0;
  uint64_t clock_ = 0;
  int64_t evictions_ = 0;
  int64_t pages_loaded_ = 0;
};

}  // namespace ondol::infer
