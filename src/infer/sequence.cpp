#include "infer/sequence.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "infer/prefix_cache.h"

namespace ondol::infer {

PageList::~PageList() {
  for (KvPool::PageId page : ids_) pool_->release(page);
}

PageList::PageList(PageList&& other) noexcept
    : pool_(other.pool_), ids_(std::exchange(other.ids_, {})) {}

PageList& PageList::operator=(PageList&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(ids_, other.ids_);
  return *this;
}

void PageList::grow_to(int64_t tokens) {
  while (size() < pages_for(tokens)) ids_.push_back(pool_->allocate());
}

void PageList::append_shared(KvPool::PageId page) {
  pool_->retain(page);
  ids_.push_back(page);
}

void PageList::share(int64_t index, KvPool::PageId page) {
  KvPool::PageId& place = ids_[static_cast<size_t>(index)];
  if (place == page) return;
  pool_->retain(page);
  pool_->release(std::exchange(place, page));
}

PageList PageList::fork(int64_t tokens) const {
  PageList copy(*pool_);
  const int64_t full = tokens / kPageTokens;
  for (int64_t index = 0; index < full; ++index) copy.append_shared(ids_[index]);
  if (tokens % kPageTokens != 0) {
    copy.ids_.push_back(pool_->copy(ids_[full]));
  }
  return copy;
}

Chain Chain::fork(int64_t count) const {
  ONDOL_ASSERT(count <= tokens);
  Chain copy(*pages.pool());
  copy.pages = pages.fork(count);
  copy.tokens = count;
  copy.node = node;
  while (copy.node != nullptr && copy.node->depth > count / kPageTokens) {
    copy.node = copy.node->parent;
  }
  return copy;
}

}  // namespace ondol::infer
