// One running answer: its pages of keys and values, its sampler, its text so far. Internal to
// infer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "infer/generator.h"
#include "infer/sampler.h"
#include "infer/stop.h"
#include "nn/sequence_batch.h"

namespace ondol::infer {

// The pages of one sequence, released with it. Full pages may be shared; the last, partly filled
// one never is.
class PageList {
 public:
  explicit PageList(KvPool& pool) : pool_(&pool) {}
  ~PageList();
  PageList(PageList&& other) noexcept;
  PageList& operator=(PageList&& other) noexcept;
  PageList(const PageList&) = delete;

  void grow_to(int64_t tokens);         // allocates pages for positions [0, tokens)
  PageList fork(int64_t tokens) const;  // shares full pages of [0, tokens), copies the partial one
  std::span<const KvPool::PageId> ids() const { return ids_; }

 private:
  KvPool* pool_;
  std::vector<KvPool::PageId> ids_;
};

inline int64_t pages_for(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

// One sample of a request while it is generated.
struct Sequence {
  Sequence(PageList page_list, const GenerateRequest& request, int64_t index,
           std::span<const TokenId> prompt)
      : pages(std::move(page_list)),
        sampler(request.sampler, static_cast<uint64_t>(index), prompt),
        filter(request.stop),
        sample(index) {}

  PageList pages;
  Sampler sampler;
  StopFilter filter;
  int64_t sample;
  int64_t position = 0;  // tokens whose keys and values are in the pages
  TokenId next = 0;      // the token to compute next
  GeneratedSample result;
  bool finished = false;
};

}  // namespace ondol::infer
