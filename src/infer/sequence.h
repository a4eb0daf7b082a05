// One running answer: its pages of keys and values, its sampler, its text so far. Internal to
// infer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "infer/generator.h"
#include "infer/lookup.h"
#include "infer/sampler.h"
#include "infer/speculation.h"
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
  void append(KvPool::PageId page) { ids_.push_back(page); }  // takes over one reference
  void append_shared(KvPool::PageId page);                    // takes a reference of its own
  void share(int64_t index, KvPool::PageId page);             // gives back what stood there
  int64_t size() const { return static_cast<int64_t>(ids_.size()); }
  std::span<const KvPool::PageId> ids() const { return ids_; }
  KvPool* pool() const { return pool_; }

 private:
  KvPool* pool_;
  std::vector<KvPool::PageId> ids_;
};

inline int64_t pages_for(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

struct PrefixNode;  // prefix_cache.h
struct DraftState;  // draft.h

// The computed beginning of a row of tokens.
struct Chain {
  explicit Chain(KvPool& pool) : pages(pool) {}
  Chain fork(int64_t count) const;  // shares the first `count` tokens, at most those computed

  PageList pages;
  int64_t tokens = 0;          // whose keys and values are in the pages
  PrefixNode* node = nullptr;  // the last of its pages that stands in the prefix cache, or the root
                               // of its tree. The chain holds that page, so the node stays. Null:
                               // the root of what is computed without adapter
};

// One sample of a request while it is generated.
struct Sequence {
  Sequence(Chain computed, const GenerateRequest& request, int64_t index,
           std::span<const TokenId> prompt)
      : chain(std::move(computed)),
        sampler(request.sampler, static_cast<uint64_t>(index), prompt),
        filter(request.stop),
        sample(index),
        history(prompt.begin(), prompt.end()),
        mask(request.mask ? request.mask->clone() : nullptr) {}

  // Tokens of the history still to be computed: 1 while decoding, more after a preemption.
  int64_t pending() const { return static_cast<int64_t>(history.size()) - chain.tokens; }

  Chain chain;
  Sampler sampler;
  StopFilter filter;
  int64_t sample;
  std::vector<TokenId> history;  // the prompt and the answer so far
  GeneratedSample result;
  bool finished = false;
  std::unique_ptr<TokenMask> mask;  // after the history; null: everything is allowed
  Lookup lookup;                    // over the history, as far as it was needed yet
  GuessPause pause;
  std::shared_ptr<DraftState> draft;  // null: no draft model has read it
};

}  // namespace ondol::infer
