// Attention over a ragged batch: first `rope_append` turns queries and keys by their positions and
// writes keys and values into pages; then `attention` reads queries and pages. The two are apart so
// that the pages may come from elsewhere (a shared prefix, an encoder's output for cross
// attention).
//
//   rope_append(context, shape, rope, q, k, v, sequences);
//   attention(context, shape, q, sources, out);
//
// T tokens of all sequences, H query heads, G key/value heads (H a multiple of G), E head width.
#pragma once

#include <span>

#include "ops/context.h"
#include "tensor/tensor.h"

namespace ondol::ops {

// Angles of every row of the batch: cosines and sines [T, rotary_width / 2]. Undefined tensors: the
// architecture has no rotary positions.
struct RopeRows {
  Tensor cosines;
  Tensor sines;
  RopeLayout layout = RopeLayout::kHalves;
  int64_t rotary_width = 0;
};

// The rows [token_begin, token_end) of the batch and the pages of one layer they are written to.
// The pages are the sequence's whole table: token i stands in page i / kPageTokens.
struct AppendTarget {
  int64_t token_begin = 0;
  int64_t token_end = 0;
  int64_t first_slot = 0;
  std::span<const KvPage> pages;
  KvType type = KvType::kF32;  // of the pages; the same in one call
};

// q[T, H*E] and k[T, G*E] are turned in place. v[T, G*E].
void rope_append(const Context& context, const AttentionShape& shape, const RopeRows& rope,
                 Tensor& q, Tensor& k, const Tensor& v, std::span<const AppendTarget> targets);

// The second half of it alone, for keys that are not turned: those of an encoder's states.
void append(const Context& context, const AttentionShape& shape, const Tensor& k, const Tensor& v,
            std::span<const AppendTarget> targets);

// What the rows [token_begin, token_end) of the batch look at.
struct AttentionSource {
  int64_t token_begin = 0;
  int64_t token_end = 0;
  std::span<const KvPage> pages;
  int64_t keys = 0;  // valid keys in the pages
  bool causal = true;
  int64_t first_position = 0;    // causal: row i sees keys [0, first_position + i]
  const Tensor* bias = nullptr;  // [H, rows, keys], added before the softmax; null: none
  KvType type = KvType::kF32;    // of the pages; the same in one call
  // The keys and values in the pages as rows [keys, G*E], where they were made; only a tape needs
  // them. `key_begin` is the row of the first.
  const Tensor* k = nullptr;
  const Tensor* v = nullptr;
  int64_t key_begin = 0;
};

// out[T, H*E]
void attention(const Context& context, const AttentionShape& shape, const Tensor& q,
               std::span<const AttentionSource> sources, Tensor& out);

}  // namespace ondol::ops
