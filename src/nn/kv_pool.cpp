#include <cstring>

#include "base/error.h"
#include "nn/sequence_batch.h"

namespace ondol {

struct KvPool::Pages {
  PackArena arena;
  std::vector<std::shared_ptr<std::byte>> memory;
  std::vector<int> references;
  std::vector<PageId> unused;  // with memory, without owner
  size_t pages_max = 0;
  int64_t part_bytes = 0;  // keys, or values, of one layer of one page
};

KvPool::KvPool(KvShape shape, size_t bytes_max) : shape_(shape), pages_(std::make_unique<Pages>()) {
  if (shape.layers < 1 || shape.kv_heads < 1 || shape.head_width < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "[kv_pool] page shape; got " + std::to_string(shape.layers) + " layers, " +
                    std::to_string(shape.kv_heads) + " heads, width " +
                    std::to_string(shape.head_width) + ", expected at least 1 each");
  }
  pages_->part_bytes = shape.kv_heads * kv_head_bytes(shape.type, shape.head_width);
  pages_->pages_max = bytes_max / page_bytes();
}

KvPool::~KvPool() = default;

size_t KvPool::page_bytes() const {
  return static_cast<size_t>(shape_.layers * 2 * pages_->part_bytes);
}

KvPool::PageId KvPool::allocate() {
  Pages& pages = *pages_;
  if (!pages.unused.empty()) {
    const PageId id = pages.unused.back();
    pages.unused.pop_back();
    pages.references[id] = 1;
    return id;
  }
  if (pages.memory.size() >= pages.pages_max) {
    throw Error(ErrorCode::kResourceExhausted,
                "[kv_pool] no page of keys and values left; got " + std::to_string(pages_in_use()) +
                    " in use, expected fewer than " + std::to_string(pages.pages_max) + " of " +
                    std::to_string(page_bytes()) +
                    " bytes; try a shorter context, fewer sequences or a larger limit");
  }
  // Kernels read whole pages and mask: what they mask must be finite.
  pages.memory.push_back(pages.arena.allocate(static_cast<int64_t>(page_bytes())));
  std::memset(pages.memory.back().get(), 0, page_bytes());
  pages.references.push_back(1);
  return static_cast<PageId>(pages.memory.size() - 1);
}

void KvPool::retain(PageId page) {
  ONDOL_ASSERT(references(page) > 0);
  ++pages_->references[page];
}

void KvPool::release(PageId page) {
  ONDOL_ASSERT(references(page) > 0);
  if (--pages_->references[page] == 0) pages_->unused.push_back(page);
}

int KvPool::references(PageId page) const {
  ONDOL_ASSERT(page >= 0 && static_cast<size_t>(page) < pages_->references.size());
  return pages_->references[page];
}

KvPool::PageId KvPool::copy(PageId from) {
  ONDOL_ASSERT(references(from) > 0);
  const PageId to = allocate();
  std::memcpy(page_data(to).data(), page_data(from).data(), page_bytes());
  return to;
}

KvPage KvPool::page(PageId id, int64_t layer) const {
  ONDOL_ASSERT(references(id) > 0 && layer >= 0 && layer < shape_.layers);
  std::byte* keys = pages_->memory[id].get() + layer * 2 * pages_->part_bytes;
  return {keys, keys + pages_->part_bytes};
}

std::span<std::byte> KvPool::page_data(PageId id) {
  ONDOL_ASSERT(references(id) > 0);
  return {pages_->memory[id].get(), page_bytes()};
}

size_t KvPool::pages_in_use() const { return pages_->memory.size() - pages_->unused.size(); }

size_t KvPool::pages_free() const { return pages_->pages_max - pages_in_use(); }

}  // namespace ondol
