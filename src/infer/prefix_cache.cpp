#include "infer/prefix_cache.h"

#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "infer/prefix_store.h"

namespace ondol::infer {
namespace {

// Fewer tokens are computed again sooner than a page is copied.
constexpr int64_t kCopiedTokensMin = 8;

int64_t common_tokens(Tokens a, Tokens b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

bool is_prefix(Tokens shorter, Tokens longer) {
  return shorter.size() <= longer.size() &&
         std::equal(shorter.begin(), shorter.end(), longer.begin());
}

// Page `index` of a row of tokens: kPageTokens of them, or what is left.
Tokens block(Tokens tokens, int64_t index) {
  const auto begin = std::min(tokens.size(), static_cast<size_t>(index * kPageTokens));
  return tokens.subspan(begin, std::min(tokens.size() - begin, size_t{kPageTokens}));
}

bool is_full(Tokens tokens) { return tokens.size() == size_t{kPageTokens}; }

}  // namespace

PrefixCache::PrefixCache(KvPool& pool, size_t bytes_max, PrefixStore* store)
    : pool_(pool), store_(store), pages_max_(bytes_max / pool.page_bytes()) {}

PrefixCache::~PrefixCache() { clear(); }

PrefixNode* PrefixCache::root(const std::string& adapter_hash) {
  if (adapter_hash.empty()) return &root_;
  PrefixNode& root = adapter_roots_[adapter_hash];
  if (store_ != nullptr && root.name.empty()) {
    root.name = sha256_hex(store_->root() + "\nadapter " + adapter_hash);
  }
  return &root;
}

std::vector<PrefixNode*> PrefixCache::roots() {
  std::vector<PrefixNode*> all = {&root_};
  for (auto& [hash, root] : adapter_roots_) all.push_back(&root);
  return all;
}

PrefixNode* PrefixCache::child(PrefixNode& node, Tokens tokens) const {
  const auto found = node.children.find(tokens);
  return found == node.children.end() ? nullptr : found->second.get();
}

// ---- reading ----

int64_t PrefixCache::extend_shared(Chain& chain, Tokens tokens) {
  const int64_t before = chain.tokens;
  PrefixNode* node = &at(chain);
  while (chain.tokens == node->depth * kPageTokens) {
    const Tokens next = block(tokens, node->depth);
    node = is_full(next) ? child(*node, next) : nullptr;
    if (node == nullptr) break;
    touch(*node);
    chain.pages.append_shared(node->page);
    chain.tokens += kPageTokens;
    chain.node = node;
  }
  return chain.tokens - before;
}

int64_t PrefixCache::extend(Chain& chain, Tokens tokens) {
  if (!enabled()) return 0;
  const int64_t before = chain.tokens;
  do {
    extend_shared(chain, tokens);
  } while (load_next(chain, tokens));
  copy_part(chain, tokens);
  return chain.tokens - before;
}

// Brings the chain's next page from the disk into the tree.
bool PrefixCache::load_next(const Chain& chain, Tokens tokens) {
  PrefixNode& node = at(chain);
  const Tokens next = block(tokens, node.depth);
  const bool at_page_end = chain.tokens == node.depth * kPageTokens;
  if (store_ == nullptr || !at_page_end || !is_full(next)) return false;
  const std::string name = store_->name(name_of(node), next);
  if (!store_->contains(name) || !make_room(1)) return false;
  PageList loaded(pool_);
  loaded.grow_to(kPageTokens);
  if (!store_->load(name, pool_.page_data(loaded.ids()[0]))) return false;
  PrefixNode& added = insert(node, next, loaded.ids()[0]);
  added.name = name;
  added.saved = true;
  ++pages_loaded_;
  return true;
}

const std::string& PrefixCache::name_of(PrefixNode& node) const {
  if (&node == &root_) return store_->root();
  if (node.name.empty()) node.name = store_->name(name_of(*node.parent), node.tokens);
  return node.name;
}

// Children stand in the order of their tokens, so the one that agrees longest with `rest` is a
// neighbour of the place where `rest` would stand.
void PrefixCache::copy_part(Chain& chain, Tokens tokens) {
  PrefixNode& node = at(chain);
  const Tokens rest = block(tokens, node.depth);
  if (chain.tokens != node.depth * kPageTokens || rest.empty()) return;
  PrefixNode* best = nullptr;
  int64_t count = kCopiedTokensMin - 1;
  const auto consider = [&](PrefixNode& candidate) {
    const int64_t common = common_tokens(candidate.tokens, rest);
    if (common > count) {
      count = common;
      best = &candidate;
    }
  };
  const auto place = node.children.lower_bound(rest);
  if (place != node.children.end()) consider(*place->second);
  if (place != node.children.begin()) consider(*std::prev(place)->second);
  if (best == nullptr) return;
  touch(*best);
  const KvPool::PageId source = best->page;
  pool_.retain(source);  // making room must not take it
  if (make_room(1)) {
    chain.pages.append(pool_.copy(source));
    chain.tokens += count;
  }
  pool_.release(source);
}

int64_t PrefixCache::pages_shared_now(const PrefixNode* root, Tokens tokens) const {
  int64_t count = 0;
  for (const PrefixNode* node = root;; ++count) {
    const auto found = node->children.find(block(tokens, count));
    if (found == node->children.end() || !is_full(found->second->tokens)) return count;
    node = found->second.get();
    if (pool_.references(node->page) < 2) return count;
  }
}

int64_t PrefixCache::pages_evictable() const {
  int64_t count = 0;
  std::vector<const PrefixNode*> open = {&root_};
  for (const auto& [hash, root] : adapter_roots_) open.push_back(&root);
  while (!open.empty()) {
    const PrefixNode* node = open.back();
    open.pop_back();
    for (const auto& [tokens, next] : node->children) {
      count += pool_.references(next->page) == 1;
      open.push_back(next.get());
    }
  }
  return count;
}

// ---- writing ----

PrefixNode& PrefixCache::insert(PrefixNode& parent, Tokens tokens, KvPool::PageId page) {
  // A partly filled page that this one continues is of no more use. None stands between the two.
  const auto place = parent.children.lower_bound(tokens);
  if (place != parent.children.begin()) {
    PrefixNode& previous = *std::prev(place)->second;
    if (is_prefix(previous.tokens, tokens)) remove(previous);
  }
  const auto [entry, added] = parent.children.emplace(
      std::vector<TokenId>(tokens.begin(), tokens.end()), std::make_unique<PrefixNode>());
  ONDOL_ASSERT(added);
  PrefixNode& node = *entry->second;
  if (parent.parent != nullptr) leaves_.erase(parent.used);  // the parent is a leaf no more
  node.parent = &parent;
  node.tokens = entry->first;
  node.page = page;
  node.depth = parent.depth + 1;
  pool_.retain(page);
  ++pages_;
  touch(node);
  return node;
}

void PrefixCache::keep(Chain& chain, Tokens tokens) {
  if (!enabled()) return;
  PrefixNode* node = &at(chain);
  while ((node->depth + 1) * kPageTokens <= chain.tokens) {
    const int64_t index = node->depth;
    const Tokens next = block(tokens, index);
    ONDOL_ASSERT(is_full(next));
    PrefixNode* known = child(*node, next);
    if (known != nullptr) {
      touch(*known);
      chain.pages.share(index, known->page);
    } else {
      known = &insert(*node, next, chain.pages.ids()[static_cast<size_t>(index)]);
    }
    node = chain.node = known;
  }
  trim();
}

void PrefixCache::insert_tail(PrefixNode& parent, Tokens tokens, KvPool::PageId page) {
  const auto place = parent.children.lower_bound(tokens);
  if (place != parent.children.end() && is_prefix(tokens, place->second->tokens)) {
    return touch(*place->second);  // the tree knows more already
  }
  insert(parent, tokens, page);
}

void PrefixCache::finish(Chain chain, Tokens tokens) {
  if (!enabled()) return;
  tokens = tokens.first(static_cast<size_t>(chain.tokens));
  keep(chain, tokens);
  PrefixNode& node = at(chain);
  const Tokens tail = block(tokens, node.depth);
  if (static_cast<int64_t>(tail.size()) >= kCopiedTokensMin) {
    insert_tail(node, tail, chain.pages.ids()[static_cast<size_t>(node.depth)]);
  }
  { const Chain ended = std::move(chain); }  // its references end, so that trim() may take them
  trim();
}

// ---- to the disk ----

bool PrefixCache::save_node(PrefixNode& node) {
  node.worth_saving = true;
  if (!node.saved) node.saved = store_->save(name_of(node), pool_.page_data(node.page));
  return node.saved;
}

// The beginning of a text goes first, and counts as used last: without it the rest is of no use.
void PrefixCache::save(PrefixNode* root, Tokens tokens) {
  if (store_ == nullptr) return;
  std::vector<PrefixNode*> path;
  for (PrefixNode* node = root;;) {
    const Tokens next = block(tokens, node->depth);
    node = is_full(next) ? child(*node, next) : nullptr;
    if (node == nullptr) break;
    path.push_back(node);
  }
  for (PrefixNode* node : path) save_node(*node);
  for (auto node = path.rbegin(); node != path.rend(); ++node) {
    if ((*node)->saved) store_->touch((*node)->name);
  }
}

void PrefixCache::save_rest() {
  if (store_ == nullptr) return;
  std::vector<PrefixNode*> open = roots();
  while (!open.empty()) {
    PrefixNode* node = open.back();
    open.pop_back();
    while (node->worth_saving && !save_node(*node)) store_->flush();
    for (const auto& [tokens, next] : node->children) open.push_back(next.get());
  }
  store_->flush();
}

// ---- forgetting ----

void PrefixCache::touch(PrefixNode& node) {
  if (node.children.empty()) {
    leaves_.erase(node.used);
    leaves_.emplace(clock_ + 1, &node);
  }
  node.used = ++clock_;
}

void PrefixCache::remove(PrefixNode& leaf) {
  ONDOL_ASSERT(leaf.children.empty());
  PrefixNode& parent = *leaf.parent;
  leaves_.erase(leaf.used);
  pool_.release(leaf.page);
  --pages_;
  parent.children.erase(parent.children.find(leaf.tokens));
  if (parent.children.empty() && parent.parent != nullptr) leaves_.emplace(parent.used, &parent);
}

bool PrefixCache::evict_one() {
  for (const auto& [used, leaf] : leaves_) {
    if (pool_.references(leaf->page) > 1) continue;
    remove(*leaf);
    ++evictions_;
    return true;
  }
  return false;
}

bool PrefixCache::make_room(int64_t pages) {
  while (static_cast<int64_t>(pool_.pages_free()) < pages) {
    if (!evict_one()) return false;
  }
  return true;
}

void PrefixCache::trim() {
  while (pages_ > pages_max_ && evict_one()) {
  }
}

void PrefixCache::clear() {
  while (evict_one()) {
  }
}

}  // namespace ondol::infer
