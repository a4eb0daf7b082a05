// One ragged batch: the layout of activations everywhere (architecture, contract 4). Tokens of all
// sequences stand one after another in [sum T, D]; a sequence brings its positions and its pages of
// keys and values.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "ops/linear.h"

namespace ondol {

struct KvShape {
  int64_t layers = 0;
  int64_t kv_heads = 0;
  int64_t head_width = 0;
  KvType type = KvType::kF32;
};

// Fixed-size pages for all layers, reference-counted so that sequences can share a prefix. A page
// holds kPageTokens tokens of every layer. Memory is taken page by page and given back to the pool,
// not the system. Not synchronised: one engine thread owns it.
class KvPool {
 public:
  KvPool(KvShape shape, size_t bytes_max);
  ~KvPool();
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  using PageId = int32_t;
  // Throws Error(kResourceExhausted) when the byte limit is reached.
  PageId allocate();
  void retain(PageId page);
  void release(PageId page);
  int references(PageId page) const;
  // A fresh page with the bytes of `from` (copy on write of a shared, partly filled page).
  PageId copy(PageId from);

  KvPage page(PageId id, int64_t layer) const;
  // Keys and values of all layers, page_bytes(): to save a page or to fill it with saved bytes.
  std::span<std::byte> page_data(PageId id);
  const KvShape& shape() const { return shape_; }
  size_t page_bytes() const;
  size_t pages_in_use() const;
  size_t pages_free() const;  // that allocate() can still give

 private:
  struct Pages;
  KvShape shape_;
  std::unique_ptr<Pages> pages_;
};

// Low-rank additions to the linears of one model, applied unmerged: entry i belongs to the linear
// whose slot is i; entries without matrices change nothing. An attribute of a sequence
// (architecture, contract 6).
struct Adapter {
  std::vector<ops::LowRank> by_slot;
  // More of the same, which training leaves as it is (PiSSA: minus what by_slot began with). Files
  // and loaded adapters have none: there both are one pair.
  std::vector<ops::LowRank> fixed_by_slot = {};
};

// What training adds by chance. Every number follows from the seed and its place in the batch.
struct TrainingNoise {
  uint64_t seed = 0;          // of this batch
  float adapter_dropout = 0;  // share of the inputs of adapters (by_slot) that are zero
  float embedding_alpha = 0;  // NEFTune: embeddings of a sequence of T tokens get +-alpha/sqrt(T D)
};

struct SequenceSlice {
  int64_t token_begin = 0;  // rows [token_begin, token_end) of the batch
  int64_t token_end = 0;
  int64_t first_position = 0;             // position of the first of these tokens
  std::span<const KvPool::PageId> pages;  // enough for first_position + tokens; encoders: empty
  const Adapter* adapter = nullptr;       // outlives the call
};

struct SequenceBatch {
  std::vector<SequenceSlice> sequences;
  KvPool* kv = nullptr;  // decoders; null for encoders, whose keys and values live only in the call
  // The pool has one layer, which every layer of the model writes over: nothing is kept for later
  // tokens (training, encoders).
  bool kv_of_one_layer = false;
  TrainingNoise noise = {};  // none in inference and validation
  int64_t tokens() const { return sequences.empty() ? 0 : sequences.back().token_end; }
};

// What the sequences of a decoder look at beside themselves (cross attention): sequence i of its
// batch at the tokens of slice i, all of them, in pages as those of a decoder's own tokens.
struct EncoderMemory {
  SequenceBatch sources;
  // [sum S, D], the rows of the slices: keys and values are made of them and written to the pages.
  // Null: they stand there already.
  const Tensor* states = nullptr;
};

}  // namespace ondol
