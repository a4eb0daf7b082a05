#include "infer/sequence.h"

#include <utility>

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
  while (static_cast<int64_t>(ids_.size()) < pages_for(tokens)) ids_.push_back(pool_->allocate());
}

PageList PageList::fork(int64_t tokens) const {
  PageList copy(*pool_);
  const int64_t full = tokens / kPageTokens;
  for (int64_t index = 0; index < full; ++index) {
    pool_->retain(ids_[index]);
    copy.ids_.push_back(ids_[index]);
  }
  if (tokens % kPageTokens != 0) {
    copy.ids_.push_back(pool_->copy(ids_[full], tokens % kPageTokens));
  }
  return copy;
}

}  // namespace ondol::infer
